"""The compiled matrix unit against the cycle model and the golden model; `unit.run` compares all counters."""

import dataclasses

import numpy as np
import pytest

from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.systolic.mapping import map_convolution, map_matmul
from tensorloom.tb.systolic.programs import make_program, random_commands


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 60))])
def test_random_commands(unit, seed):
    rng = np.random.default_rng(seed)
    commands = random_commands(unit.config, rng, int(rng.integers(1, 60)))
    commands["drain"][-1] = 1  # so that the last cycle is that of the last sum
    program = make_program(unit.config, commands, rng)
    stalls = {"stalls": float(rng.uniform(0.1, 0.8)), "seed": seed}
    for options in ({"idle_cycles": 50}, stalls, stalls | {"after_valid": True, "watchdog": 1000}):
        result = unit.run(program, len(program.sums), **options)
        assert np.array_equal(result.outputs["o_sums"], program.sums)
        assert result.counters["o_error"] == 0


@pytest.mark.parametrize("kinds", [("int8", "int8"), ("uint8", "int16"), ("int16", "uint8"), ("uint16", "int16")])
@pytest.mark.parametrize("seed", range(4))
def test_products(unit, kinds, seed):
    rng = np.random.default_rng(seed)
    m, k, n = (int(size) for size in rng.integers(1, 5 * unit.config.rows, 3))
    a, b = (
        rng.integers(max(np.iinfo(kind).min, -3000), min(np.iinfo(kind).max, 3000), shape, dtype=kind, endpoint=True)
        for kind, shape in zip(kinds, ((m, k), (k, n)), strict=True)
    )
    program = map_matmul(unit.config, a, b)
    result = unit.run(program, program.sums)
    assert np.array_equal(program.assemble(result.outputs["o_sums"]), matmul(a, b))


@pytest.mark.parametrize(
    "stride, padding, dilation, groups",
    [
        (1, 1, 1, 1),
        (2, 0, 1, 2),
        (3, 2, 2, 1),
        (1, 0, 1, 4),
        ((2, 1), (1, 0, 2, 1), (1, 2), 1),
        ((1, 3), (0, 2), (3, 1), 2),
        (40, (20, 30), 15, 1),  # the kernel never meets the image
    ],
)
def test_convolutions(unit, stride, padding, dilation, groups):
    rng = np.random.default_rng(groups)
    x = rng.integers(0, 256, (1, 9, 8, 4), dtype=np.uint8)
    w = rng.integers(-128, 128, (3, 3, 4 // groups, 8), dtype=np.int8)
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    program = map_convolution(unit.config, x, w, **steps)
    result = unit.run(program, program.sums, stalls=0.3, seed=groups, after_valid=True)
    assert np.array_equal(program.assemble(result.outputs["o_sums"]), convolution(x, w, **steps))


# Half of the accumulators holds a long block.
@pytest.mark.parametrize("unit", ["tiny", pytest.param("rectangular", marks=pytest.mark.slow)], indirect=True)
def test_long_products_keep_the_array_busy(unit):
    """One row a cycle from the first to the last: what twice the weight tiles cost is their rows."""
    rows = max(unit.config.rows, unit.config.tile_grid[0] + 2)
    cycles = []
    for tiles in (4, 8):
        k = tiles * unit.config.rows
        program = map_matmul(unit.config, np.ones((rows, k), np.int8), np.ones((k, unit.config.columns), np.int8))
        cycles.append(unit.run(program, program.sums).cycles)
    assert cycles[1] - cycles[0] == 4 * rows


def test_commands_that_are_not_well_formed(unit):
    """The model follows the hardware here too: no rows are skipped, and what is beyond the last row wraps around."""
    if unit.bare:
        pytest.skip("these commands read accumulator rows that were never written, which bare memories don't define")
    rng = np.random.default_rng(1)
    commands = random_commands(unit.config, rng, 40)
    commands["rows"][rng.random(40) < 0.3] = 0
    commands["address"] = rng.integers(0, unit.config.accumulator_rows, 40)
    commands["rows"][[0, -1]] = commands["drain"][-1] = 1
    obeyed = commands[commands["rows"] > 0]
    program = dataclasses.replace(make_program(unit.config, obeyed, rng), commands=commands)
    result = unit.run(program, len(program.sums))
    assert np.array_equal(result.outputs["o_sums"], program.sums)
    assert result.counters["o_error"] == 1
