"""Exact cycle model of the matrix unit."""

import dataclasses
from collections import deque

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..counters import Counters

__all__ = ["SystolicCycles", "predict"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SystolicCycles(Counters):
    """Where the cycles of a command stream go; equals the counters of the hardware.

    Attributes
    ----------
    cycles
        From the first command to the last drained row.
    issued
        An activation row entered the array.
    wait_weights
        The first row of a command waited for its weight tile.
    wait_accumulators
        A row waited for an accumulator row to drain, or for a place in the drain queue.
    wait_activations
        No activation row was offered; never, as the model's streams don't stall.
    """

    issued: int
    wait_weights: int
    wait_accumulators: int
    wait_activations: int = 0

    @property
    def drain(self) -> int:
        """Cycles in which no row was waiting to enter: the first command arrives, the last sums leave."""
        return self.cycles - self.issued - self.wait_weights - self.wait_accumulators - self.wait_activations

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of the cycles in which a row entered, in which one waited, and of start and drain."""
        names = ("issued", "wait_weights", "wait_accumulators", "wait_activations", "drain")
        return {name: getattr(self, name) / self.cycles if self.cycles else 0.0 for name in names}

    def utilisation(self, config: SystolicConfig, macs: int) -> float:
        """Useful multiply-accumulates (zeros count) as a share of cycles x multipliers."""
        return macs / (self.cycles * config.multipliers)


def predict(config: SystolicConfig, commands: np.ndarray) -> SystolicCycles:
    """Predict the counters for streams that never keep the unit waiting and an output that never stalls.

    Works on times, not on cycles: a command whose rows meet no obstacle costs the same however long
    it is, apart from the rows that drain.

    Parameters
    ----------
    config
        The matrix unit.
    commands
        `MATRIX_COMMAND` array; every ``rows`` is at least 1.
    """
    weights, drains = _Weights(config), _Drains(config)
    accepted = issued = wait_weights = wait_accumulators = 0
    last_issue = -1
    for command in commands:
        rows, address = int(command["rows"]), int(command["address"])
        offered = accepted + 1  # the cycle after a command is taken is the first one it can use
        time = offered
        if command["swap"]:
            time = max(time, weights.ready())
            wait_weights += time - offered
        start = time
        if command["drain"]:
            time = max(time, drains.place())
        time = drains.enter(command, rows, address, time)
        if command["swap"]:
            weights.swap(drains.first_issue)
        wait_accumulators += time - start - (rows - 1)
        issued += rows
        last_issue = accepted = time
    flight = drains.flight_cycles
    cycles = max(last_issue + flight + 2, drains.last_output() + 1)
    return SystolicCycles(
        cycles=cycles if issued else 0,
        issued=issued,
        wait_weights=wait_weights,
        wait_accumulators=wait_accumulators,
    )


class _Weights:
    """When tiles are written to the FIFO, loaded and ready (`WeightFIFO`, `WeightLoader`)."""

    def __init__(self, config: SystolicConfig):
        self.rows = config.rows
        self.settle = config.tile_grid[0] + 1
        self.reads: deque[int] = deque(maxlen=config.weight_fifo_tiles)  # first read of the last tiles
        self.depth = config.weight_fifo_tiles
        self.written = -self.rows  # first write of the last tile
        self.swapped = 0

    def ready(self) -> int:
        """First cycle in which the next tile can be swapped in."""
        # A row's place is free the cycle after the row there before was read, `depth` tiles earlier.
        free = self.reads[0] + 1 if len(self.reads) == self.depth else 0
        self.written = max(self.written + self.rows, free)
        start = max(self.written + self.rows, self.swapped)
        if self.reads:
            start = max(start, self.reads[-1] + self.rows - 1)
        self.reads.append(start + 1)
        return start + 1 + self.settle

    def swap(self, time: int) -> None:
        """The tile is in use from this cycle on; its shadow registers are free."""
        self.swapped = time


class _Drains:
    """Ranges that wait to drain and the ports that they compete for (`DrainControl`)."""

    def __init__(self, config: SystolicConfig):
        self.size = config.accumulator_rows
        self.queue = config.drain_queue
        self.flight_cycles = config.flight_cycles
        self.runs: deque[tuple[int, int, int]] = deque()  # accumulating rows: first issue, last issue, first address
        self.waiting: deque[tuple[int, int]] = deque()  # rows to drain: issue, address
        self.ends: deque[int] = deque()  # rows that are left in each range of the queue
        self.finished: deque[int] = deque(maxlen=self.queue)  # when the last ranges left
        self.pushed = 0
        self.left = 0
        self.read, self.last = -1, -1  # when and where the last row was read
        self.first_issue = 0

    def place(self) -> int:
        """First cycle in which the queue can take another range."""
        while self.pushed - self.left >= self.queue:
            self._drain_row()
        # The place is that of the range pushed `queue` ranges ago.
        return self.finished[self.pushed - self.queue - self.left] + 1 if self.pushed >= self.queue else 0

    def enter(self, command: np.void, rows: int, address: int, time: int) -> int:
        """Issue the rows of a command from `time` on; returns the cycle of the last one.

        A row may enter from the second cycle after the one in which the row that was there before is read.
        """
        self._advance(time - 1)
        if self.read == time - 1 and self.last == address:  # read to make place in the queue
            time += 1
        older = {row for _, row in self.waiting} if self._overlaps(rows, address) else set[int]()
        drains, accumulates = bool(command["drain"]), bool(command["accumulate"])
        own: list[tuple[int, int]] = []
        first = None
        row = 0
        while row < rows:
            if not older:  # nothing in the way: the rest goes in one run
                count = rows - row
            else:
                here = (address + row) % self.size
                while here in older:
                    older.discard(self._drain_row())
                    time = max(time, self.read + 2) if here not in older else time
                count = 1
            first = time if first is None else first
            if accumulates:
                self.runs.append((time, time + count - 1, address + row))
            if drains:
                own += [(time + i, (address + row + i) % self.size) for i in range(count)]
            row += count
            time += count
            if older:
                older.difference_update(self._advance(time - 1))
        if drains:
            self.waiting.extend(own)
            self.ends.append(rows)
            self.pushed += 1
        self.first_issue = first if first is not None else time
        return time - 1

    def last_output(self) -> int:
        """Cycle in which the last row is taken at the output, or -1."""
        while self.waiting:
            self._drain_row()
        return self.read + 2 if self.read >= 0 else -1

    def _overlaps(self, rows: int, address: int) -> bool:
        return any((row - address) % self.size < rows for _, row in self.waiting)

    def _next_read(self) -> int:
        """When the oldest waiting row is read, given the rows issued so far."""
        issue, address = self.waiting[0]
        time = max(issue + self.flight_cycles + 3, self.read + 1)
        while self._port_busy(time - self.flight_cycles, address):
            time += 1
        return time

    def _port_busy(self, issue: int, address: int) -> bool:
        """Whether a row issued in this cycle accumulates in the bank of `address`."""
        for start, last, first in self.runs:
            if start <= issue <= last:
                return (first + issue - start - address) % 2 == 0
            if start > issue:
                break
        return False

    def _drain_row(self) -> int:
        """Drain the oldest waiting row; returns its address."""
        self.read = self._next_read()
        while self.runs and self.runs[0][1] + self.flight_cycles <= self.read:
            self.runs.popleft()
        _, address = self.waiting.popleft()
        self.last = address
        self.ends[0] -= 1
        if not self.ends[0]:
            self.ends.popleft()
            self.finished.append(self.read)
            self.left += 1
        return address

    def _advance(self, time: int) -> list[int]:
        """Drain the rows that are read before `time`; returns their addresses."""
        drained = []
        while self.waiting and self._next_read() < time:
            drained.append(self._drain_row())
        return drained
