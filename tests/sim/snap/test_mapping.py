"""Mapping onto the SNAP core: the sums of the streams are the layer's, each in its place."""

from typing import Any, Unpack

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionSteps, Steps
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.beats import beat_values, program_inputs
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected
from tensorloom.sim.snap.ways import Way

from .presets import ANY_PRESET


def sparse(rng: np.random.Generator, shape: tuple[int, ...], density: float, bits: int) -> np.ndarray:
    low = -(1 << bits - 1)
    return rng.integers(low, -low, shape) * (rng.random(shape) < density)


def check_convolution(
    config: SnapConfig, x: np.ndarray, w: np.ndarray, *, wraps: bool = False, **steps: Unpack[ConvolutionSteps]
) -> None:
    program = map_convolution(config, x, w, **steps, wraps=wraps)
    check_program(config, program)
    expected = convolution(x[None], w, **steps)[0]
    sums = scatter_sums(program, core_sums(config, program), expected.size, config.psum_bits)
    assert np.array_equal(sums.reshape(expected.shape), wrap(expected, config.psum_bits)), steps


@pytest.mark.parametrize("preset", ANY_PRESET)
def test_any_convolution(seed: int, preset: str) -> None:
    rng, config = np.random.default_rng(seed), PRESETS[preset]
    for _ in range(10):
        kernel, dilation = rng.integers(1, 8, 2), rng.integers(1, 4, 2)
        size = rng.integers(1, 10, 2) + dilation * (kernel - 1)
        groups = int(rng.integers(1, 4))
        depth, kernels = int(rng.integers(1, 20)), groups * int(rng.integers(1, 6))
        x = sparse(rng, (*size, depth * groups), rng.random(), config.data_bits)
        w = sparse(rng, (*kernel, depth, kernels), rng.random(), config.data_bits)
        padding = rng.integers(0, np.repeat(np.minimum(kernel, 4), 2)).tolist()
        stride = rng.integers(1, 5, 2).tolist()
        check_convolution(config, x, w, stride=stride, padding=padding, dilation=dilation.tolist(), groups=groups)


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
        ((1, 7), {"padding": (0, 3)}),
        ((7, 1), {"padding": (3, 3, 0, 0)}),
        ((3, 3), {"padding": 4, "dilation": 4}),
    ],
)
def test_layers_of_known_networks(seed: int, kernel: tuple[int, int], steps: ConvolutionSteps) -> None:
    rng, config = np.random.default_rng(seed), PRESETS["snap-core"]
    groups = steps.get("groups", 1)
    x, w = sparse(rng, (15, 16, 40), 0.4, 16), sparse(rng, (*kernel, 40 // groups, 16), 0.5, 16)
    check_convolution(config, x, w, **steps)


def test_extreme_values() -> None:
    config = PRESETS["snap-core-8b"].replace(psum_bits=16)
    x, w = np.full((4, 4, 33), -128), np.full((3, 3, 33, 5), -128)
    check_convolution(config, x, w, padding=1, wraps=True)
    text = r"psum_bits must be at least 24 for these operands \(products of one sign at \[1, 1, 0\] add up to 4866048\)"
    with pytest.raises(ConfigError, match=text + ", not 16"):
        map_convolution(config, x, w, padding=1)
    check_convolution(config.replace(psum_bits=24), x, w, padding=1)
    with pytest.raises(ConfigError, match=r"psum_bits must be at least 22 .*at \[0\] add up to -1137920\), not 16"):
        map_fully_connected(config, np.full(70, -128), np.full((70, 3), 127))


def test_sums_that_fit_are_accepted() -> None:
    """By the largest activation times all weights' magnitudes this layer would need 29 bits."""
    rng, config = np.random.default_rng(1), PRESETS["snap-fpga"]
    x, w = sparse(rng, (3, 3, 512), 0.4, 8), sparse(rng, (3, 3, 512, 4), 0.4, 8)
    assert np.abs(x).max() * np.abs(w).reshape(-1, 4).sum(0).max() >= 1 << 23
    check_convolution(config, x, w, padding=1)


def one_output(config: SnapConfig, positive: int, negative: int) -> tuple[np.ndarray, np.ndarray]:
    """A 2x2 kernel on its image, of products that add up to these two numbers."""
    values: list[tuple[int, int]] = []
    for total, sign in ((positive, 1), (negative, -1)):
        largest = (1 << config.data_bits - 1) - 1
        parts = [(largest, sign * largest)] * (abs(total) // largest**2)
        rest = abs(total) % largest**2
        values += [*parts, (largest, sign * (rest // largest)), (rest % largest, sign)]
    values += [(0, 0)] * (-len(values) % 4)
    x, w = np.array(values).T
    return x.reshape(2, 2, -1), w.reshape(2, 2, -1, 1)


@pytest.mark.parametrize(("bits", "groups"), [(16, 1), (17, 1), (17, 2)])
def test_sums_at_the_bound(bits: int, groups: int) -> None:
    config, limit = PRESETS["snap-tiny"].replace(psum_bits=bits), 1 << bits - 1
    for positive, negative, fits in (
        (limit - 1, 0, True), (limit, 0, False), (0, -limit, True), (0, -limit - 1, False),
        (limit - 1, -limit, True), (limit, -limit, False), (limit - 1, -limit - 1, False),
    ):  # fmt: skip
        x, w = one_output(config, positive, negative)
        flat = x.ravel(), w.reshape(-1, 1)
        x, w = np.tile(x, (1, 1, groups)), np.tile(w, (1, 1, 1, groups))
        if not fits:
            with pytest.raises(ConfigError, match=f"psum_bits must be at least {bits + 1} for these operands"):
                map_convolution(config, x, w, groups=groups)
        check_convolution(config, x, w, groups=groups, wraps=not fits)
        if fits:
            map_fully_connected(config, *flat)
        else:
            with pytest.raises(ConfigError, match=f"psum_bits must be at least {bits + 1}"):
                map_fully_connected(config, *flat)
        map_fully_connected(config, *flat, wraps=True)


@pytest.mark.parametrize("preset", ANY_PRESET)
def test_wrapped_sums(seed: int, preset: str) -> None:
    rng = np.random.default_rng(seed)
    config = PRESETS[preset].replace(psum_bits=2 * PRESETS[preset].data_bits)
    x, w = sparse(rng, (6, 5, 40), 0.9, config.data_bits), sparse(rng, (3, 3, 40, 3), 0.9, config.data_bits)
    with pytest.raises(ConfigError, match="psum_bits must be at least"):
        map_convolution(config, x, w, padding=1)
    check_convolution(config, x, w, padding=1, wraps=True)
    program = map_fully_connected(config, x[0, 0], w[0, 0], wraps=True)
    sums = scatter_sums(program, core_sums(config, program), 3, config.psum_bits)
    assert np.array_equal(sums, wrap(x[0, 0] @ w[0, 0], config.psum_bits))


@pytest.mark.parametrize(
    ("size", "kernel", "steps"),
    [
        ((1, 1, 8), (3, 3), {"padding": 3, "dilation": 2, "stride": 2}),
        ((2, 7, 11), (1, 3), {"padding": 1, "stride": 3}),
        ((1, 1, 1), (1, 1), {"padding": (1, 0), "stride": 4}),
    ],
)
@pytest.mark.parametrize("preset", ["snap-core", "snap-tiny"])
def test_kernels_that_never_meet_the_image(preset: str, size: tuple, kernel: tuple, steps: dict) -> None:
    config = PRESETS[preset]
    x, w = np.ones(size, int), np.ones((*kernel, size[2], 2), int)
    program = map_convolution(config, x, w, **steps)
    assert not len(program.slots) and not any(map(len, program.weights + program.activations))
    check_convolution(config, x, w, **steps)
    beats = program_inputs(program)
    assert all(beat_values(fields) == [] for fields in beats.values())
    assert beats["i_commands"].keys() == {"slots", "ports", "row_mode"}


def test_outputs_without_a_pair_of_non_zeros(seed: int) -> None:
    rng, config = np.random.default_rng(seed), PRESETS["snap-tiny"]
    x, w = sparse(rng, (4, 5, 8), 0.5, 8), sparse(rng, (3, 3, 4, 6), 0.5, 8)
    check_convolution(config, x, w, padding=5, groups=2)  # a frame of outputs that meet only zeros
    check_convolution(config, x, w, padding=(6, 0, 0, 7), stride=(1, 2), groups=2)
    check_convolution(config, 0 * x, w, padding=1, groups=2)
    check_convolution(config, x, 0 * w, padding=1, groups=2)
    x[..., :4], w[..., 3:] = 0, 0  # no group has a product
    check_convolution(config, x, w, padding=1, groups=2)
    program = map_fully_connected(config, 0 * x[0, 0], w[0, 0].repeat(2, 0))
    assert not any(sums.any() for sums in core_sums(config, program))


@pytest.mark.parametrize("spread", [2, (2, 2), [2, 2], np.int8(2), np.array([2, 2]), (np.uint8(2), 2)])
def test_one_number_or_one_for_each_axis(seed: int, spread: Steps) -> None:
    rng, config = np.random.default_rng(seed), PRESETS["snap-core"]
    x, w = sparse(rng, (9, 8, 6), 0.5, 16), sparse(rng, (3, 3, 6, 3), 0.5, 16)
    for steps in (
        ConvolutionSteps(stride=spread),
        ConvolutionSteps(padding=spread),
        ConvolutionSteps(dilation=spread),
    ):
        check_convolution(config, x, w, **steps)
    check_convolution(config, x, w[:, :, :2], groups=np.int64(3))  # pyrefly: ignore[bad-argument-type]  # numpy's integers do as well


def test_byte_order(seed: int) -> None:
    rng, config = np.random.default_rng(seed), PRESETS["snap-core"]
    x, w = sparse(rng, (5, 4, 6), 0.5, 16), sparse(rng, (3, 3, 6, 3), 0.5, 16)
    program = map_convolution(config, x.astype(">i2"), w.astype(">i4"))
    expected = convolution(x[None], w).ravel()
    assert np.array_equal(scatter_sums(program, core_sums(config, program), expected.size, 48), expected)
    program = map_fully_connected(config, x[0, 0].astype(">i2"), w[0, 0].astype(">i8"))
    assert np.array_equal(scatter_sums(program, core_sums(config, program), 3, 48), x[0, 0] @ w[0, 0])


@pytest.mark.parametrize("preset", ANY_PRESET)
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
    x, w = np.ones((9, 9, 4), int), np.ones((3, 3, 4, 6), int)
    program = map_convolution(PRESETS["snap-core"], x, w, padding=1)
    for targets in program.targets:
        kept = targets[targets >= 0]
        assert len(np.unique(kept)) == len(kept)
    assert np.array_equal(np.unique(np.concatenate([t.ravel() for t in program.targets]))[1:], np.arange(9 * 9 * 6))


@pytest.mark.parametrize(
    ("x", "w", "steps", "text"),
    [
        (
            np.full((3, 3, 1), 128),
            np.ones((1, 1, 1, 1), int),
            {},
            r"x must be of values from -128 to 127 \(data_bits = 8\), not 128",
        ),
        (np.ones((13, 13, 1), int), np.ones((12, 1, 1, 1), int), {}, "kernel must be at most 11 x 11"),
        (np.ones((9, 9, 1), int), np.ones((1, 1, 1, 1), int), {"stride": 5}, "stride must be at most 4"),
        (np.ones((3, 3, 2), int), np.ones((1, 1, 1, 1), int), {}, "channels of w must be"),
        (np.ones((3, 3), int), np.ones((1, 1, 1, 1), int), {}, r"x must be of rank 3 \(H x W x C\), not \(3, 3\)"),
        (np.ones((3, 3, 1), int), np.ones((1, 1, 1, 1), int), {"way": Way(across=2)}, "way must be one of `ways`, not"),
        (
            np.ones((3, 3, 4), int),
            np.ones((1, 1, 4, 1), int),
            {"groups": 2, "names": ("--a", "--b")},
            "groups must be a divisor of the 1 kernels of --b, not 2",
        ),
    ],
)
def test_wrong_layers(x: np.ndarray, w: np.ndarray, steps: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        map_convolution(PRESETS["snap-core-8b"], x, w, **steps)


def test_wrong_types() -> None:
    config = PRESETS["snap-core"]
    with pytest.raises(TypeError, match="x must be of an integer dtype"):
        map_convolution(config, np.ones((3, 3, 1)), np.ones((1, 1, 1, 1), int))
    with pytest.raises(TypeError, match="--b must be of an integer dtype, not bool"):
        map_convolution(config, np.ones(3, int), np.ones((1, 1, 1, 1), bool), names=("--a", "--b"))
    with pytest.raises(TypeError, match="weights must be of an integer dtype"):
        map_fully_connected(config, np.ones(3, int), np.ones((3, 2)))
    with pytest.raises(TypeError, match="activations must be a numpy array"):
        map_fully_connected(config, [1, 2, 3], np.ones((3, 2), int))  # pyrefly: ignore[bad-argument-type]  # wrong on purpose


def test_wrong_fully_connected_layers() -> None:
    config = PRESETS["snap-core-8b"]
    with pytest.raises(ConfigError, match="rows of weights must be the 3 elements of activations, not 4"):
        map_fully_connected(config, np.ones(3, int), np.ones((4, 2), int))
    with pytest.raises(ConfigError, match="weights must be of values from -128 to 127 .*, not -129"):
        map_fully_connected(config, np.ones(3, int), np.full((3, 2), -129))
    with pytest.raises(ConfigError, match=r"activations must be of rank 1 \(C\)"):
        map_fully_connected(config, np.ones((3, 1), int), np.ones((3, 2), int))


def test_bands_are_few_and_even() -> None:
    """An image's edge needs fewer psums, so that 14 lines of a 3x3 layer are two bands and 56 lines nine."""
    config = PRESETS["snap-core"]
    for height, lines in ((7, 1), (13, 2), (14, 2), (28, 5), (56, 9)):
        x, w = np.ones((height, 7, 1), int), np.ones((3, 3, 1, 4), int)
        program = map_convolution(config, x, w, padding=1, way=Way())
        assert len(program.slots) == lines, height
        assert program.slots.max() <= config.psum_slots
    program = map_convolution(config, np.ones((4, 7, 1), int), np.ones((3, 3, 1, 16), int), padding=1, way=Way())
    assert program.slots.tolist() == [32, 32], "4 output lines leave room for 8 kernels"


def test_rows_of_the_core_share_pixels_evenly() -> None:
    config = PRESETS["snap-core"]
    program = map_convolution(config, np.ones((7, 7, 96), int), np.ones((1, 1, 96, 8), int))
    assert program.slots.tolist() == [32, 24], "49 pixels are 7 a row: 4, then 3"
    assert all((targets >= 0).sum() == 7 * slots for targets, slots in zip(program.targets, program.slots, strict=True))
