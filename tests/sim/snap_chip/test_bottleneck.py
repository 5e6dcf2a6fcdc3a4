"""Random bottleneck blocks: as dense as they should be, and the chip's golden model makes of them what they say."""

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.snap_chip.bottleneck import random_bottleneck
from tensorloom.sim.snap_chip.compiler import compile_layers
from tensorloom.sim.snap_chip.golden import run_list
from tensorloom.sim.workloads.layers import find_layer, sample

SIZES = {"a": (64, 16), "b": (16, 16), "c": (16, 64)}


def shapes(side: int) -> list:
    return [
        sample(layer, side, side, *size)
        for letter, size in SIZES.items()
        if (layer := find_layer(f"resnet50/res2b_branch2{letter}"))
    ]


@pytest.mark.parametrize("densities", [(0.38, 0.52), (0.7, 1), (0.3, 0.4)])
def test_densities(densities: tuple[float, float], seed: int) -> None:
    block = random_bottleneck(shapes(20), densities, seed)
    assert list(block.densities) == ["x", "a", "b", "y"]
    assert all(density == pytest.approx(densities[0], abs=0.02) for density in block.densities.values())
    for layer in block.layers:
        assert np.mean(layer.weights != 0) == pytest.approx(densities[1], abs=0.06)
    for values in block.values.values():
        assert values.dtype == np.uint8 and values.max() > 64
    assert 0 < np.mean(block.values["y"] == 255) < 0.1
    first, second, third = block.layers
    assert (second.source, third.source) == (first.target, second.target)
    assert third.residual and third.residual.tensor == first.source == "x"


def test_pairs(seed: int) -> None:
    block, pairs = random_bottleneck(shapes(5), (0.38, 0.52), seed), 0
    for layer, padding in zip(block.layers, (0, 1, 0), strict=True):
        stored = np.pad(block.values[layer.source] != 0, ((padding, padding), (padding, padding), (0, 0)))
        for r, s in np.ndindex(layer.weights.shape[:2]):
            pairs += stored[r : r + 5, s : s + 5].sum((0, 1)) @ (layer.weights[r, s] != 0).sum(1)
    assert block.macs == pairs


@pytest.mark.parametrize("preset", ["snap-chip-tiny", "snap-chip"])
def test_the_chip_agrees_with_the_maths(preset: str, seed: int) -> None:
    block = random_bottleneck(shapes(6), (0.38, 0.52), seed)
    program = compile_layers(PRESETS[preset], block.inputs, block.layers, block.densities)
    after = run_list(program.config, program.memory(x=block.values["x"]), program.list_address)
    for name, values in block.values.items():
        assert np.array_equal(program.read(after.memory, name), values), name
    assert len(after.commands) == 3 and not any(after.overflows)


def test_layers_that_make_no_block() -> None:
    first, second, third = shapes(6)
    with pytest.raises(ConfigError, match=r"^input of .*_branch2b must be of shape \(6, 6, 64\), not \(6, 6, 16\)$"):
        random_bottleneck([first, third, second], (0.38, 0.52), 1)
    with pytest.raises(ConfigError, match=r"^output of .*_branch2b must be of shape \(6, 6, 64\), not \(6, 6, 16\)$"):
        random_bottleneck([first, second, second], (0.38, 0.52), 1)
