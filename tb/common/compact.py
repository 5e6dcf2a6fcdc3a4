"""Testbench of the network that moves flagged values together."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS

__all__ = ["flag_patterns"]


def flag_patterns(size: int, rng: np.random.Generator) -> list[int]:
    """All sets of places if they are few (or more than once); else none, all, each alone, all but each, halves, any."""
    if size <= 8:
        return list(range(1 << size)) * max(1, 16 >> size)
    every = (1 << size) - 1
    alone = [1 << place for place in range(size)]
    comb = sum(alone[::2])
    lows = [(1 << place) - 1 for place in range(size)]
    some = rng.random((60, size)) < rng.random((60, 1))
    found = [sum(1 << int(place) for place in np.flatnonzero(row)) for row in some]
    others = [every - flags for flags in alone + lows]
    return [0, every, comb, comb << 1 & every, *alone, *lows, *others, *found]


@testbench(PARTS["compact"])
async def flagged_values(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """The flagged values come first, in their order, then zeros."""
    size, bits = config
    for flags in flag_patterns(size, rng):
        values = [int(value) for value in rng.integers(0, 1 << bits, size)]
        outputs = await bench.cycle({"i_values": values, "i_flags": flags})
        wanted = [value for place, value in enumerate(values) if flags >> place & 1]
        assert outputs["o_count"] == len(wanted)
        assert outputs["o_values"] == wanted + [0] * (size - len(wanted)), f"flags {flags:b}"
