"""Mapping onto the SNAP core: the sums of the streams are the layer's, each in its place."""

import numpy as np
import pytest
from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected


def sparse(rng: np.random.Generator, shape: tuple[int, ...], density: float, bits: int) -> np.ndarray:
    low = -(1 << bits - 1)
    return rng.integers(low, -low, shape) * (rng.random(shape) < density)


def check_convolution(
    config: SnapConfig, x: np.ndarray, w: np.ndarray, *, wraps: bool = False, **steps: object
) -> None:
    program = map_convolution(config, x, w, **steps, wraps=wraps)
    check_program(config, program)
    expected = convolution(x[None], w, **steps)[0]
    sums = scatter_sums(program, core_sums(config, program), expected.size, config.psum_bits)
    assert np.array_equal(sums.reshape(expected.shape), wrap(expected, config.psum_bits)), steps


@pytest.mark.parametrize("preset", PRESETS)
def test_any_convolution(seed: int, preset: str) -> None:
    rng, config = np.random.default_rng(seed), PRESETS[preset]
    for _ in range(10):
        kernel, dilation = rng.integers(1, 8, 2), rng.integers(1, 4, 2)
        size = rng.integers(1, 10, 2) + dilation * (kernel - 1)
        groups = int(rng.integers(1, 4))
        depth, kernels = int(rng.integers(1, 20)), groups * int(rng.integers(1, 6))
        x = sparse(rng, (*size, depth * groups), rng.random(), config.data_bits)
        w = sparse(rng, (*kernel, depth, kernels), rng.random(), config.data_bits)
        padding = rng.integers(0, np.tile(np.minimum(kernel, 4), 2)).tolist()
        steps = {"stride": rng.integers(1, 5, 2).tolist(), "padding": padding, "dilation": dilation.tolist()}
        check_convolution(config, x, w, **steps, groups=groups)


@pytest.mark.parametrize(
    ("kernel", "steps"),
    [
        ((3, 3), {"padding": 1}),
        ((3, 3), {"padding": 1, "stride": 2}),
        ((7, 7), {"padding": 3, "stride": 2}),
        ((11, 11), {"padding": 2, "stride": 4}),
        ((5, 5), {"padding": 2, "groups": 2}),
        ((3, 3), {"padding": 1, "groups": 8}),
        ((1, 1), {}),
        ((1, 1), {"stride": 2}),
        ((1, 7), {"padding": (0, 3, 0, 3)}),
        ((7, 1), {"padding": (3, 0, 3, 0)}),
        ((3, 3), {"padding": 4, "dilation": 4}),
    ],
)
def test_layers_of_known_networks(seed: int, kernel: tuple[int, int], steps: dict[str, object]) -> None:
    rng, config = np.random.default_rng(seed), PRESETS["snap-core"]
    groups = steps.get("groups", 1)
    x, w = sparse(rng, (15, 16, 40), 0.4, 16), sparse(rng, (*kernel, 40 // groups, 16), 0.5, 16)
    check_convolution(config, x, w, **steps)


def test_extreme_values() -> None:
    config = PRESETS["snap-core-8b"].replace(psum_bits=16)
    x, w = np.full((4, 4, 33), -128), np.full((3, 3, 33, 5), -128)
    check_convolution(config, x, w, padding=1, wraps=True)
    with pytest.raises(ConfigError, match="psum_bits must be at least 24 for these operands, not 16"):
        map_convolution(config, x, w, padding=1)
    check_convolution(config.replace(psum_bits=24), x, w, padding=1)
    with pytest.raises(ConfigError, match="psum_bits must be at least 22 for these operands, not 16"):
        map_fully_connected(config, np.full(70, -128), np.full((70, 3), 127))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_fully_connected(seed: int, preset: str, density: float) -> None:
    rng, config = np.random.default_rng(seed), PRESETS[preset]
    x, w = sparse(rng, (70,), density, config.data_bits), sparse(rng, (70, 45), density, config.data_bits)
    program = map_fully_connected(config, x, w)
    check_program(config, program)
    assert np.array_equal(
        scatter_sums(program, core_sums(config, program), 45, config.psum_bits), wrap(x @ w, config.psum_bits)
    )


def test_every_output_has_one_place_a_block() -> None:
    program = map_convolution(PRESETS["snap-core"], np.ones((9, 9, 4), int), np.ones((3, 3, 4, 6), int), padding=1)
    for targets in program.targets:
        kept = targets[targets >= 0]
        assert len(np.unique(kept)) == len(kept)
    assert np.array_equal(np.unique(np.concatenate([t.ravel() for t in program.targets]))[1:], np.arange(9 * 9 * 6))


@pytest.mark.parametrize(
    ("x", "w", "steps", "text"),
    [
        (np.full((3, 3, 1), 128), np.ones((1, 1, 1, 1), int), {}, "x must be of values that fit 8 bits"),
        (np.ones((13, 13, 1), int), np.ones((12, 1, 1, 1), int), {}, "kernel must be at most 11 x 11"),
        (np.ones((9, 9, 1), int), np.ones((1, 1, 1, 1), int), {"stride": 5}, "stride must be at most 4"),
        (np.ones((3, 3, 2), int), np.ones((1, 1, 1, 1), int), {}, "channels of w must be"),
        (
            np.ones((1, 1, 1), int),
            np.ones((1, 1, 1, 1), int),
            {"padding": (1, 0, 0, 0), "stride": 4},
            "padding must be",
        ),
    ],
)
def test_wrong_layers(x: np.ndarray, w: np.ndarray, steps: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        map_convolution(PRESETS["snap-core-8b"], x, w, **steps)


def test_wrong_types() -> None:
    config = PRESETS["snap-core"]
    with pytest.raises(TypeError, match="x must be of an integer dtype"):
        map_convolution(config, np.ones((3, 3, 1)), np.ones((1, 1, 1, 1), int))
    with pytest.raises(TypeError, match="weights must be of an integer dtype"):
        map_fully_connected(config, np.ones(3, int), np.ones((3, 2)))
    with pytest.raises(TypeError, match="activations must be a numpy array"):
        map_fully_connected(config, [1, 2, 3], np.ones((3, 2), int))


def test_wrong_fully_connected_layers() -> None:
    config = PRESETS["snap-core-8b"]
    with pytest.raises(ConfigError, match="rows of weights must be the 3 activations, not 4"):
        map_fully_connected(config, np.ones(3, int), np.ones((4, 2), int))
    with pytest.raises(ConfigError, match="weights must be of values that fit 8 bits"):
        map_fully_connected(config, np.ones(3, int), np.full((3, 2), -129))
    with pytest.raises(ConfigError, match="activations must be of rank 1"):
        map_fully_connected(config, np.ones((3, 1), int), np.ones((3, 2), int))


def test_bands_are_few_and_even() -> None:
    """An image's edge needs fewer psums, so that 14 lines of a 3x3 layer are two bands and 56 lines nine."""
    config = PRESETS["snap-core"]
    for height, lines in ((7, 1), (13, 2), (14, 2), (28, 5), (56, 9)):
        program = map_convolution(config, np.ones((height, 7, 1), int), np.ones((3, 3, 1, 4), int), padding=1)
        assert len(program.slots) == lines, height
        assert program.slots.max() <= config.psum_slots
    program = map_convolution(config, np.ones((4, 7, 1), int), np.ones((3, 3, 1, 16), int), padding=1)
    assert program.slots.tolist() == [32, 32], "4 output lines leave room for 8 kernels"


def test_rows_of_the_core_share_pixels_evenly() -> None:
    config = PRESETS["snap-core"]
    program = map_convolution(config, np.ones((7, 7, 96), int), np.ones((1, 1, 96, 8), int))
    assert program.slots.tolist() == [32, 24], "49 pixels are 7 a row: 4, then 3"
    assert all((targets >= 0).sum() == 7 * slots for targets, slots in zip(program.targets, program.slots, strict=True))
