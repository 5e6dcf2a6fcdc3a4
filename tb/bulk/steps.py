"""A compiled simulation played cycle by cycle, with the bits of ports as Python integers."""

import ctypes
from collections.abc import Iterable, Mapping
from typing import Any

from .job import SimulationError
from .library import FAULT
from .pack import port_bytes

__all__ = ["Steps"]


class Steps:
    """See `Model.steps`.

    Attributes
    ----------
    outputs
        Names of the ports that `step` gives.
    """

    def __init__(self, library: ctypes.CDLL, instance: Any, ports: Mapping[str, tuple[int, dict[str, Any]]]) -> None:
        self._library, self._instance = library, instance
        self._buffers = {
            name: ctypes.create_string_buffer(port_bytes(port["width"])) for name, (_, port) in ports.items()
        }
        self._indices = {name: index for name, (index, _) in ports.items()}
        self.outputs = [name for name, (_, port) in ports.items() if port["direction"] == "out"]
        self._sampled = self._table(self.outputs)

    def step(self, inputs: Mapping[str, int], *, edge: bool = True) -> dict[str, int]:
        """Set some inputs, the others stay; the outputs that follow, right before the clock's edge if there is one.

        Raises
        ------
        SimulationError
            For a failed assertion.
        """
        for name, bits in inputs.items():
            buffer = self._buffers[name]
            buffer.raw = bits.to_bytes(len(buffer), "little")
        status = self._library.tl_cycles(self._instance, 1, edge, *self._table(inputs), *self._sampled)
        if status == FAULT:
            raise SimulationError(self._library.tl_fault().decode())
        return {name: int.from_bytes(self._buffers[name].raw, "little") for name in self.outputs}

    def _table(self, names: Iterable[str]) -> tuple[int, Any, Any]:
        """Number of ports, their indices, and pointers to their values."""
        chosen = list(names)
        indices = (ctypes.c_int32 * max(len(chosen), 1))(*(self._indices[name] for name in chosen))
        pointers = (ctypes.c_void_p * max(len(chosen), 1))(*(ctypes.addressof(self._buffers[name]) for name in chosen))
        return len(chosen), indices, pointers
