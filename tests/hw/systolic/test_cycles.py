"""The compiled matrix unit against the cycle model and the golden model."""

import numpy as np
import pytest
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.hw.systolic.layouts import COUNTERS
from tensorloom.hw.systolic.matrix_unit import MatrixUnit
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.mapping import map_convolution, map_matmul
from tensorloom.tb.bulk.model import build
from tensorloom.tb.systolic.programs import make_program, random_commands

CONFIGS = {
    "tiny": PRESETS["tiny"],
    "rectangular": SystolicConfig(
        rows=6, columns=4, tile_rows=3, tile_columns=1, accumulator_rows=16, weight_fifo_tiles=2, drain_queue=2
    ),
}


@pytest.fixture(scope="module", params=CONFIGS)
def unit(request):
    config = CONFIGS[request.param]
    return config, build(emit(MatrixUnit(config)), assertions=True)


def counters(result):
    values = {name: int(value) for name, value in result.counters["o_counters"].items()}
    assert set(values) == set(COUNTERS)
    return values


def run(model, program, sums, **options):
    streams = {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands}
    result = model.run(streams, {"o_sums": sums}, **options)
    assert result.counters["o_error"] == 0
    return result


@pytest.mark.parametrize("seed", range(40))
def test_random_commands(unit, seed):
    config, model = unit
    rng = np.random.default_rng(seed)
    commands = random_commands(config, rng, int(rng.integers(1, 60)))
    commands["drain"][-1] = 1  # so that the last cycle is that of the last sum
    program = make_program(config, commands, rng)
    result = run(model, program, len(program.sums), idle_cycles=50)
    assert np.array_equal(result.outputs["o_sums"], program.sums)
    counted, predicted = counters(result), predict(config, program.commands)
    assert result.cycles == counted["cycles"] == predicted.cycles
    assert counted["issued"] == predicted.issued
    assert counted["wait_weights"] == predicted.wait_weights
    assert counted["wait_accumulators"] == predicted.wait_accumulators
    assert counted["wait_activations"] == 0
    stalled = run(model, program, len(program.sums), stalls=float(rng.uniform(0.1, 0.8)), seed=seed)
    assert np.array_equal(stalled.outputs["o_sums"], program.sums)


@pytest.mark.parametrize("kinds", [("int8", "int8"), ("uint8", "int16"), ("int16", "uint8"), ("uint16", "int16")])
@pytest.mark.parametrize("seed", range(4))
def test_products(unit, kinds, seed):
    config, model = unit
    rng = np.random.default_rng(seed)
    m, k, n = (int(size) for size in rng.integers(1, 5 * config.rows, 3))
    a, b = (
        rng.integers(max(np.iinfo(kind).min, -3000), min(np.iinfo(kind).max, 3000), shape, dtype=kind, endpoint=True)
        for kind, shape in zip(kinds, ((m, k), (k, n)), strict=True)
    )
    program = map_matmul(config, a, b)
    result = run(model, program, program.sums)
    assert np.array_equal(program.assemble(result.outputs["o_sums"]), matmul(a, b))
    assert result.cycles == predict(config, program.commands).cycles


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
    config, model = unit
    rng = np.random.default_rng(groups)
    x = rng.integers(0, 256, (1, 9, 8, 4), dtype=np.uint8)
    w = rng.integers(-128, 128, (3, 3, 4 // groups, 8), dtype=np.int8)
    steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    program = map_convolution(config, x, w, **steps)
    result = run(model, program, program.sums, stalls=0.3, seed=groups)
    assert np.array_equal(program.assemble(result.outputs["o_sums"]), convolution(x, w, **steps))


def test_long_products_keep_the_array_busy(unit):
    """One row a cycle from the first to the last: what twice the weight tiles cost is their rows."""
    config, model = unit
    rows = max(config.rows, config.tile_grid[0] + 2)
    cycles = []
    for tiles in (4, 8):
        k = tiles * config.rows
        program = map_matmul(config, np.ones((rows, k), np.int8), np.ones((k, config.columns), np.int8))
        cycles.append(run(model, program, program.sums).cycles)
    assert cycles[1] - cycles[0] == 4 * rows
