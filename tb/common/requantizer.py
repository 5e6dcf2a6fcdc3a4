"""Testbench of the lane that requantizes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...sim.golden.requantize import requantize
from ...sim.golden.wrap import wrap
from ..bench import Bench, Source
from ..cocotb_bench import testbench
from .lanes import check_latency, float_bits, pass_through
from .parts import PARTS

LATENCY = 4

LAYERS = (
    (np.uint8, 0, 0, 255), (np.uint8, 255, 0, 255), (np.uint8, 128, 100, 201), (np.uint8, 3, 3, 3),
    (np.int8, 0, -128, 127), (np.int8, -128, -128, 127), (np.int8, 127, -1, 0), (np.int8, 5, 5, 127),
)  # fmt: skip
"""Type, zero point, lowest and highest result."""

TINY = np.finfo(np.float32).smallest_subnormal
EXTREMES = np.array([TINY, 2.0**-126, 2.0**-95, *2.0 ** np.arange(-40, 21, 5), np.finfo(np.float32).max], np.float32)

PRODUCTS = (
    (84, 16132217, 11518409), (12, 14985510, 14674331), (124, 13158988, 10402715), (132, 12345651, 11800536),
    (132, 8578815, 8490992), (152, 13212244, 12690920), (2, 10450718, 8416736), (236, 13732016, 9468184),
    (204, 11248464, 9994704), (234, 14779372, 8722816), (76, 13175040, 12768484), (166, 14426308, 12689920),
    (42, 15458048, 12091888), (72, 12820480, 12435509), (96, 16633856, 12757460), (132, 13467648, 10817427),
    (128, 12894208, 10957420), (166, 14716928, 12439328), (232, 13008896, 9825448), (8, 12713984, 11761348),
    (152, 14477312, 11581952), (182, 14417920, 13917464), (70, 12582912, 12320769),
)  # fmt: skip
"""A number, and two factors of 24 bits; their product is that and a half, half a place of float32, and a lower bit.

For each bit from the last of 48 on there is one, found by trying all factors.
"""


def any_sums(bits: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Of all magnitudes; the ends; powers of two and their neighbours; ties of 24 bits, and next to them."""
    spread = rng.integers(-(1 << bits - 1), 1 << bits - 1, count) >> rng.integers(0, bits, count)
    places = rng.integers(0, bits - 1, count)
    powers = (1 << places) + rng.integers(-1, 2, count)
    ties = (rng.integers(1 << 23, 1 << 24, count) << 8 | 0x80) + rng.integers(-1, 2, count) >> rng.integers(1, 9, count)
    chosen = np.choose(rng.integers(0, 4, count), [spread, powers, -powers, ties * rng.choice([-1, 1], count)])
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    return np.clip(np.concatenate([[low, high, 0, -1], chosen])[:count], low, high)


def hard_factors(sums: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Factors that bring sums on a tie, as near to one as can be, or near the ends; few are extreme."""
    count = len(sums)
    target = rng.integers(0, 300, count) + rng.choice([0, 0.5, 0.5, 0.5], count)
    factors = (target / np.maximum(np.abs(sums), 1)).astype(np.float32)
    ulps = rng.integers(-2, 3, count)
    factors = (factors.view(np.int32) + np.where(factors > 1e-30, ulps, 0).astype(np.int32)).view(np.float32)
    halves = np.ldexp(np.float32(1), rng.integers(-24, 2, count)).astype(np.float32)
    chosen = np.choose(rng.choice(8, count), [factors] * 6 + [halves, rng.choice(EXTREMES, count)])
    return np.where(chosen > 0, chosen, np.float32(0.5))


def tied_twice(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Totals and factors of which the sum or the product rounded to float32 is, or just isn't, a tie of integers."""
    totals, factors = [], []
    for kind in rng.integers(0, 3, count).tolist():
        odd = 2 * int(rng.integers(1, 255)) + 1
        if kind == 0:  # a product of 25 bits, half a place of float32 from the tie
            zeros = 25 - odd.bit_length()
            number = (odd << zeros) + int(rng.choice([-1, 1]))
            total = next((one for one in (3, 5, 7, 9, 11, 13) if number % one == 0), 1)
            factor = np.ldexp(number // total, -zeros - 1)
        elif kind == 1:  # half a place of the product, and one bit below it
            number, total, other = PRODUCTS[int(rng.integers(len(PRODUCTS)))]
            factor = np.ldexp(other, (2 * number + 1).bit_length() - (total * other).bit_length() - 1)
        else:  # half a place of the sum, and one more or less
            zeros = int(rng.integers(25, 32)) - odd.bit_length()
            half = 1 << max(zeros + odd.bit_length() - 25, 0)
            total = (odd << zeros) + int(rng.choice([-1, 1])) * (half + int(rng.integers(-1, 2)))
            factor = np.ldexp(1, -zeros - 1)
        totals.append(total * int(rng.choice([-1, 1])))
        factors.append(factor)
    return np.array(totals), np.array(factors, np.float32)


def operands(sum_bits: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums, biases and factors."""
    sums = any_sums(sum_bits, 100, rng)
    # what is left for the bias, so that the total is hard; sometimes anything
    biases = np.where(rng.random(100) < 0.3, any_sums(32, 100, rng), 0)
    biases = np.where(rng.random(100) < 0.3, wrap(any_sums(32, 100, rng) - sums, 32), biases)
    factors = hard_factors(wrap(sums + biases, 32), rng)
    totals, tying = tied_twice(60, rng)
    half = 1 << sum_bits - 1
    parts = np.clip(totals + rng.integers(-9, 9, 60), -half, half - 1)
    return (
        np.concatenate([sums, parts]),
        np.concatenate([biases, wrap(totals - parts, 32)]),
        np.concatenate([factors, tying]),
    )


class Overflows:
    """The flag is up in the cycle after one in which a sum was taken that leaves 32 bits, and only then."""

    def __init__(self, source: Source, flags: list[bool]) -> None:
        self.source, self.flags, self.sent, self.raised = source, flags, 0, 0

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare the flag; it comes before the source looks at this cycle."""
        sent = self.source.sent
        wanted = sent > self.sent and self.flags[sent - 1]
        assert outputs["o_overflow"] == wanted, f"overflow of sum {sent - 1}"
        self.sent = sent
        return False


@testbench(PARTS["requantizer"])
async def equals_golden(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """All types, zero points at the ends, narrow ranges; whoever stalls."""
    sum_bits, tag_bits = config
    for number, (dtype, zero, low, high) in enumerate(LAYERS):
        sums, biases, factors = operands(sum_bits, rng)
        totals = wrap(sums + biases, 32)
        wanted = np.clip(requantize(totals, factors, zero, dtype), low, high)
        tags = rng.integers(0, 1 << tag_bits, len(sums)).tolist()
        beats = [
            {"sum": one, "bias": bias, "factor": float_bits(factor), "tag": tag}
            for one, bias, factor, tag in zip(sums.tolist(), biases.tolist(), factors, tags, strict=True)
        ]
        await bench.cycle({"i_valid": 0, "i_zero_point": zero, "i_low": low, "i_high": high})
        flags = (totals != sums + biases).tolist()
        found = await pass_through(bench, beats, number, rng, lambda source, flags=flags: Overflows(source, flags))
        for beat, got, value, tag in zip(beats, found, wanted.tolist(), tags, strict=True):
            assert got == {"value": value, "tag": tag}, f"{beat} must become {value}, not {got}"


@testbench(PARTS["requantizer"])
async def latency(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """Four cycles, one value in each."""
    await check_latency(bench, [{"sum": 1, "bias": 2, "factor": float_bits(TINY), "tag": 0}], LATENCY)
