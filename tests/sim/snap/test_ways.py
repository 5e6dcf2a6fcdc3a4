"""Every way of mapping a convolution gives the layer's sums, with the layer's pairs and no other."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.cycles import simulate_core
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.phases import Axis
from tensorloom.sim.snap.tiles import pixels_kept
from tensorloom.sim.snap.ways import LayerSizes, RowTaps, Way, ways
from tensorloom.sim.snap.work import core_work

from ...marks import slow
from .presets import ANY_PRESET

CORE = PRESETS["snap-core"]


def check_ways(preset: str, x: np.ndarray, w: np.ndarray, **steps: Any) -> set[Way]:
    config = PRESETS[preset]
    sizes = LayerSizes.of(ConvolutionGeometry.of((1, *x.shape), w.shape, **steps), x.shape)
    expected = convolution(x[None], w, **steps)[0]
    pairs = convolution((x != 0).astype(int)[None], (w != 0).astype(int), **steps).sum()
    found = ways(config, sizes)
    assert found[0] == Way() and len(set(found)) == len(found)
    for way in found:
        program = map_convolution(config, x, w, **steps, way=way)
        check_program(config, program)
        sums = scatter_sums(program, core_sums(config, program), expected.size, config.psum_bits)
        assert np.array_equal(sums.reshape(expected.shape), wrap(expected, config.psum_bits)), (way, steps)
        if len(program.slots):
            assert core_work(config, program).matches.sum() == pairs, (way, steps)
    return set(found)


def sparse(rng: np.random.Generator, shape: tuple[int, ...], bits: int) -> np.ndarray:
    half = 1 << bits - 1
    return rng.integers(-half, half, shape) * (rng.random(shape) < rng.random())


@pytest.mark.parametrize("preset", ANY_PRESET)
@pytest.mark.parametrize("turn", slow(range(4), lambda turn: turn > 1))
def test_every_way(seed: int, preset: str, turn: int) -> None:
    """Steps for each axis, padding for each side."""
    rng, bits = np.random.default_rng(seed), PRESETS[preset].data_bits
    kernel, dilation = rng.integers(1, 6, 2), rng.integers(1, 4, 2)
    size = rng.integers(1, 9, 2) + dilation * (kernel - 1)
    groups, depth = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    x = sparse(rng, (*size, depth * groups), bits)
    w = sparse(rng, (*kernel, depth, groups * int(rng.integers(1, 4))), bits)
    steps: dict[str, Any] = {
        "stride": rng.integers(1, 5, 2),
        "padding": rng.integers(0, 4, 4),
        "dilation": dilation,
        "groups": groups,
    }
    check_ways(preset, x, w, **steps)


@pytest.mark.parametrize(
    ("size", "kernel", "steps"),
    [
        ((9, 9), (3, 3), {"stride": 2, "padding": 1}),
        ((9, 7), (7, 7), {"stride": 2, "padding": 3}),
        ((9, 6), (4, 4), {"stride": 4, "padding": 1}),
        ((9, 8), (3, 3), {"stride": 2, "padding": 2, "dilation": 2}),
        ((9, 8), (3, 3), {"stride": 4, "padding": 3, "dilation": 3}),
        ((9, 4), (5, 2), {"stride": (3, 1), "dilation": (2, 3)}),
        ((9, 6), (3, 1), {"dilation": 2, "padding": (2, 0)}),
        ((9, 6), (4, 2), {"dilation": (3, 1), "stride": (1, 2), "padding": 1}),
        ((11, 11), (11, 11), {"stride": (4, 3), "padding": (2, 0, 1, 4)}),
    ],
)
def test_every_way_of_known_kinds(seed: int, size: tuple, kernel: tuple, steps: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    x, w = sparse(rng, (*size, 6), 8), sparse(rng, (*kernel, 2, 3), 8)
    check_ways("snap-core", x, w, **steps, groups=3)


def test_ways_by_hand() -> None:
    def found(x_shape: tuple, w_shape: tuple, **steps: Any) -> tuple[list[tuple], list[tuple]]:
        sizes = LayerSizes.of(ConvolutionGeometry.of((1, *x_shape), w_shape, **steps), x_shape)
        tuples = [dataclasses.astuple(way) for way in ways(PRESETS["snap-core"], sizes)]
        assert all(way[1:3] == (1, 1) for way in tuples if way[4])
        return [way[:4] for way in tuples if not way[4]], [(way[0], way[3], *way[4]) for way in tuples if way[4]]

    assert found((9, 9, 8), (1, 1, 8, 2), stride=2)[0] == [(False, 1, 1, 1)]
    assert found((9, 8, 8), (1, 1, 8, 2))[0] == [(False, 1, 1, 1), (True, 1, 1, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2))[0] == [(False, 1, 1, 1), (False, 1, 0, 1)]
    strided = [(False, 1, 1, 1), (False, 2, 1, 1), (False, 1, 2, 1), (False, 2, 2, 1), (False, 1, 0, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2), stride=2)[0] == strided
    assert found((9, 9, 8), (2, 2, 8, 2), stride=2)[0] == [(False, 1, 1, 1), (False, 1, 2, 1), (False, 2, 2, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2), stride=2, dilation=2)[0] == [(False, 1, 1, 1), (False, 1, 0, 1)]
    for groups, depth, packs in ((5, 1, {1, 2, 3}), (6, 1, {1, 2, 3, 6}), (6, 16, {1, 2}), (6, 17, {1})):
        shapes = (4, 4, groups * depth), (1, 1, depth, groups)
        plain, taps = found(*shapes, groups=groups)
        assert {packed for *_, packed in plain} == {packed for _, packed, *_ in taps} == packs


def test_row_taps_by_hand() -> None:
    def found(layer: tuple[int, ...], **steps: Any) -> list[tuple]:
        height, width, kernel, channels, kernels = layer
        shapes = (height, width, channels), (kernel, kernel, channels, kernels)
        sizes = LayerSizes.of(ConvolutionGeometry.of((1, *shapes[0]), shapes[1], **steps), shapes[0])
        return [dataclasses.astuple(way.row_taps) for way in ways(CORE, sizes) if way.row_taps and not way.transposed]

    assert found((14, 14, 3, 256, 64), padding=1) == [(4, 8, 0), (2, 16, 0)]
    assert found((7, 7, 3, 256, 64), padding=1) == [(4, 8, 0), (2, 16, 0)]
    assert found((14, 14, 3, 64, 64), padding=1) == [(5, 6, 0), (4, 8, 0), (2, 16, 0)]  # tiles of 22 channels: 6 beats
    assert found((3, 7, 1, 256, 64)) == [(3, 10, 0), (2, 16, 0)]  # no more lines
    assert found((14, 14, 3, 256, 5), padding=1) == [(4, 5, 0), (2, 5, 0)]  # no more kernels
    conv1 = found((224, 224, 7, 3, 64), stride=2, padding=3)
    assert conv1 == [(8, 4, 1), (4, 8, 1), (2, 16, 1)]  # 21 channels; all 147 are too many, and so are 16 tiles
    assert {folded for *_, folded in found((14, 14, 3, 3, 64), padding=1)} == {1, 2}
    assert found((1, 1, 1, 256, 64)) == [(1, 32, 0)]


@pytest.mark.parametrize(
    ("way", "text"),
    [
        (Way(across=2), "way must be one of `ways`, not"),
        (Way(across=0, row_taps=RowTaps(4, 4)), "way must be one of `ways`, not"),
        (Way(packed=2, row_taps=RowTaps(4, 4)), "way must be one of `ways`, not"),
        (Way(row_taps=RowTaps(4, 4, 1)), "way must be one of `ways`, not"),
        (Way(row_taps=RowTaps(0, 4)), "lines of a block must be from 1 to 4, not 0"),
        (Way(row_taps=RowTaps(5, 4)), "lines of a block must be from 1 to 4, not 5"),
        (Way(row_taps=RowTaps(3, 0)), "kernels of a block must be from 1 to 10 with 3 lines, not 0"),
        (Way(row_taps=RowTaps(3, 11)), "kernels of a block must be from 1 to 10 with 3 lines, not 11"),
    ],
)
def test_ways_that_are_none(way: Way, text: str) -> None:
    x, w = np.ones((5, 5, 90), int), np.ones((3, 3, 90, 2), int)
    with pytest.raises(ConfigError, match=text):
        map_convolution(CORE, x, w, way=way)


@pytest.mark.parametrize("preset", ANY_PRESET)
@pytest.mark.parametrize("turn", range(3))
def test_any_block_of_row_taps(seed: int, preset: str, turn: int) -> None:
    """Lines and kernels that nobody would choose; each output is written once at most, with all its pairs."""
    rng, config = np.random.default_rng(seed), PRESETS[preset]
    kernel, dilation = rng.integers(1, 5, 2), rng.integers(1, 3, 2)
    size = rng.integers(1, 12, 2) + dilation * (kernel - 1)
    groups, depth = int(rng.integers(1, 3)), int(rng.integers(1, 2 * config.channel_tile))
    x, w = sparse(rng, (*size, depth * groups), 4), sparse(rng, (*kernel, depth, 5 * groups), 4)
    steps: dict[str, Any] = {
        "stride": rng.integers(1, 5, 2), "padding": rng.integers(0, 6, 4), "dilation": dilation, "groups": groups,
    }  # fmt: skip
    expected = convolution(x[None], w, **steps)[0]
    for lines in range(1, pixels_kept(config, depth) + 1):
        if lines > config.psum_slots:
            break
        block = RowTaps(lines, int(rng.integers(1, config.psum_slots // lines + 1)))
        way = Way(transposed=bool(rng.integers(2)), row_taps=block)
        program = map_convolution(config, x, w, **steps, way=way)
        check_program(config, program)
        sums = scatter_sums(program, core_sums(config, program), expected.size, config.psum_bits)
        assert np.array_equal(sums.reshape(expected.shape), wrap(expected, config.psum_bits)), (way, steps)
        written = np.concatenate([np.empty(0, int), *(targets[targets >= 0] for targets in program.targets)])
        assert len(set(written)) == len(written)
        counters = simulate_core(config, program)
        pairs = convolution((x != 0).astype(int)[None], (w != 0).astype(int), **steps).sum()
        assert counters.multiplies.sum() == pairs


@pytest.mark.parametrize(
    ("axis", "every", "expected"),
    [
        # 5 inputs, 3 taps, stride 2, padding 1: taps 1 on even inputs, taps 0 and 2 on odd ones
        (Axis(5, 3, 3, 2, 1, 1), 1, [([0, 2, 4], [1], [[0], [1], [2]]), ([1, 3], [0, 2], [[1, 0], [2, 1]])]),
        (
            Axis(5, 3, 3, 2, 1, 1),
            2,
            [([0, 1, 2, 3, 4], [0, 1, 2], [[-1, 0, -1], [1, -1, 0], [-1, 1, -1], [2, -1, 1], [-1, 2, -1]])],
        ),
        # dilation 2: inputs of one remainder meet all taps
        (
            Axis(5, 2, 5, 1, 1, 2),
            1,
            [([0, 2, 4], [0, 1], [[1, -1], [3, 1], [-1, 3]]), ([1, 3], [0, 1], [[2, 0], [4, 2]])],
        ),
    ],
)  # fmt: skip
def test_phases_by_hand(axis: Axis, every: int, expected: list[tuple]) -> None:
    phases = axis.phases(every)
    assert [(p.inputs.tolist(), p.taps.tolist(), p.table.tolist()) for p in phases] == expected
    for phase in phases:
        numbers = phase.input_numbers[:, None] - phase.tap_numbers
        there = phase.table >= 0
        assert np.array_equal(phase.position(numbers)[there], phase.table[there])


@pytest.mark.parametrize("turn", range(40))
def test_phases_are_all_of_the_axis(seed: int, turn: int) -> None:
    """Each pair of an input and a tap that has an output is in one phase, however taps are parted."""
    rng = np.random.default_rng(seed)
    kernel, stride, dilation = (int(rng.integers(1, high)) for high in (8, 5, 4))
    padding, size = int(rng.integers(0, 6)), int(rng.integers(1, 12))
    outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    if outputs < 1:
        return
    axis = Axis(size, kernel, outputs, stride, padding, dilation)
    expected = sorted(
        (h, r, x)
        for x in range(outputs)
        for r in range(kernel)
        for h in [x * stride - padding + r * dilation]
        if 0 <= h < size
    )
    for every in (1, axis.period):
        pairs = []
        for phase in axis.phases(every):
            cut = int(rng.integers(0, len(phase.taps)))
            for part in (phase.part(0, cut), phase.part(cut, len(phase.taps))) if cut else (phase,):
                numbers = part.input_numbers[:, None] - part.tap_numbers
                for p, t in zip(*np.nonzero(part.table >= 0), strict=True):
                    pairs.append((int(part.inputs[p]), int(part.taps[t]), int(part.table[p, t])))
                    assert part.position(numbers[p, t]) == part.table[p, t]
                assert np.ptp(part.tap_numbers) < part.reach
        assert sorted(pairs) == expected
    found = [(h, r, x) for r in range(kernel) for h, x in zip(*map(np.ndarray.tolist, axis.reached(r)), strict=True)]
    assert sorted(found) == expected
