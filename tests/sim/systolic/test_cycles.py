import dataclasses

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.hw.systolic.layouts import COUNTERS
from tensorloom.sim.systolic.commands import MATRIX_COMMAND
from tensorloom.sim.systolic.cycles import SystolicCycles, predict
from tensorloom.sim.systolic.machine import FLIGHT, QUEUE
from tensorloom.sim.systolic.plan import plan_matmul

TINY = PRESETS["tiny"]
LARGEST = SystolicConfig(
    rows=4096, columns=2259, tile_rows=64, tile_columns=9, accumulator_rows=1 << 16, accumulator_bits=29,
    weight_fifo_tiles=64, drain_queue=64, multiplier_registers=3,
)  # fmt: skip


def test_counters_are_those_of_the_hardware() -> None:
    assert tuple(field.name for field in dataclasses.fields(SystolicCycles)) == COUNTERS


@pytest.mark.parametrize("config", [*PRESETS.values(), LARGEST, TINY.replace(multiplier_registers=3, drain_queue=2)])
def test_a_single_product(config: SystolicConfig) -> None:
    """One tile: it is written and loaded; then rows enter; the last one's sums come rows + columns + 3 cycles later."""
    m = config.half_rows
    predicted = predict(config, plan_matmul(config, m, config.rows, config.columns).commands)
    ready = config.rows + 1 + config.tile_grid[0] + 1  # cycles of the array's wait, from the first
    latency = config.rows + config.columns + 3 + config.multiplier_registers
    assert predicted.issued == m
    assert predicted.wait_weights == ready - 1
    assert predicted.cycles == ready + m + latency
    assert (predicted.wait_accumulators, predicted.wait_activations) == (0, 0)
    assert predicted.drain == 1 + latency


def test_short_commands_wait_for_weights() -> None:
    """A tile takes `rows` cycles to load, however few rows it works on."""
    two, three = (predict(TINY, plan_matmul(TINY, 1, tiles * TINY.rows, 1).commands) for tiles in (9, 10))
    assert three.cycles - two.cycles == TINY.rows
    assert three.wait_weights - two.wait_weights == TINY.rows - 1


def commands_of(*rows: tuple[int, ...]) -> np.ndarray:
    commands = np.zeros(len(rows), MATRIX_COMMAND)
    for name, values in zip(("rows", "address", "accumulate", "drain"), zip(*rows, strict=True), strict=True):
        commands[name] = values
    return commands


def test_rows_wait_for_accumulators() -> None:
    """The row may enter in the second cycle after the one in which the row that was there is read."""
    predicted = predict(TINY, commands_of((1, 0, 0, 1), (1, 0, 0, 1)))
    assert predicted.wait_accumulators == TINY.flight_cycles + 4
    apart = predict(TINY, commands_of((1, 0, 0, 1), (1, 1, 0, 1)))
    assert apart.wait_accumulators == 0


def test_accumulating_rows_keep_the_port() -> None:
    """A row that lands and accumulates in the same bank delays a row that drains by a cycle; in the other, it does not.

    The drained row can be read three cycles after it lands, when the third row after it does.
    """
    for address, delay in ((4, 1), (5, 0)):
        rows = [(1, 0, 0, 1), (2, 8, 0, 0), (1, address, 1, 0), (1, 0, 0, 0)]
        config = TINY.replace(accumulator_rows=16)
        quiet, busy = (predict(config, commands_of(*rows[:2], (1, address, a, 0), rows[3])) for a in (0, 1))
        assert busy.wait_accumulators - quiet.wait_accumulators == delay, address


@pytest.mark.parametrize("queue", [2, 4])
def test_a_full_drain_queue(queue: int) -> None:
    commands = commands_of(*((1, address, 0, 1) for address in range(9)))
    predicted = predict(TINY.replace(drain_queue=queue), commands)
    roomy = predict(TINY.replace(drain_queue=16), commands)
    assert predicted.wait_accumulators > roomy.wait_accumulators == 0
    assert predicted.cycles == roomy.cycles + predicted.wait_accumulators


def test_the_largest_unit_fits_the_model() -> None:
    assert LARGEST.drain_queue == QUEUE
    assert LARGEST.flight_cycles + 3 <= FLIGHT


def test_commands_of_any_memory_layout() -> None:
    commands = plan_matmul(TINY, 50, 20, 20).commands
    spread = np.repeat(commands, 2)[::2]
    spread.flags.writeable = False
    assert predict(TINY, spread) == predict(TINY, commands)


def test_wrong_commands() -> None:
    with pytest.raises(TypeError, match="commands must be of dtype"):
        predict(TINY, np.zeros(3, np.int64))
    with pytest.raises(ConfigError, match="commands must be non-empty"):
        predict(TINY, np.zeros(0, MATRIX_COMMAND))
