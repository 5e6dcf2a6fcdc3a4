from fractions import Fraction

import numpy as np
import pytest

from tensorloom.sim.golden.fused import fused

MOST = (1 << 18) - 1
"""Greatest magnitude of an integer."""


def to_float32(exact: Fraction) -> np.float32:
    """The nearest float32 by comparison of fractions, of two that are equally near the one whose last bit is 0."""
    near = np.float32(float(exact))
    candidates = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    return min(candidates, key=lambda one: (abs(Fraction(float(one)) - exact), int(one.view(np.int32)) & 1))


def rounded_once(x, factor, addend):
    """By fractions."""
    operands = zip(np.ravel(x).tolist(), np.ravel(factor).tolist(), np.ravel(addend).tolist(), strict=True)
    return np.array([to_float32(Fraction(f) * one + Fraction(c)) for one, f, c in operands])


@pytest.mark.parametrize("most", [255, MOST])
@pytest.mark.parametrize("seed", range(2))
def test_is_rounded_once(seed, most):
    rng = np.random.default_rng(seed)
    count = 4000
    factor = np.ldexp(rng.integers(1 << 23, 1 << 24, count), rng.integers(-40, 40, count)).astype(np.float32)
    x = rng.integers(-most, most, count, endpoint=True)
    near = rng.integers(0, 3, count)  # an addend of any size, of the product's, one that nearly cancels it
    addend = np.ldexp(rng.integers(-(1 << 24), 1 << 24, count), rng.integers(-60, 60, count)).astype(np.float32)
    product = factor.astype(np.float64) * x
    addend = np.choose(near, [addend, np.float32(product * rng.normal(0, 1, count)), np.float32(-product)])
    wanted = rounded_once(x, factor, addend)
    np.testing.assert_array_equal(fused(x, factor, addend), wanted)
    twice = np.float32(product) + addend
    assert np.count_nonzero(twice != wanted) > 20  # rounding the product too would show


@pytest.mark.parametrize("seed", range(2))
def test_near_ties_and_at_ends(seed):
    """Products near half of the addend's last bit; float64 drops what says on which side they are."""
    rng = np.random.default_rng(seed)
    count = 4000
    x = rng.choice([1, 3, 104653, MOST], count) * rng.choice([1, -1], count)
    addend = np.ldexp(rng.integers(1 << 23, 1 << 24, count), rng.integers(-60, 7, count)).astype(np.float32)
    half = np.spacing(addend).astype(np.float64) / 2
    factor = (half / np.abs(x)).astype(np.float32)
    whole = rng.integers(0, 3, count)  # as near as a factor comes, a last bit of it beside that, a power of two
    factor = np.choose(whole, [factor, np.nextafter(factor, np.float32(rng.choice([0, np.inf]))), np.float32(half)])
    near = np.float32(np.ldexp(2626565.0, -38) * half)  # 2626565 * 104653 is 2**38 + 1
    factor = np.where(np.abs(x) == 104653, near, factor)
    wanted = rounded_once(x, factor, addend)
    np.testing.assert_array_equal(fused(x, factor, addend), wanted)
    in_float64 = (factor.astype(np.float64) * x + addend).astype(np.float32)
    assert np.count_nonzero(in_float64 != wanted) > 20


def test_sees_what_float64_does_not():
    # 1 + 2**-24 is a tie of float32; a bit more, which float64 drops, makes it the upper neighbour
    above = np.float32(1 + 2**-23)
    assert fused(1, np.float32(2**-24 + 2**-47), np.float32(1)) == above
    assert fused([1, 0, -1], np.float32(2**-100), np.float32(2**-24)).tolist() == [2**-24] * 3
    tie = np.float32((1 << 23) + 1)  # times 3: 25 bits, the last of which is 1
    assert fused(3, tie, np.float32(2**-90)) == np.float32(3 * 2**23 + 4)
    assert fused(3, tie, np.float32(-(2**-90))) == np.float32(3 * 2**23 + 2)
    assert fused([3, -3], tie, np.float32(0)).tolist() == [3 * 2**23 + 4, -(3 * 2**23 + 4)]
    assert fused([2, -2, 0], np.float32(3e38), np.float32(1)).tolist() == [np.inf, -np.inf, 1]
    assert fused([-2, 2], np.float32(3e38), np.float32(np.inf)).tolist() == [np.inf] * 2


@pytest.mark.parametrize("exponent", [-126, -70, 0, 30])
@pytest.mark.parametrize("addend", [2.0**30, 1.5, 2.0**-126, 0.0])
def test_exponents_that_are_far_apart(exponent, addend):
    x = np.array([0, 1, -1, 2, -3, 104653, MOST, -MOST])
    for factor in (2.0**exponent, (2 - 2.0**-23) * 2.0**exponent, -(1 + 2.0**-23) * 2.0**exponent):
        for sign in (1, -1):
            wanted = rounded_once(x, np.full(8, factor), np.full(8, sign * addend))
            np.testing.assert_array_equal(fused(x, np.float32(factor), np.float32(sign * addend)), wanted)
