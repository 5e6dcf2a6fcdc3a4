"""Testbench of the lane that adds residuals."""

import numpy as np

from ...sim.golden.residual_add import residual_add, residual_terms
from ..bench import Bench
from ..cocotb_bench import testbench
from .lanes import BYTE_ENDS, check_latency, float_bits, pass_through
from .parts import PARTS

LATENCY = 6

Terms = tuple[np.float32, np.float32, np.float32]


def usual_terms(rng: np.random.Generator) -> Terms:
    """Of scales and zero points as networks have them."""
    a, b, y = rng.uniform(0.02, 1, 3).tolist()
    a_zero, b_zero, y_zero = rng.integers(-128, 256, 3).tolist()
    return residual_terms(a, a_zero, b, b_zero, a + b + y, y_zero)


def tied_terms(rng: np.random.Generator) -> Terms:
    """Ratios of small integers: many sums are ties, or become some by rounding."""
    a, b, y = rng.integers(1, 12, 3).tolist()
    a_zero, b_zero, y_zero = rng.integers(0, 256, 3).tolist()
    return residual_terms(a, a_zero, b, b_zero, y, y_zero)


def distant_terms(rng: np.random.Generator) -> Terms:
    """A factor whose exponent is a high bit more than that of 2; the inner sum is small."""
    a_factor = np.ldexp(rng.uniform(2, 4), 1 << int(rng.integers(4, 7)))
    return np.float32(a_factor), np.float32(rng.uniform(0.01, 0.02)), np.float32(rng.uniform(-1, 1))


def cancelling_terms(rng: np.random.Generator) -> Terms:
    """Large products of which little is left."""
    b_factor = np.float32(np.ldexp(rng.uniform(1, 2), int(rng.integers(-10, 60))))
    a_factor = np.float32(b_factor * rng.choice([1, 1 / 3, 1 + 2**-23, 2, rng.uniform(0.5, 2)]))
    return a_factor, b_factor, np.float32(b_factor * rng.integers(-255, 129) + rng.integers(-2, 3) / 2)


def far_terms(rng: np.random.Generator) -> Terms:
    """Of all magnitudes, the small ones tipping ties of the large one; some subnormal, some beyond any float32."""
    usual, tiny, large = rng.integers(-35, 12, 3), rng.integers(-149, 0, 3), rng.integers(30, 128, 3)
    exponents = np.choose(rng.integers(0, 3, 3), [usual, tiny, large])
    a, b, constant = np.ldexp(rng.choice([1, 1.5, 1 + 2**-22, rng.uniform(1, 2)], 3), exponents).astype(np.float32)
    return a, b, np.float32(constant * rng.choice([-1, 0, 1]))


def tipping_terms(rng: np.random.Generator) -> Terms:
    """3 a_factor is half a place of float32 from a tie of integers; something small, or nothing, is added to it."""
    total, zeros = 1, 0
    while total % 3:
        side = int(rng.choice([-1, 1]))
        odd = 4 * int(rng.integers(1, 64)) + side  # half to even turns away from where this side leads to
        zeros = 25 - odd.bit_length()
        total = (odd << zeros) + side
    b_factor = rng.choice([2.0**-127, np.ldexp(rng.uniform(1, 2), -int(rng.integers(20, 148)))])
    other = np.ldexp(rng.uniform(-1, 1), -int(rng.integers(10, 140)))
    constant = rng.choice([-2 * b_factor, -2 * b_factor, 0, 0, b_factor, other])
    return np.float32(np.ldexp(total // 3, -zeros - 1)), np.float32(b_factor), np.float32(constant)


def carrying_terms(rng: np.random.Generator) -> Terms:
    """The constant is a power of two, from which a little is taken that is lost by rounding."""
    power, sign = np.ldexp(1, int(rng.integers(-1, 7))), rng.choice([-1, 1])
    b_factor = np.ldexp(power, -int(rng.integers(25, 35)))
    return np.float32(rng.uniform(0.1, 2)), np.float32(b_factor), np.float32(sign * power)


def vanishing_terms(rng: np.random.Generator) -> Terms:
    """A large product that the constant takes away for just one b."""
    b_factor = np.float32(np.ldexp(rng.integers(1 << 22, 1 << 23), int(rng.integers(0, 100))))
    return np.float32(rng.uniform(0.1, 2)), b_factor, np.float32(b_factor * rng.choice([-2, -1, 1]))


def infinite_terms(rng: np.random.Generator) -> Terms:
    """The inner sum is infinite for most b, which no product takes back."""
    a, b, constant = (np.finfo(np.float32).max * rng.uniform(0.3, 1, 3)).astype(np.float32)
    return a, b, np.float32(constant * rng.choice([-1, 1]))


KINDS = (
    usual_terms, tied_terms, cancelling_terms, tipping_terms, carrying_terms, far_terms, tipping_terms, vanishing_terms,
    infinite_terms, distant_terms,
)  # fmt: skip


@testbench(PARTS["residual_add"])
async def equals_golden(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """Terms of every kind, zeros among the operands; whoever stalls."""
    seen = set()
    for number in range(50):
        terms = KINDS[number % len(KINDS)](rng)
        low, high = BYTE_ENDS[number % 2 if number < 40 else number % len(BYTE_ENDS)]
        a, b = rng.integers(-128, 256, (2, 60))
        if number % 4 == 0:
            b = np.clip(-a + rng.integers(-1, 2, 60), -128, 255)
        a[:4], b[2:6] = 0, 0
        a[10:25], a[25:40], b[15:35] = 3, -3, rng.integers(-1, 3, 20)
        tags = rng.integers(0, 1 << config[0], 60).tolist()
        beats = [
            {"a": one, "b": other, "tag": tag} for one, other, tag in zip(a.tolist(), b.tolist(), tags, strict=True)
        ]
        a_factor, b_factor, constant = (float_bits(term) for term in terms)
        layer = {"i_a_factor": a_factor, "i_b_factor": b_factor, "i_constant": constant, "i_low": low, "i_high": high}
        await bench.cycle(layer | {"i_valid": 0})
        wanted = residual_add(a, b, terms, low, high).tolist()
        found = await pass_through(bench, beats, number, rng)
        for beat, got, value, tag in zip(beats, found, wanted, tags, strict=True):
            assert got == {"value": value, "tag": tag}, f"{beat} with {terms} must become {value}, not {got}"
        seen.update(wanted)
    assert len(seen) > 100


@testbench(PARTS["residual_add"])
async def latency(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """Six cycles, one value in each."""
    await check_latency(bench, [{"a": 1, "b": 2, "tag": 0}], LATENCY)
