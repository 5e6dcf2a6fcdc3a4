"""Exact cycle model of the matrix unit."""

import dataclasses

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..counters import Counters
from ..golden.tensors import check_tensor
from .commands import MATRIX_COMMAND
from .machine import UNIT, Sizes, advance

__all__ = ["SystolicCycles", "predict", "sizes_of"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SystolicCycles(Counters):
    """Where the cycles of a command stream go: the counters of the hardware, by their names.

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
        A row that could have entered was not offered.
    """

    cycles: int
    issued: int
    wait_weights: int
    wait_accumulators: int
    wait_activations: int

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


def sizes_of(config: SystolicConfig) -> Sizes:
    """Give the numbers of the configuration that the machine needs."""
    return Sizes(
        rows=config.rows,
        fifo_rows=config.weight_fifo_tiles * config.rows,
        settle_cycles=config.tile_grid[0] + 1,
        address_mask=config.accumulator_rows - 1,
        drain_queue=config.drain_queue,
        flight_cycles=config.flight_cycles,
    )


def predict(config: SystolicConfig, commands: np.ndarray) -> SystolicCycles:
    """Predict the counters for streams that never keep the unit waiting and an output that never stalls.

    So there is a weight row, an activation row and a command in every cycle until the last, and `wait_activations`
    is 0.

    Parameters
    ----------
    config
        The matrix unit.
    commands
        `MATRIX_COMMAND` array, one-dimensional.

    Raises
    ------
    TypeError, ConfigError
        If `commands` is not such an array.
    """
    check_tensor("commands", commands, "commands", (MATRIX_COMMAND,))
    units = np.zeros(1, UNIT)
    advance(
        sizes_of(config), np.array(commands), units
    )  # a copy: contiguous and writable, of the one type that is compiled
    return SystolicCycles(**{field.name: int(units[0][field.name]) for field in dataclasses.fields(SystolicCycles)})
