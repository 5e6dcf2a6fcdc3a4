"""Testbench of the multiplier."""

from itertools import product

import numpy as np

from ..bench import Bench, play
from ..cocotb_bench import testbench
from .parts import PARTS


def operands(bits: int, rng: np.random.Generator) -> list[int]:
    """Numbers at the ends of the range and around 0, each bit alone, and any."""
    half = 1 << bits - 1
    places = [*(1 << bit for bit in range(bits - 1)), *(~(1 << bit) for bit in range(bits - 1))]
    some = rng.permutation(places)[:6].tolist()
    return sorted({-half, half - 1, 0, -1, min(1, half - 1), *some, *rng.integers(-half, half, 6).tolist()})


@testbench(PARTS["multiplier"])
async def products(bench: Bench, config: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Every pair of some numbers, a new one in each cycle, in any order."""
    a_bits, b_bits, registers = config
    pairs = rng.permutation(list(product(operands(a_bits, rng), operands(b_bits, rng)))).tolist()
    pairs += rng.permutation(pairs)[: 1 + 40 // len(pairs) * len(pairs)].tolist()
    a, b = (list(side) for side in zip(*pairs, strict=True))
    wanted = [one * other for one, other in pairs]
    await play(bench, {"a": a, "b": b}, {"o": [None] * registers + wanted[: len(wanted) - registers]})
