import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.systolic.config import PRESETS, SystolicConfig
from tensorloom.sim.systolic.batch import join_commands, join_programs
from tensorloom.sim.systolic.cycles import predict
from tensorloom.sim.systolic.golden import matrix_unit
from tensorloom.sim.systolic.mapping import map_matmul
from tensorloom.sim.systolic.plan import plan_matmul
from tensorloom.sim.workloads.layers import NETWORKS
from tensorloom.tb.systolic.parts import ARRAYS
from tensorloom.tb.systolic.random_products import random_products

TINY, TPU = PRESETS["tiny"], PRESETS["systolic-256"]
CONFIGS = {"tiny": TINY, "queue": TINY.replace(drain_queue=2, accumulator_rows=8), **ARRAYS}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(20))
def test_random_lists(name, seed):
    config = CONFIGS[name]
    programs, results = random_products(config, np.random.default_rng(seed))
    joined = join_programs(config, programs)
    assert joined.macs == sum(program.macs for program in programs)
    assert joined.beats == joined.commands["rows"].sum() == len(joined.activations)
    sums = matrix_unit(config, joined.weights, joined.activations, joined.commands)
    assert len(sums) == joined.sums
    for got, expected in zip(joined.assemble(sums), results, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(20))
def test_joining_saves_cycles(name, seed):
    """Less than one after another, and never more than with the places that the plans chose."""
    config = CONFIGS[name]
    programs, _ = random_products(config, np.random.default_rng(1000 + seed))
    joined, planned = join_programs(config, programs), np.concatenate([program.commands for program in programs])
    assert (joined.commands["address"] + joined.commands["rows"] <= config.accumulator_rows).all()
    for field in set(planned.dtype.names or ()) - {"address"}:
        assert (joined.commands[field] == planned[field]).all()
    cycles = predict(config, joined.commands).cycles
    assert cycles < sum(predict(config, program.commands).cycles for program in programs)
    assert cycles <= predict(config, planned).cycles


def latency(config):
    """Cycles from a row's entry until its sums have left."""
    return config.rows + config.columns + 4 + config.multiplier_registers


def least_cycles(config, tiles):
    """Cycles of weight tiles that work on so many rows each, if nothing but their loading ever has to be waited for.

    A tile is read in `rows` cycles from when the one before is in use, and can be used when its first rows are there.
    """
    read = config.rows
    enters = read + config.tile_grid[0] + 2
    for rows in tiles[:-1]:
        read = max(read + config.rows, enters)
        enters = max(enters + rows, read + config.tile_grid[0] + 2)
    return enters + tiles[-1] - 1 + latency(config)


def test_long_products_cost_their_rows():
    """No cycle is lost between products, whatever the sizes of their blocks."""
    sizes = [(300, 700, 200), (2048, 256, 256), (5000, 100, 300), (1025, 512, 600), (257, 1000, 100), (4096, 256, 100)]
    plans = [plan_matmul(TPU, *size) for size in sizes * 2]
    joined = predict(TPU, join_commands(TPU, [plan.commands for plan in plans]))
    start = TPU.rows + TPU.tile_grid[0] + 2
    assert joined.cycles == start + sum(plan.beats for plan in plans) - 1 + latency(TPU)
    assert joined.wait_accumulators == 0


def network(config, name, batch):
    plans = []
    for layer in NETWORKS[name]:
        x, y = layer.geometry.output
        reduction = layer.rows * layer.columns * layer.channels // layer.groups
        plans.append(plan_matmul(config, batch * x * y, reduction, layer.kernels // layer.groups, groups=layer.groups))
    return plans


@pytest.mark.parametrize("preset", ["systolic-256", "systolic-64"])
@pytest.mark.parametrize("name", ["alexnet", "resnet50"])
def test_networks_cost_their_weight_tiles(preset, name):
    """Rows never wait for accumulators, and start and end of the unit are paid once."""
    config = PRESETS[preset]
    plans = network(config, name, 1)
    commands = join_commands(config, [plan.commands for plan in plans])
    tiles = np.add.reduceat(commands["rows"].astype(int), np.flatnonzero(commands["swap"]))
    joined = predict(config, commands)
    assert joined.wait_accumulators == 0
    assert joined.cycles == least_cycles(config, tiles.tolist())
    single = sum(predict(config, plan.commands).cycles for plan in plans)
    assert joined.cycles < single - (len(plans) - 1) * (config.rows + config.columns)


def test_a_batch_of_images_approaches_its_beats():
    plans = network(TPU, "resnet50", 8)
    beats = sum(plan.beats for plan in plans)
    assert beats <= predict(TPU, join_commands(TPU, [plan.commands for plan in plans])).cycles < 1.01 * beats


def test_blocks_take_the_place_that_was_left_first():
    parts = [plan_matmul(TINY, m, 4, 4).commands for m in (5, 16, 3, 10, 12)]
    commands = join_commands(TINY, parts)
    assert list(zip(commands["address"].tolist(), commands["rows"].tolist(), strict=True)) == [
        (0, 5), (5, 16), (21, 3), (0, 10), (10, 12),
    ]  # fmt: skip


def test_a_single_program_is_a_list_of_one():
    a, b = np.ones((9, 5), np.int8), np.ones((5, 6), np.uint8)
    joined = join_programs(TINY, [map_matmul(TINY, a, b)])
    sums = matrix_unit(TINY, joined.weights, joined.activations, joined.commands)
    (result,) = joined.assemble(sums)
    assert (result == 5).all() and result.shape == (9, 6)


def test_wrong_programs():
    program = map_matmul(TINY, np.ones((9, 5), np.int8), np.ones((5, 6), np.int8))
    with pytest.raises(ConfigError, match="programs must be at least one, not 0"):
        join_programs(TINY, [])
    with pytest.raises(ConfigError, match=r"program must be for 6 x 4 PEs, not \(4, 4\)"):
        join_programs(SystolicConfig(rows=6, columns=4, tile_rows=3, tile_columns=2), [program])
    with pytest.raises(ConfigError, match="rows of a command must be at most 8, half of the accumulators, not 9"):
        join_programs(TINY.replace(accumulator_rows=16), [program])


def test_wrong_sums():
    program = map_matmul(TINY, np.ones((9, 5), np.int8), np.ones((5, 6), np.int8))
    joined = join_programs(TINY, [program, program])
    with pytest.raises(ConfigError, match="rows of sums must be the 36 of these programs, not 18"):
        joined.assemble(np.zeros((18, 4), np.int64))
    with pytest.raises(TypeError, match="sums must be of an integer dtype"):
        joined.assemble(np.zeros((36, 4)))
