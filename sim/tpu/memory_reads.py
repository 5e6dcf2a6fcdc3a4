"""Instructions that read weight memory ahead of those that use what they read."""

from collections.abc import Callable, Iterable, Sequence

from ...hw.tpu.config import QUEUES, TpuConfig
from .weights import Tile, runs

__all__ = ["ParameterReads", "WeightReads"]


class WeightReads:
    """Instructions that read weights: early, but never so many that their queue is full before it can move on.

    The instruction for tile t is written before the ``matmul`` with tile t - `ahead`. As every one reads a tile at
    least, the one eight before it, whose place in the queue it takes, then has tiles of older ``matmul`` only.
    """

    def __init__(self, emit: Callable[..., None], config: TpuConfig, tiles: Iterable[Tile]) -> None:
        self.emit, self.runs = emit, runs(tiles)[::-1]
        self.ahead = min(config.tiles_ahead + 1, QUEUES["weights"] - 1)
        self.tiles_read = self.tiles_used = 0

    def read(self, tiles: int) -> None:
        """Read what comes next, before a ``matmul`` that uses so many new tiles."""
        self.tiles_used += tiles
        while self.runs and self.tiles_read < self.tiles_used + self.ahead:
            run = self.runs.pop()
            self.tiles_read += len(run)
            self.emit(
                "read_weights", tiles=len(run), rows=run[0].rows, chunks=run[0].chunks, address=run[0].address
            )  # fmt: skip


class ParameterReads:
    """Instructions that read parameter sets, half of those that may wait at a time.

    Parameters
    ----------
    emit
        Adds an instruction.
    config
        The machine.
    addresses
        First beats of the sets, in the order in which they are used.
    """

    def __init__(self, emit: Callable[..., None], config: TpuConfig, addresses: Sequence[int]) -> None:
        self.emit, self.config, self.addresses = emit, config, addresses
        self.sets_read = self.sets_used = 0

    def read(self) -> None:
        """Read as many as there is room for."""
        room, half, beats = self.config.parameter_sets, max(1, self.config.parameter_sets // 2), self.config.set_beats
        while self.sets_read < len(self.addresses):
            first, *others = self.addresses[self.sets_read : self.sets_read + half]
            count = 1
            while others and others.pop(0) == first + count * beats:
                count += 1
            if self.sets_read - self.sets_used + count > room:
                break
            self.emit("read_parameters", count=count, address=first)
            self.sets_read += count

    def use(self, following: bool) -> bool:
        """Note that an ``activate`` goes on with the following set, if it does."""
        self.sets_used += following
        return following
