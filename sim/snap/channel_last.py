"""Cycle model of a channel-last machine, the peer of the SNAP paper (sections II-A and III, Fig. 7).

As SCNN does it: each PE owns a part of the image and multiplies n non-zero weights of one channel with n non-zero
activations of the same channel every cycle, so that every pair is useful and no index has to be matched. But the n * n
products belong to scattered outputs: each is written to the accumulator bank that its output address selects, and a
bank takes one product a cycle. The multipliers stand still while products that found no room wait (Fig. 4(c)).

The model is kind to the machine: operands are always there, products that an image's edge discards cost nothing but
their multiplier's slot, and outputs leave the accumulators for free. What it charges are partly filled vectors, bank
contention, and PEs that wait for the slowest one at the end of each group of kernels.
"""

import dataclasses

import numpy as np

from ...hw.config import check_int
from ..golden.geometry import ConvolutionGeometry, Padding, Steps

__all__ = ["ChannelLast", "ChannelLastCounters", "simulate_channel_last"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChannelLast:
    """Parameters of the machine; the defaults have 64 multipliers, one more than a SNAP core.

    Parameters
    ----------
    pe_rows, pe_columns
        PEs, each with a part of the image.
    operands
        n of the n x n multipliers of a PE.
    banks
        Accumulator banks of a PE (SCNN: twice its multipliers).
    queue
        Products that wait at a bank; 0 stops the multipliers until all products of a cycle are written.
    kernels
        Kernels of a group, whose sums the accumulators hold.
    """

    pe_rows: int = 2
    pe_columns: int = 2
    operands: int = 4
    banks: int = 32
    queue: int = 0
    kernels: int = 8

    def __post_init__(self) -> None:
        for field in ("pe_rows", "pe_columns", "operands", "banks", "kernels"):
            check_int(field, getattr(self, field), 1)
        check_int("queue", self.queue, 0)

    @property
    def multipliers(self) -> int:
        """Multipliers of all PEs."""
        return self.pe_rows * self.pe_columns * self.operands**2


@dataclasses.dataclass(frozen=True)
class ChannelLastCounters:
    """What a run took.

    Parameters
    ----------
    cycles
        Until the slowest PE is done with the last group of kernels.
    products
        Pairs of non-zeros whose output exists: also the writes to accumulators.
    vectors
        Cycles in which a PE multiplied, all PEs together.
    contention
        Cycles in which a PE's multipliers waited for banks, all PEs together.
    """

    cycles: int
    products: int
    vectors: int
    contention: int

    def utilisation(self, multipliers: int) -> float:
        """Effectual utilisation: share of the multiplier slots with a useful pair of non-zeros."""
        return self.products / (self.cycles * multipliers) if self.cycles else 0.0


def simulate_channel_last(
    machine: ChannelLast, x: np.ndarray, w: np.ndarray, stride: Steps = 1, padding: Padding = 0
) -> ChannelLastCounters:
    """Run a convolution of one image, H x W x C by R x S x C x K, on the machine."""
    geometry = ConvolutionGeometry.of((1, *x.shape), w.shape, stride, padding)
    products = vectors = contention = cycles = 0
    lines = np.array_split(np.arange(x.shape[0]), machine.pe_rows)
    columns = np.array_split(np.arange(x.shape[1]), machine.pe_columns)
    parts = [_by_channel(x, down, across) for down in lines for across in columns]
    for first in range(0, w.shape[3], machine.kernels):
        weights = _by_channel(w[..., first : first + machine.kernels])
        totals = np.array([_run(machine, geometry, pixels, weights) for pixels in parts])
        products, vectors = products + int(totals[:, 0].sum()), vectors + int(totals[:, 1].sum())
        contention += int((totals[:, 2] - totals[:, 1]).sum())
        cycles += int(totals[:, 2].max())
    return ChannelLastCounters(cycles, products, vectors, contention)


Places = tuple[np.ndarray, np.ndarray]
"""Places of non-zeros, channel after channel, and where each channel's end."""


def _by_channel(tensor: np.ndarray, *ranges: np.ndarray) -> Places:
    """Non-zeros of a tensor whose third axis are channels, within ranges of the first axes."""
    begins = [int(part[0]) if len(part) else 0 for part in ranges]
    part = tensor[tuple(slice(begin, begin + len(part)) for begin, part in zip(begins, ranges, strict=True))]
    channel, *places = np.nonzero(np.moveaxis(part, 2, 0))
    for axis, begin in enumerate(begins):
        places[axis] = places[axis] + begin
    return np.stack(places, 1), np.cumsum(np.bincount(channel, minlength=tensor.shape[2]))


def _run(machine: ChannelLast, geometry: ConvolutionGeometry, pixels: Places, weights: Places) -> np.ndarray:
    """Products, vectors and cycles of one PE and one group of kernels."""
    from .model.banks import LAYER, multiply

    layer = (
        *geometry.output, *geometry.stride, *geometry.before, machine.operands, machine.kernels, machine.queue
    )  # fmt: skip
    totals = np.zeros(3, np.int64)
    multiply(np.array([layer], LAYER), *pixels, *weights, np.zeros(machine.banks, np.int64), totals)
    return totals
