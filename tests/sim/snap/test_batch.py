"""Joined programs give what each of them gives, at its place."""

import numpy as np

from tensorloom.hw.snap.config import PRESETS
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.snap.batch import join_programs
from tensorloom.sim.snap.check import check_program
from tensorloom.sim.snap.golden import core_sums, scatter_sums
from tensorloom.sim.snap.mapping import map_convolution, map_fully_connected

CONFIG = PRESETS["snap-tiny"]


def test_images_of_a_batch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.integers(-9, 9, (3, 5, 4, 6)), rng.integers(-9, 9, (3, 3, 6, 2))
    expected = convolution(x, w, padding=1)
    program = join_programs([map_convolution(CONFIG, image, w, padding=1) for image in x], expected[0].size)
    check_program(CONFIG, program)
    sums = scatter_sums(program, core_sums(CONFIG, program), expected.size, CONFIG.psum_bits)
    assert np.array_equal(sums.reshape(expected.shape), expected)


def test_nothing_among_programs() -> None:
    """Programs without a beat leave the others as they are, and nothing joined is nothing."""
    ones = np.ones((1, 1, 1), int), np.ones((1, 1, 1, 1), int)
    nothing = map_convolution(CONFIG, *ones, (1, 4), (0, 1))
    program = join_programs([nothing, map_convolution(CONFIG, *ones), nothing], 1)
    check_program(CONFIG, program)
    assert scatter_sums(program, core_sums(CONFIG, program), 3, CONFIG.psum_bits).tolist() == [0, 1, 0]
    check_program(CONFIG, join_programs([nothing, nothing], 1))


def test_parts_of_a_sum(seed: int) -> None:
    """Without an offset, programs add up at the same outputs; modes may differ."""
    rng = np.random.default_rng(seed)
    a, w = rng.integers(-9, 9, 20), rng.integers(-9, 9, (20, 5))
    parts = [
        map_fully_connected(CONFIG, a[:8], w[:8]),
        map_convolution(CONFIG, a[None, None, 8:], w[None, None, 8:]),
    ]
    program = join_programs(parts)
    assert np.array_equal(scatter_sums(program, core_sums(CONFIG, program), 5, CONFIG.psum_bits), a @ w)
