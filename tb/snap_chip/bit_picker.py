"""Testbench of the bit picker."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["bit_picker"])
async def first_bits(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """Bitmaps of any density, and any number of bits that may be taken."""
    width, count = config
    bitmaps = [0, (1 << width) - 1, 1, 1 << width - 1]
    for density in (0.03, 0.1, 0.3, 0.6, 0.97):
        bitmaps += [sum(1 << int(place) for place in np.flatnonzero(rng.random(width) < density)) for _ in range(60)]
    for bitmap in bitmaps:
        places = [place for place in range(width) if bitmap >> place & 1]
        most = count if rng.random() < 0.5 else int(rng.integers(count + 1))
        outputs = await bench.cycle({"i_bits": bitmap, "i_most": most})
        taken = min(len(places), most)
        assert outputs["o_taken"] == taken
        assert outputs["o_places"][:taken] == places[:taken]
        assert outputs["o_rest"] == sum(1 << place for place in places[taken:])
