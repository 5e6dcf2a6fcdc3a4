"""What the layers of a list give the SNAP chip to do: which values and weights are stored, not what they are."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ...hw.snap_chip.command import OPERATIONS
from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from .command import Command
from .golden import Result, input_layout, output_layout, read_rings, residual_layout, run_list
from .layers import Convolution, Layer
from .program import Program
from .tensors import TensorLayout, decode_tensor

__all__ = ["ColumnWork", "LayerWork", "bitmaps_of", "list_work", "program_work", "tile_words", "works_of"]


@dataclasses.dataclass(frozen=True)
class ColumnWork:
    """Weights of a column of a core.

    Parameters
    ----------
    bitmaps
        ``[groups, kernels]``: channels with weights, a bit each.
    windows, counts
        As in `RingWeights`.
    """

    bitmaps: np.ndarray
    windows: np.ndarray
    counts: np.ndarray


@dataclasses.dataclass(frozen=True)
class LayerWork:
    """A layer.

    Parameters
    ----------
    command
        Values of all fields.
    inputs, outputs, residual
        ``[lines, columns, stored tiles]``: stored channels, a bit each.
    weights
        Of all weight buffers; empty for a pooling layer.
    """

    command: Command
    inputs: np.ndarray
    outputs: np.ndarray
    residual: np.ndarray | None = None
    weights: tuple[ColumnWork, ...] = ()

    @property
    def convolves(self) -> bool:
        """Whether it is a convolution."""
        return self.command["operation"] == OPERATIONS["convolve"]


def bitmaps_of(config: SnapChipConfig, stored: np.ndarray) -> np.ndarray:
    """Bitmaps (uint64) of channels or places ``[..., stored]``, `tile_channels` of which belong together."""
    split = stored.reshape(*stored.shape[:-1], -1, config.tile_channels)
    packed = np.packbits(split, axis=-1, bitorder="little")
    wide = np.zeros((*packed.shape[:-1], 8), np.uint8)
    wide[..., : packed.shape[-1]] = packed
    return wide.view("<u8")[..., 0].astype(np.uint64)


def tile_words(config: SnapChipConfig, bitmaps: np.ndarray, band_lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Words of each stored tile in order of segments, and beats of each segment."""
    bytes_ = config.bitmap_bytes + np.bitwise_count(bitmaps).astype(np.int64)
    words, beats = [], []
    for line in range(0, len(bitmaps), band_lines):
        band = -(-bytes_[line : line + band_lines] // WORD_BYTES)
        words.append(band.transpose(2, 0, 1).ravel())
        beats.append(-(-band.sum((0, 1)) // config.beat_words))
    return np.concatenate(words), np.concatenate(beats)


def list_work(config: SnapChipConfig, memory: np.ndarray, address: int) -> list[LayerWork]:
    """What the list of commands at the beat `address` gives to do, with the values that the memory holds.

    Raises
    ------
    ConfigError, FormatError
        As `run_list`.
    """
    return works_of(config, run_list(config, memory, address))


def works_of(config: SnapChipConfig, result: Result) -> list[LayerWork]:
    """What the commands of a list that has run gave to do; errors are those of `list_work`."""

    def stored(layout: TensorLayout) -> np.ndarray:
        values = decode_tensor(config, layout, result.memory)
        return bitmaps_of(config, values != layout.zero)

    works = []
    for command in result.commands:
        convolves = command["operation"] == OPERATIONS["convolve"]
        works.append(
            LayerWork(
                command=command,
                inputs=stored(input_layout(config, command)),
                outputs=stored(output_layout(config, command)),
                residual=stored(residual_layout(config, command)) if command["residual"] else None,
                weights=tuple(
                    ColumnWork(bitmaps_of(config, ring.weights != 0)[..., 0], ring.windows, ring.counts)
                    for ring in read_rings(config, command, result.memory)
                )
                if convolves
                else (),
            )
        )
    return works


def program_work(program: Program, layers: Sequence[Layer], values: Mapping[str, np.ndarray]) -> list[LayerWork]:
    """What a compiled list of layers gives to do, if all tensors are known: nothing is computed.

    Parameters
    ----------
    layers
        Those that were compiled.
    values
        Of all tensors by name, ``[lines, columns, channels]``.
    """
    config = program.config

    def stored(name: str) -> np.ndarray:
        placed = program.tensors[name]
        there = values[name] != placed.layout.zero
        return bitmaps_of(config, np.where(placed.order >= 0, there[..., placed.order], False))

    works = []
    for layer, command in zip(layers, program.commands, strict=True):
        residual, weights = None, ()
        if isinstance(layer, Convolution):
            residual = stored(layer.residual.tensor) if layer.residual else None
            weights = tuple(
                ColumnWork(bitmaps_of(config, ring.weights != 0)[..., 0], ring.windows, ring.counts)
                for ring in read_rings(config, command, program.image)
            )
        works.append(LayerWork(command, stored(layer.source), stored(layer.target), residual, weights))
    return works
