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
    for first in range(0, w.shape[3], machine.kernels):
        slowest = 0
        for down in lines:
            for across in columns:
                counts = _bank_counts(machine, geometry, x, w, down, across, first)
                taken = _cycles(machine, counts)
                products, vectors = products + int(counts.sum()), vectors + len(counts)
                contention += taken - len(counts)
                slowest = max(slowest, taken)
        cycles += slowest
    return ChannelLastCounters(cycles, products, vectors, contention)


def _bank_counts(
    machine: ChannelLast, geometry: ConvolutionGeometry, x: np.ndarray, w: np.ndarray, down: np.ndarray,
    across: np.ndarray, first: int,
) -> np.ndarray:  # fmt: skip
    """Products for each bank, cycle by cycle, of one PE and one group of kernels: ``[vectors, banks]``."""
    n, banks, (down_step, across_step) = machine.operands, machine.banks, geometry.stride
    height, width = geometry.output
    found = []
    for channel in range(x.shape[2]):
        h, v = np.nonzero(x[down][:, across, channel])
        h, v = h + (down[0] if len(down) else 0), v + (across[0] if len(across) else 0)
        r, s, k = np.nonzero(w[:, :, channel, first : first + machine.kernels])
        if not len(h) or not len(r):
            continue
        top, left = h[None] + geometry.before[0] - r[:, None], v[None] + geometry.before[1] - s[:, None]
        exists = (top % down_step == 0) & (left % across_step == 0) & (top >= 0) & (left >= 0)
        top, left = top // down_step, left // across_step
        exists &= (top < height) & (left < width)
        # Neighbouring outputs, and the same output of neighbouring kernels, lie in neighbouring banks.
        bank = ((top * width + left) * machine.kernels + k[:, None]) % banks
        bank[~exists] = banks
        rows, pads = -(-len(r) // n), -(-len(h) // n)
        grid = np.full((rows * n, pads * n), banks)
        grid[: len(r), : len(h)] = bank
        grid = grid.reshape(rows, n, pads, n).transpose(0, 2, 1, 3).reshape(rows * pads, n * n)
        at = np.arange(len(grid))[:, None] * (banks + 1) + grid
        found.append(np.bincount(at.ravel(), minlength=len(grid) * (banks + 1)).reshape(-1, banks + 1)[:, :banks])
    return np.concatenate(found) if found else np.zeros((0, banks), np.int64)


def _cycles(machine: ChannelLast, counts: np.ndarray) -> int:
    """Cycles of a PE until its products are written; the next vector enters when no bank has more than `queue` left."""
    if not machine.queue:
        return int(np.maximum(counts.max(1, initial=0), 1).sum())
    waiting, cycles = np.zeros(machine.banks, np.int64), 0
    for arriving in counts:
        waiting += arriving
        spent = max(1, int(waiting.max()) - machine.queue)
        waiting = np.maximum(waiting - spent, 0)
        cycles += spent
    return cycles + int(waiting.max(initial=0))
