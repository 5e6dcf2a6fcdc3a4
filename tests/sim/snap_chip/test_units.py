"""Networks as units of work: all layers are there, and their random tensors are what they should be."""

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip.channel_last import channel_last_cycles, machine_beside
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.cycles import simulate_chip
from tensorloom.sim.snap_chip.draw import dense_unit, draw_unit, max_pool
from tensorloom.sim.snap_chip.units import INPUT, NETWORK_UNITS, Pool
from tensorloom.sim.snap_chip.work import list_work, program_work
from tensorloom.sim.workloads.densities import HAN
from tensorloom.sim.workloads.layers import NETWORKS

TINY, MINI = PRESETS["snap-chip-tiny"], NETWORK_UNITS["resnet-mini"]()


def test_all_layers_of_resnet_50() -> None:
    units = NETWORK_UNITS["resnet-50"]()
    shapes = [node.shape for unit in units for node in unit.nodes]
    assert sorted(shapes, key=str) == sorted(NETWORKS["resnet50"], key=str) and len(shapes) == 54
    assert [unit.name for unit in units[:5]] == ["conv1", "res2a", "res2b", "res2c", "res3a"]
    assert sum(unit.is_block for unit in units) == 16 and all(unit.simulated for unit in units)
    assert [unit.follows for unit in units] == [False] + 17 * [True]
    added = {unit.name: unit.nodes[-1].residual for unit in units if unit.is_block}
    assert added["res3a"] == "res3a_branch1" and added["res3b"] == INPUT


@pytest.mark.parametrize(("network", "name", "flops"), [("alexnet", "alexnet", 0.30), ("vgg-16", "vgg16", 0.21)])
def test_layers_with_the_densities_of_han(network: str, name: str, flops: float) -> None:
    """Their products are the share of all that the paper says."""
    units = [unit for unit in NETWORK_UNITS[network]() if not unit.sampled]
    macs = [unit.nodes[0].shape.macs for unit in units]
    assert macs == [layer.macs for layer in NETWORKS[name]] and len(units) == len(HAN[name])
    assert sum(unit.work for unit in units) / sum(macs) == pytest.approx(flops, abs=0.015)
    assert [unit.nodes[0].output_density for unit in units[:-1]] == [unit.density for unit in units[1:]]
    parts = [unit for unit in NETWORK_UNITS[network]() if unit.sampled]
    assert len(parts) == 6 and all(unit.simulated for unit in parts)


def test_tensors_have_their_densities_and_follow_each_other() -> None:
    x = None
    for number, unit in enumerate(MINI):
        drawn = draw_unit(TINY, unit, number, x)
        if unit.follows and not unit.averages:
            assert x is not None and drawn.values[INPUT] is x
        for node in unit.nodes:
            assert np.mean(drawn.values[node.output] != 0) == pytest.approx(0.38, abs=0.08), node.target
        x = drawn.output
    assert x is not None and x.shape == (1, 1, 10)


def test_a_pooled_output_has_the_density_and_not_the_layer() -> None:
    drawn = draw_unit(TINY, MINI[0], 0)
    assert drawn.values["pool1"].shape == (6, 6, 8)
    assert np.mean(drawn.values["conv1"] != 0) < 0.1 < 0.3 < np.mean(drawn.values["pool1"] != 0)


def test_averages_are_those_of_channels() -> None:
    """Those that are greatest stay, in their order."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (3, 3, 64)).astype(np.uint8)
    found = draw_unit(TINY, MINI[-1], 0, x).values[INPUT]
    order = np.argsort(x.sum((0, 1), np.int64))
    assert found.shape == (1, 1, 64) and (np.diff(found[0, 0, order].astype(int)) >= 0).all()
    assert 20 <= np.count_nonzero(found) <= 28


def test_inputs_of_another_shape_are_refused() -> None:
    with pytest.raises(ConfigError, match="^input of resnet-mini/res2a_branch1 must be "):
        draw_unit(TINY, MINI[1], 0, np.ones((3, 3, 8), np.uint8))


def test_max_pool() -> None:
    maps = np.arange(-12, 13).reshape(5, 5, 1)
    pool = Pool(name="p", kernel=3, stride=2, padding=1)
    assert max_pool(maps, pool)[..., 0].tolist() == [[-6, -4, -3], [4, 6, 7], [9, 11, 12]]


@pytest.mark.parametrize("number", [0, 3])
def test_work_is_that_of_the_golden_models_memory(number: int) -> None:
    """The same whether tensors are known, or computed from the bytes of the memory."""
    unit = MINI[number]
    x = None if number == 0 else np.random.default_rng(2).integers(0, 3, unit.nodes[0].shape.x_shape).astype(np.uint8)
    drawn = draw_unit(TINY, unit, 5, x)
    program = compile_layers(TINY, drawn.inputs, drawn.layers, drawn.densities)
    memory = program.memory(**{INPUT: drawn.values[INPUT]})
    for one, other in zip(
        program_work(program, drawn.layers, drawn.values), list_work(TINY, memory, program.list_address), strict=True
    ):
        assert one.command == other.command
        for field in ("inputs", "outputs", "residual"):
            assert np.array_equal(getattr(one, field), getattr(other, field)), field
        for a, b in zip(one.weights, other.weights, strict=True):
            assert np.array_equal(a.bitmaps, b.bitmaps) and np.array_equal(a.windows, b.windows)


def test_dense_units_have_no_zeros() -> None:
    for unit in MINI:
        drawn = dense_unit(TINY, unit)
        program = compile_layers(TINY, drawn.inputs, drawn.layers)
        found = simulate_chip(TINY, program_work(program, drawn.layers, drawn.values), timing=MemoryTiming())
        products = [int(layer.multiplies.sum()) for layer in found.layers if layer.multiplies.size]
        plain = [node.shape for node in unit.nodes]
        for count, shape in zip(products, plain, strict=True):
            inside = shape.macs if shape.padding == 0 else _inside(shape)
            assert count == inside, shape.name


def _inside(shape) -> int:
    """Multiplications that meet no padding."""
    down = across = 0
    steps = shape.geometry
    for tap in range(shape.rows):
        reached = np.arange(steps.output[0]) * steps.stride[0] + tap - steps.padding[0]
        down += int(((reached >= 0) & (reached < shape.height)).sum())
    for tap in range(shape.columns):
        reached = np.arange(steps.output[1]) * steps.stride[1] + tap - steps.padding[2]
        across += int(((reached >= 0) & (reached < shape.width)).sum())
    return down * across * shape.channels * shape.kernels


def test_channel_last_machines_beside_the_cores() -> None:
    machine = machine_beside(PRESETS["snap-chip"])
    assert (machine.multipliers, machine.operands, machine.banks, machine.queue) == (64, 4, 32, 4)
    assert machine_beside(TINY).multipliers == 16  # a core has 18
    drawn = draw_unit(TINY, MINI[2], 3, np.full((6, 6, 32), 3, np.uint8))
    cycles = channel_last_cycles(TINY, drawn)
    assert list(cycles) == [layer.target for layer in drawn.layers]
    # each machine of 4 PEs has half of the kernels: no faster than its multipliers
    assert cycles["res2b_branch2a"] >= np.count_nonzero(drawn.layers[0].weights) * 36 / 32  # type: ignore[union-attr]
