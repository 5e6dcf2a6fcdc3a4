"""Layers of any steps, in every way of mapping, on a small core's Verilog; and sums at the bound of what fits."""

from typing import Any

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap.config import PRESETS, SnapConfig
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.batch import join_programs
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.golden import scatter_sums
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected
from tensorloom.sim.snap.ways import LayerSizes, ways
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.snap.program import run_program
from tensorloom.tb.snap.random_programs import nonzero

from ...designs import emitted
from ...marks import slow

NO_ERRORS = {"weights": 0, "activations": 0, "commands": 0, "cuts": 0, "overflow": 0}

TINY = PRESETS["snap-tiny"]

NARROW = {
    "tiny": TINY.replace(psum_bits=16),
    "fpga": PRESETS["snap-fpga"].replace(core_rows=2, core_columns=2, psum_bits=16),
}
"""Cores whose psums a few products fill; ``fpga`` is pipelined."""


@pytest.fixture(scope="module")
def tiny() -> Model:
    return build(emitted("snap", TINY))


@pytest.fixture(scope="module", params=slow(NARROW, lambda name: name == "fpga"))
def narrow(request: pytest.FixtureRequest) -> tuple[SnapConfig, Model]:
    config = NARROW[request.param]
    return config, build(emitted("snap", config))


def sparse(rng: np.random.Generator, shape: tuple[int, ...], density: float) -> np.ndarray:
    return rng.integers(-128, 128, shape) * nonzero(rng, shape, density)


@pytest.mark.parametrize("turn", range(12))
def test_any_convolution(tiny: Model, seed: int, turn: int) -> None:
    """Steps for each axis, padding for each side."""
    rng = np.random.default_rng(seed)
    kernel, dilation = rng.integers(1, 5, 2), rng.integers(1, 3, 2)
    size = rng.integers(1, 8, 2) + dilation * (kernel - 1)
    groups, depth = int(rng.integers(1, 4)), int(rng.integers(1, 12))
    x = sparse(rng, (*size, depth * groups), rng.random())
    w = sparse(rng, (*kernel, depth, groups * int(rng.integers(1, 4))), rng.random())
    steps: dict[str, Any] = {
        "stride": rng.integers(1, 5, 2),
        "padding": rng.integers(0, 4, 4),
        "dilation": dilation,
        "groups": groups,
    }
    program, expected = map_convolution(TINY, x, w, **steps), convolution(x[None], w, **steps)[0]
    got = run_program(tiny, TINY, program)
    assert got.errors == NO_ERRORS
    sums = scatter_sums(program, got.sums, expected.size, TINY.psum_bits)
    np.testing.assert_array_equal(sums.reshape(expected.shape), expected)
    assert got.counters.differences(simulate_core(TINY, program)) == []


@pytest.mark.parametrize("groups", [1, 4])
def test_every_way(tiny: Model, seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = sparse(rng, (7, 5, 8), 0.6), sparse(rng, (3, 3, 8 // groups, 4), 0.6)
    steps: dict[str, Any] = {"stride": 2, "padding": (1, 0, 1, 1), "groups": groups}
    found = ways(TINY, LayerSizes.of(ConvolutionGeometry.of((1, *x.shape), w.shape, **steps), x.shape))
    assert len([way for way in found if not way.row_taps]) == 10 * (3 if groups > 1 else 1)
    assert {way.row_taps.folded for way in found if way.row_taps} == ({1} if groups > 1 else {0})
    expected = convolution(x[None], w, **steps)[0]
    for way in found:
        program = map_convolution(TINY, x, w, **steps, way=way)
        got = run_program(tiny, TINY, program)
        sums = scatter_sums(program, got.sums, expected.size, TINY.psum_bits)
        np.testing.assert_array_equal(sums.reshape(expected.shape), expected, str(way))
        assert got.errors == NO_ERRORS, way
        assert got.counters.differences(simulate_core(TINY, program)) == []


def test_kernels_that_never_meet_the_image(tiny: Model) -> None:
    one = map_convolution(TINY, np.ones((1, 1, 8), int), np.ones((3, 3, 8, 2), int), 2, 3, 2)
    other = map_convolution(TINY, np.ones((2, 7, 11), int), np.ones((1, 3, 11, 2), int), 3, 1)
    for program in (one, other, join_programs([one, other])):
        got = run_program(tiny, TINY, program)
        assert got.errors == NO_ERRORS and got.sums == []
        assert got.counters.cycles == got.result.cycles == 0
        assert not any(got.result.beats.values())
        assert got.counters.differences(simulate_core(TINY, program)) == []
        assert not scatter_sums(program, got.sums, 24, TINY.psum_bits).any()
    some = map_convolution(TINY, np.ones((1, 1, 8), int), np.ones((1, 1, 8, 2), int))
    program = join_programs([one, some, other], 2)
    got = run_program(tiny, TINY, program)
    assert scatter_sums(program, got.sums, 6, TINY.psum_bits).tolist() == [0, 0, 8, 8, 0, 0]


@pytest.mark.parametrize(
    ("x", "w", "fits"),
    [
        ([127, 127, 127, 1], [127, 127, 4, 1], True),  # 32767
        ([127, 127, 127, 2], [-127, -127, -4, -1], True),  # -32768
        ([-128, -128, 0, 0], [-128, -128, 0, 0], False),  # 32768
        ([127, 127, 127, 3], [-127, -127, -4, -1], False),  # -32769
        ([127, 127, 127, 127], [127, 127, 127, -127], False),  # 32258 in the end, but 48387 on the way
    ],
)
@pytest.mark.parametrize("shape", [(1, 1, 4), (2, 2, 1), (1, 2, 2), (1, 4, 1)])
def test_sums_at_the_bound(narrow, x: list[int], w: list[int], fits: bool, shape: tuple) -> None:
    """In one PE, and in several whose sums the reducer adds."""
    config, model = narrow
    operands = np.array(x).reshape(shape), np.array(w).reshape(*shape, 1)
    if not fits:
        with pytest.raises(ConfigError, match=r"psum_bits must be at least 17 for these operands .*, not 16"):
            map_convolution(config, *operands)
    program = map_convolution(config, *operands, wraps=not fits)
    got = run_program(model, config, program)
    total = sum(one * other for one, other in zip(x, w, strict=True))
    assert scatter_sums(program, got.sums, 1, 16).tolist() == wrap(np.array([total]), 16).tolist()
    assert got.errors | {"overflow": 0} == NO_ERRORS
    if fits:
        assert got.errors == NO_ERRORS
    elif not -(1 << 15) <= total < 1 << 15 and len(program.slots) == 1:  # of several blocks none need wrap
        assert got.errors["overflow"] == 1


@pytest.mark.parametrize("turn", range(8))
def test_layers_that_are_accepted_never_raise_the_flag(narrow, seed: int, turn: int) -> None:
    """Multiples of random operands; what is refused wraps as the golden model does."""
    (config, model), rng = narrow, np.random.default_rng(seed)
    kernel, groups = tuple(rng.integers(2, 4, 2).tolist()), int(rng.integers(1, 3))
    x = rng.uniform(-0.3, 1, (4, 5, 12)) * (rng.random((4, 5, 12)) < 0.8)
    w = rng.uniform(-0.3, 1, (*kernel, 12 // groups, 4))
    steps: dict[str, Any] = {"padding": 1, "stride": rng.integers(1, 3, 2), "groups": groups}
    accepted, scales = 0, (127, 100, 80, 65, 50, 40, 30, 25, 20, 16, 12)
    for scale in scales:
        operands = [np.clip(np.rint(values * scale / np.abs(values).max()), -128, 127).astype(int) for values in (x, w)]
        try:
            program, fits = map_convolution(config, *operands, **steps), True
        except ConfigError:
            program, fits = map_convolution(config, *operands, **steps, wraps=True), False
        expected = wrap(convolution(operands[0][None], operands[1], **steps), 16)
        got = run_program(model, config, program)
        sums = scatter_sums(program, got.sums, expected.size, 16)
        np.testing.assert_array_equal(sums.reshape(expected.shape), expected)
        assert got.errors | {"overflow": 0} == NO_ERRORS
        assert not (fits and got.errors["overflow"]), scale
        accepted += fits
    assert 0 < accepted < len(scales)


def test_fully_connected_sums_at_the_bound(narrow) -> None:
    config, model = narrow
    for x, fits in (([127, 127, 127, 1], True), ([127, 127, 127, 2], False)):
        x, w = np.array(x), np.array([[127, 127, 4, 1], [0, 0, 0, 1]]).T
        if not fits:
            with pytest.raises(ConfigError, match=r"psum_bits must be at least 17 .* at \[0\] add up to 32768"):
                map_fully_connected(config, x, w)
        program = map_fully_connected(config, x, w, wraps=not fits)
        got = run_program(model, config, program)
        assert scatter_sums(program, got.sums, 2, 16).tolist() == wrap(x @ w, 16).tolist()
        assert got.errors["overflow"] == (not fits)
