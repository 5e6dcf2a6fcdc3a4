"""Testbench of the normalizer."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .lanes import rounded
from .parts import PARTS

FEW_BITS = 10


def numbers(bits: int, kept_bits: int, rng: np.random.Generator) -> list[int]:
    """All of few bits; of more, the ends, powers of two, ties of any size, their neighbours, and any."""
    half = 1 << bits - 1
    if bits <= FEW_BITS:
        return list(range(-half, half))
    found = {-half, half - 1, 0, -1}
    for place in range(bits - 1):
        found |= {sign * (1 << place) + step for sign in (-1, 1) for step in (-1, 0, 1)}
    for dropped in range(1, bits - 1 - kept_bits + 1):
        for kept in [(1 << kept_bits) - 1, 1 << kept_bits - 1, *rng.integers(1 << kept_bits - 1, 1 << kept_bits, 4)]:
            tie = int(kept) << dropped | 1 << dropped - 1
            found |= {sign * tie + step for sign in (-1, 1) for step in (-1, 0, 1)}
    found |= {int(number) >> int(rng.integers(bits)) for number in rng.integers(-half, half, 200)}
    return [number for number in found if -half <= number < half]


@testbench(PARTS["normalizer"])
async def rounds_half_to_even(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """The number is right, and its first digit on top."""
    bits, kept_bits = config
    for number in rng.permutation(numbers(bits, kept_bits, rng)).tolist():
        outputs = await bench.cycle({"i": number})
        magnitude = outputs["o_kept"] + outputs["o_up"]
        wanted = abs(rounded(number, kept_bits))
        assert magnitude << bits - 1 - kept_bits == wanted << outputs["o_shift"], f"{number} became {outputs}"
        assert outputs["o_negative"] == (number < 0)
        assert magnitude >> kept_bits - 1 or number == 0, f"{number} became {outputs}"
