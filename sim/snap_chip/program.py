"""Layers compiled for the SNAP chip: the image of a memory, and where each tensor lies in it."""

import dataclasses

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError, did_you_mean
from ...hw.snap_chip.config import SnapChipConfig
from ..golden.tensors import check_tensors
from .check import check_memory
from .command import Command
from .tensors import TensorLayout, decode_tensor, encode_tensor

__all__ = ["PlacedTensor", "Program"]


@dataclasses.dataclass(frozen=True)
class PlacedTensor:
    """A tensor in memory.

    Parameters
    ----------
    layout
        Where and how; its channels are those of whole stored tiles.
    order
        Channel at each stored place, -1 for padding.
    """

    layout: TensorLayout
    order: np.ndarray


@dataclasses.dataclass(frozen=True)
class Program:
    """Layers compiled for a chip.

    Parameters
    ----------
    config
        The chip.
    image
        Bytes of the memory; tensors are not written yet.
    list_address
        Beat at which the commands begin.
    commands
        Values of their fields, without the ``stop`` at the end.
    tensors
        All tensors by name.
    """

    config: SnapChipConfig
    image: np.ndarray
    list_address: int
    commands: list[Command]
    tensors: dict[str, PlacedTensor]

    def write(self, memory: np.ndarray, name: str, values: np.ndarray) -> None:
        """Write the tensor `name`, ``[lines, columns, channels]`` of integers, into a memory.

        Raises
        ------
        ConfigError
            If there is no such tensor, or values have another type or shape, or are not of the tensor's type.
        """
        placed = self._placed(name)
        there = placed.order >= 0
        shape = (*placed.layout.shape[:2], int(there.sum()))
        (values,) = check_tensors((f"values of {name}",), (values,), ("lines x columns x channels",))
        check(f"values of {name}", values.shape == shape, f"of shape {shape}", values.shape)
        limits = np.iinfo(placed.layout.dtype)
        for extreme in (int(values.min()), int(values.max())):
            rule = f"from {limits.min} to {limits.max}"
            check(f"values of {name}", limits.min <= extreme <= limits.max, rule, extreme)
        check_memory(memory)
        stored = np.full(placed.layout.shape, placed.layout.zero, np.int64)
        stored[..., there] = values[..., placed.order[there]]
        encode_tensor(self.config, placed.layout, stored, memory)

    def read(self, memory: np.ndarray, name: str) -> np.ndarray:
        """Read the tensor `name`, ``[lines, columns, channels]``, from a memory.

        Raises
        ------
        ConfigError
            If there is no such tensor.
        FormatError
            If what lies there is no tensor, as before the list has run.
        """
        placed = self._placed(name)
        check_memory(memory)
        there = placed.order >= 0
        stored = decode_tensor(self.config, placed.layout, memory)
        values = np.zeros((*stored.shape[:2], int(there.sum())), stored.dtype)
        values[..., placed.order[there]] = stored[..., there]
        return values

    def memory(self, **values: np.ndarray) -> np.ndarray:
        """A copy of the image with some tensors written."""
        memory = self.image.copy()
        for name, tensor in values.items():
            self.write(memory, name, tensor)
        return memory

    def _placed(self, name: str) -> PlacedTensor:
        if name not in self.tensors:
            names = ", ".join(self.tensors)
            raise ConfigError(f"tensor must be one of {names}, not {name!r}", did_you_mean(name, self.tensors))
        return self.tensors[name]
