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
        count = 150
        sums = any_sums(sum_bits, count, rng)
        # what is left for the bias, so that the total is hard; sometimes anything
        biases = np.where(rng.random(count) < 0.3, any_sums(32, count, rng), 0)
        biases = np.where(rng.random(count) < 0.3, wrap(any_sums(32, count, rng) - sums, 32), biases)
        totals = wrap(sums + biases, 32)
        factors = hard_factors(totals, rng)
        wanted = np.clip(requantize(totals, factors, zero, dtype), low, high)
        tags = rng.integers(0, 1 << tag_bits, count).tolist()
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
