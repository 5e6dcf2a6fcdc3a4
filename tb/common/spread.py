"""Testbench of the network that puts values to flagged places."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .compact import flag_patterns
from .parts import PARTS


@testbench(PARTS["spread"])
async def values_at_their_places(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """The n-th flagged place has value n, the others what they are filled with; any values may be left over."""
    size, bits = config
    for flags in flag_patterns(size, rng):
        values, fill = [int(value) for value in rng.integers(0, 1 << bits, size)], int(rng.integers(1 << bits))
        outputs = await bench.cycle({"i_values": values, "i_flags": flags, "i_fill": fill})
        left = iter(values)
        wanted = [next(left) if flags >> place & 1 else fill for place in range(size)]
        assert outputs["o_values"] == wanted, f"flags {flags:b}"
