"""Testbench of the rounding to bytes."""

from fractions import Fraction

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .lanes import BYTE_ENDS
from .parts import PARTS

MOST_PLACES = 11


def mantissas(places: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Kept bits and what is to be added to them: ties and what differs from them in a bit, carries, and any."""
    behind = 25 - places  # the point is before so many bits
    found = [(0, 0), ((1 << 23) - 1, 1), ((1 << 24) - 1, 1), (1 << 23, 0), (1 << 23, 1)]
    for _ in range(12):
        digits = int(rng.integers(1 << 23, 1 << 24)) >> behind << behind | 1 << 23
        near = [digits, digits | 1 << behind - 1] if behind <= 24 else [digits]
        for number in near:
            found += [(number + step, up) for step in (-1, 0, 1) for up in (0, 1) if 1 << 23 <= number + step < 1 << 24]
    for bit in range(behind - 1):  # a bit more than half behind an even number, a bit less behind an odd one
        even, odd = (int(rng.integers(1 << 23, 1 << 24)) >> behind << behind for _ in range(2))
        found.append(((even & ~(1 << behind) | 1 << behind - 1 | 1 << bit) & (1 << 24) - 1 | 1 << 23, 0))
        found.append((((odd | 1 << behind | (1 << behind - 1) - 1) ^ 1 << bit) & (1 << 24) - 1 | 1 << 23, 1))
    return found + [(int(kept), int(rng.integers(2))) for kept in rng.integers(1 << 23, 1 << 24, 6)]


@testbench(PARTS["byte_rounder"])
async def rounds_half_to_even(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """Each number of places, either sign; zero points and ends of both types."""
    for places in range(MOST_PLACES + 1):
        for kept, up in mantissas(places, rng):
            negative = int(rng.integers(2))
            low, high = BYTE_ENDS[int(rng.integers(2)) if rng.random() < 0.7 else int(rng.integers(len(BYTE_ENDS)))]
            zero = int(rng.choice([low, high, 0 if low <= 0 <= high else low, int(rng.integers(low, high + 1))]))
            outputs = await bench.cycle(
                {
                    "i_negative": negative,
                    "i_kept": kept,
                    "i_up": up,
                    "i_places": places,
                    "i_zero_point": zero,
                    "i_low": low,
                    "i_high": high,
                }  # fmt: skip
            )
            exact = Fraction(kept + up, 1 << 25) * (1 << places)
            wanted = min(max(round(-exact if negative else exact) + zero, low), high)
            assert outputs["o"] == wanted, f"{exact} and {zero} must become {wanted}, not {outputs['o']}"
