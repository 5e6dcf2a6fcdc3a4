"""The chosen way of mapping against the others, in cycles of the exact model."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.estimate import estimate, fastest_way
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.ways import LayerSizes, Way, ways
from tensorloom.sim.workloads.layers import LayerShape, find_layer, random_tensors, sample

CORE = PRESETS["snap-core"]


def square(height: int, width: int, channels: int, kernel: int, kernels: int, **steps: Any) -> LayerShape:
    return LayerShape(
        name="", height=height, width=width, channels=channels, rows=kernel, columns=kernel, kernels=kernels, **steps
    )


def cycles(config: SnapConfig, x: np.ndarray, w: np.ndarray, way: Way | None = None, **steps: Any) -> int:
    return simulate_core(config, map_convolution(config, x, w, **steps, way=way)).cycles


@pytest.mark.parametrize(
    ("layer", "densities", "most"),
    [
        (square(14, 14, 32, 3, 32, padding=1, groups=32), (1, 1), 1000),
        (square(14, 14, 32, 3, 32, padding=1, groups=32, stride=2), (1, 1), 520),
        (square(41, 3, 64, 3, 16, padding=1), (0.5, 0.4), 3320),
        (square(9, 2, 64, 7, 16, padding=3), (0.5, 0.4), 1100),
        (square(2, 9, 64, 7, 16, padding=3), (0.5, 0.4), 1100),
        (square(3, 41, 64, 3, 16, padding=1), (0.5, 0.4), 3320),
    ],
)
def test_layers_that_the_plain_way_is_slow_for(layer: LayerShape, densities: tuple[float, float], most: int) -> None:
    """Depthwise ones, with stride 2 no slower than without; narrow images, no slower than transposed ones."""
    assert cycles(CORE, *random_tensors(layer, *densities, 1), **layer.steps) <= most


@pytest.mark.parametrize(
    ("name", "part", "densities"),
    [
        ("vgg16/conv3_2", (6, 56, 256, 64), [(1, 1), (0.4, 0.4), (0.38, 0.52), (0.2, 0.3), (0.1, 0.1)]),
        ("resnet50/res4b_branch2b", (14, 14, 256, 64), [(0.38, 0.52), (0.2, 0.3), (0.1, 0.1)]),
        ("resnet50/res4b_branch2b", (14, 14, 256, 8), [(1, 1)]),
        ("resnet50/res4b_branch2a", (14, 14, 1024, 64), [(0.38, 0.52)]),
    ],
)
def test_published_layers_keep_the_plain_way(
    name: str, part: tuple[int, int, int, int], densities: list[tuple[float, float]]
) -> None:
    """It is the paper's dataflow."""
    layer = find_layer(name)
    assert layer
    layer = sample(layer, *part)
    for pair in densities:
        operands = random_tensors(layer, *pair, 1)
        assert fastest_way(CORE, LayerSizes.of(layer.geometry, layer.x_shape), *operands) == Way(), pair


@pytest.mark.parametrize(
    ("name", "part", "densities", "most"),
    [
        ("resnet50/res2b_branch2b", (14, 56, 64, 8), (0.38, 0.52), 0.98),
        ("resnet50/res4b_branch2a", (14, 14, 256, 16), (0.38, 0.52), 0.98),
        ("resnet50/res4b_branch2a", (14, 14, 256, 16), (0.53, 0.22), 0.85),
        ("resnet50/conv1", (29, 42, 3, 16), (0.38, 0.52), 0.65),
        ("vgg16/conv1_1", (7, 28, 3, 16), (1, 0.5), 0.93),
    ],
)
def test_layers_that_row_taps_are_better_for(
    name: str, part: tuple[int, int, int, int], densities: tuple[float, float], most: float
) -> None:
    """Few channels, whose tiles are of unequal size; sparse weights; first layers, of which taps become channels."""
    layer = find_layer(name)
    assert layer
    height, width, channels, kernels = part
    layer = dataclasses.replace(layer, height=height, width=width, channels=channels, kernels=kernels)
    x, w = random_tensors(layer, *densities, 1)
    sizes = LayerSizes.of(layer.geometry, layer.x_shape)
    way = fastest_way(CORE, sizes, x, w)
    others = [other for other in ways(CORE, sizes) if not other.row_taps]
    best = min(others, key=lambda other: estimate(CORE, sizes, x, w, other))
    assert way.row_taps
    assert cycles(CORE, x, w, way, **layer.steps) <= most * cycles(CORE, x, w, best, **layer.steps)


def test_estimates_end_at_a_limit() -> None:
    x, w = random_tensors(square(14, 14, 64, 3, 16, padding=1), 0.5, 0.5, 1)
    sizes = LayerSizes.of(ConvolutionGeometry.of((1, *x.shape), w.shape, padding=1), x.shape)
    for way in ways(CORE, sizes):
        whole = estimate(CORE, sizes, x, w, way)
        assert estimate(CORE, sizes, x, w, way, 1.01 * whole) == whole
        assert whole / 2 <= estimate(CORE, sizes, x, w, way, whole / 2) < whole


def random_layer(number: int) -> tuple[SnapConfig, tuple[np.ndarray, np.ndarray], dict[str, Any]]:
    """A small layer: general, narrow, grouped or depthwise."""
    rng = np.random.default_rng(number)
    config = PRESETS[("snap-core", "snap-core", "snap-core", "snap-fpga", "snap-tiny")[number % 5]]
    size, kernel = rng.integers(5, 13, 2), np.repeat(rng.choice([1, 2, 3, 3, 5]), 2)
    stride = np.repeat(rng.integers(1, 4), 2) if rng.random() < 0.7 else rng.integers(1, 4, 2)
    groups, depth, each = 1, int(rng.integers(1, 64)), int(rng.integers(1, 9))
    match number % 4:
        case 1:
            size[rng.integers(0, 2)] = rng.integers(1, 4)
        case 2:
            groups, depth, each = int(rng.integers(2, 6)), int(rng.integers(2, 16)), int(rng.integers(1, 5))
        case 3:
            groups, depth, each = int(rng.integers(4, 24)), 1, 1
    tensors = (*size, depth * groups), (*kernel, depth, each * groups)
    x, w = (rng.integers(1, 8, shape) * (rng.random(shape) < rng.choice([0.2, 0.4, 0.7, 1])) for shape in tensors)
    return config, (x, w), {"stride": stride, "padding": kernel[0] // 2 + rng.integers(0, 2, 4), "groups": groups}


@pytest.mark.parametrize("number", range(24))
def test_choice_against_the_plain_way(number: int) -> None:
    """Never slower by more than a few per cent; the seeds are fixed, as an estimate may be further off elsewhere."""
    config, operands, steps = random_layer(number)
    plain, chosen = (cycles(config, *operands, way, **steps) for way in (Way(), None))
    assert chosen <= 1.04 * plain + 8


def test_choice_against_all_ways() -> None:
    """On average within two per cent of the best way, and estimates within a few of the exact cycles."""
    lost, errors = [], []
    for number in range(9):
        config, (x, w), steps = random_layer(number)
        sizes = LayerSizes.of(ConvolutionGeometry.of((1, *x.shape), w.shape, **steps), x.shape)
        exact = {way: cycles(config, x, w, way, **steps) for way in ways(config, sizes)}
        lost.append(exact[fastest_way(config, sizes, x, w)] / min(exact.values()) - 1)
        # Filling and draining, which no choice depends on, isn't estimated.
        errors += [estimate(config, sizes, x, w, way) / count - 1 for way, count in exact.items() if count > 100]
    assert np.mean(lost) < 0.02
    assert abs(np.mean(errors)) < 0.05 and np.std(errors) < 0.1


def test_dense_layers_are_estimated_exactly() -> None:
    layer = square(6, 14, 64, 3, 8, padding=2)
    x, w = random_tensors(layer, 1, 1, 1)
    exact = cycles(CORE, x, w, Way(), **layer.steps)
    found = estimate(CORE, LayerSizes.of(layer.geometry, layer.x_shape), x, w, Way())
    assert abs(found / exact - 1) < 0.01


def test_nothing_to_do_is_plain() -> None:
    """A kernel that never meets the image, and tensors of zeros."""
    x, w = np.ones((1, 1, 8), int), np.ones((3, 3, 8, 2), int)
    geometry = ConvolutionGeometry.of((1, 1, 1, 8), w.shape, 2, 3, 2)
    assert fastest_way(CORE, LayerSizes.of(geometry, x.shape), x, w) == Way()
    x = np.zeros((5, 2, 8), int)
    sizes = LayerSizes.of(ConvolutionGeometry.of((1, 5, 2, 8), w.shape, padding=1), x.shape)
    assert fastest_way(CORE, sizes, x, w) in ways(CORE, sizes)
    assert fastest_way(CORE, sizes, x + 1, 0 * w) in ways(CORE, sizes)
