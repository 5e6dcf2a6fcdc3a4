"""Every way of mapping a convolution gives the layer's sums, with the layer's pairs and no other."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution
from tensorloom.sim.snap.phases import Axis
from tensorloom.sim.snap.ways import LayerSizes, Way, ways
from tensorloom.sim.snap.work import core_work


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


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("turn", range(4))
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
    def found(x_shape: tuple, w_shape: tuple, **steps: Any) -> list[tuple]:
        sizes = LayerSizes.of(ConvolutionGeometry.of((1, *x_shape), w_shape, **steps), x_shape)
        return [dataclasses.astuple(way) for way in ways(PRESETS["snap-core"], sizes)]

    assert found((9, 9, 8), (1, 1, 8, 2), stride=2) == [(False, 1, 1, 1)]
    assert found((9, 8, 8), (1, 1, 8, 2)) == [(False, 1, 1, 1), (True, 1, 1, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2)) == [(False, 1, 1, 1), (False, 1, 0, 1)]
    strided = [(False, 1, 1, 1), (False, 2, 1, 1), (False, 1, 2, 1), (False, 2, 2, 1), (False, 1, 0, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2), stride=2) == strided
    assert found((9, 9, 8), (2, 2, 8, 2), stride=2) == [(False, 1, 1, 1), (False, 1, 2, 1), (False, 2, 2, 1)]
    assert found((9, 9, 8), (3, 3, 8, 2), stride=2, dilation=2) == [(False, 1, 1, 1), (False, 1, 0, 1)]
    for groups, depth, packs in ((5, 1, {1, 2, 3}), (6, 1, {1, 2, 3, 6}), (6, 16, {1, 2}), (6, 17, {1})):
        shapes = (4, 4, groups * depth), (1, 1, depth, groups)
        assert {packed for *_, packed in found(*shapes, groups=groups)} == packs


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
