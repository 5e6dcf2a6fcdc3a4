"""Testbench of the lane that multiplies and adds."""

import numpy as np

from ...hw.common.fused_multiply_add import FusedMultiplyAdd
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .lanes import mantissa, rounded
from .parts import PARTS

BITS = 24
ULP = 1 << BITS - 1
LEAST, MOST = -(1 << 18), (1 << 18) - 1
DISTANCES = range(-60, 61)

Operands = tuple[int, int, int]
"""The integer, and bits of factor and addend."""


def float32(negative: int, exponent: int, digits: int) -> int:
    """Bits of a float32; the first of its 24 digits is hidden."""
    return int(negative) << 31 | exponent << 23 | digits & ULP - 1


def exact(bits: int) -> int:
    """A float32 in units of 2**-150."""
    exponent, fraction = bits >> 23 & 0xFF, bits & ULP - 1
    size = (ULP | fraction) << exponent if exponent else fraction << 1
    return -size if bits >> 31 else size


def nearest(number: int) -> int:
    """Bits of the float32 next to a number in units of 2**-150; what would be subnormal is 0, and 0 has no sign."""
    kept = rounded(number, BITS)
    exponent = kept.bit_length() - BITS
    return float32(kept < 0, exponent, abs(kept) >> exponent) if exponent > 0 else 0


def any_x(rng: np.random.Generator) -> int:
    """Of all magnitudes, and the ends."""
    some = int(rng.integers(LEAST, MOST + 1)) >> int(rng.integers(19))
    return int(rng.choice([LEAST, MOST, 1, -1, 1 << int(rng.integers(18)), some, some, some]))


def any_float(rng: np.random.Generator, low: int, high: int) -> int:
    """With an exponent in this range."""
    return float32(int(rng.integers(2)), int(rng.integers(low, high + 1)), mantissa(rng))


def at_distance(distance: int, rng: np.random.Generator) -> Operands:
    """The exponent of the addend is larger by `distance`."""
    exponent = int(rng.integers(62, 97))
    addend = float32(int(rng.integers(2)), exponent + distance, mantissa(rng))
    return any_x(rng), any_float(rng, exponent, exponent), addend


def cancelling(rng: np.random.Generator) -> Operands:
    """Nothing or a few bits are left; the product may have too many bits for nothing to be left."""
    x, factor = any_x(rng), any_float(rng, 40, 130)
    if rng.random() < 0.5:
        factor &= ~0 << int(rng.integers(1, 24))
    return x, factor, max(nearest(-x * exact(factor)) + int(rng.choice([-3, -1, 0, 0, 1, 2])), 0)


def tied(rng: np.random.Generator) -> Operands:
    """The product is a tie, or one unit next to one or to a float32; the addend is 0, or tips it."""
    x = int(rng.integers(1, 1 << 17)) >> int(rng.integers(15)) << 1 | 1
    digits = 0
    while not digits & ULP:
        dropped = x.bit_length() - int(rng.integers(2))
        tie = int(rng.choice([1 << dropped - 1, 1 << dropped - 1, 0])) if dropped else 0
        low = int(rng.integers(1 << 24)) << dropped | tie
        digits = (low + int(rng.integers(-1, 2))) * pow(x, -1, 1 << 24) % (1 << 24)
    factor = float32(int(rng.integers(2)), int(rng.integers(70, 130)), digits)
    tip = any_float(rng, 1, 69)
    return x * int(rng.choice([-1, 1])), factor, int(rng.choice([0, 1 << 31, tip, tip]))


def tipping(rng: np.random.Generator) -> Operands:
    """The product is a quarter of a unit of the addend's last place up to two, or next to that; sums may carry."""
    place, exponent = int(rng.integers(19)), int(rng.integers(50, 157))
    addend = int(rng.choice([mantissa(rng), ULP, 2 * ULP - 1, 2 * ULP - 1]))
    digits = ULP + int(rng.choice([0, 1, 1, 1 << int(rng.integers(1, 23))]))
    factor = float32(int(rng.integers(2)), exponent - BITS - place + int(rng.integers(-1, 3)), digits)
    sign = -1 if place == 18 else int(rng.choice([-1, 1]))
    return sign << place, factor, float32(int(rng.integers(2)), exponent, addend)


def far(rng: np.random.Generator) -> Operands:
    """Of all magnitudes."""
    return any_x(rng), any_float(rng, 1, 157), any_float(rng, 1, 157)


def zeros(rng: np.random.Generator) -> Operands:
    """Some operands are 0, of either sign."""
    x, factor, addend = far(rng)
    choice = int(rng.integers(1, 8))
    sign = int(rng.integers(2)) << 31
    return 0 if choice & 1 else x, sign if choice & 2 else factor, sign if choice & 4 else addend


def small(rng: np.random.Generator) -> Operands:
    """Operands that are subnormal or nearly, and results that would be."""
    x, factor = any_x(rng), any_float(rng, 0, 8)
    near = nearest(-x * exact(factor)) + int(rng.integers(0, 3) << int(rng.integers(24)))
    return x, factor, int(rng.choice([near, any_float(rng, 0, 25)]))


def large(rng: np.random.Generator) -> Operands:
    """Just below 2**127."""
    return any_x(rng), any_float(rng, 220, 234), any_float(rng, 225, 252)


KINDS = (cancelling, tied, tipping, far, zeros, small, large)


@testbench(PARTS["fused_multiply_add"])
async def equals_integers(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """Operands of every kind and at every distance, a value a cycle."""
    operands = [at_distance(distance, rng) for distance in DISTANCES for _ in range(10)]
    operands += [kind(rng) for kind in (*KINDS, tipping) for _ in range(300)]
    operands = [operands[place] for place in rng.permutation(len(operands))]
    wanted = [nearest(x * exact(factor) + exact(addend)) for x, factor, addend in operands]
    assert min(wanted.count(0), len(set(wanted))) > 100
    x, factor, addend = (list(side) for side in zip(*operands, strict=True))
    latency = FusedMultiplyAdd.LATENCY
    await play(
        bench,
        {"i_x": x + [0] * latency, "i_factor": factor + [0] * latency, "i_addend": addend + [0] * latency},
        {"o_value": [None] * latency + wanted},
    )
