"""Testbench of the walk over taps."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hw.tpu.tap_walk import walk_layout
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .near import any_number
from .vector_parts import PARTS
from .windows import MODULO, signed

WALKS = 60

MOST_TAPS = 45
"""Of a walk; then comes a reset."""

COUNTS = {"kernel_columns": 5, "kernel_rows": 5, "columns": 12, "lines": 12, "results": 17}
"""Widths of what is counted."""


def taps(walk: dict[str, int]) -> Iterator[dict[str, int]]:
    """All taps of a walk, as each must be."""
    last_tap = walk["kernel_rows"] - 1, walk["kernel_columns"] - 1
    for number in range(walk["results"]):
        column, line, image = number, 0, 0
        if walk["bounded"]:
            place, column = divmod(number, walk["columns"])
            image, line = divmod(place, walk["lines"])
        at = column * walk["column_step"] + line * walk["line_step"] + image * walk["image_step"]
        for row, tap in itertools.product(range(walk["kernel_rows"]), range(walk["kernel_columns"])):
            last = (row, tap) == last_tap
            yield {
                "address": (walk["address"] + at + row * walk["kernel_step"] + tap * walk["tap_step"]) % MODULO,
                "x": signed(walk["x"] + column * walk["column_step"] + tap * walk["tap_step"]),
                "y": signed(walk["y"] + line * walk["stride"] + row * walk["dilation"]),
                "first": int(row == tap == 0),
                "last": int(last),
                "final": int(last and number == walk["results"] - 1),
            }


def any_walk(some: random.Random) -> dict[str, int]:
    """Steps of any value; counts so small that all loops go on, or one of them just above a power of two."""
    walk: dict[str, Any] = {name: some.getrandbits(width) for name, width in _widths().items()}
    for name in some.sample(sorted(set(walk) - set(COUNTS)), 4):
        walk[name] = any_number(_widths()[name], some)
    walk |= {name: some.choice([1, 1, 2, 3]) for name in COUNTS} | {"results": some.randint(1, 20)}
    if some.random() < 0.7:
        # A bit that is lost leaves 1 of it, or 2.
        name = some.choice(list(COUNTS))
        walk[name] = max(
            1, min((1 << some.randrange(COUNTS[name])) + some.choice([0, 1, 1, 2]), (1 << COUNTS[name]) - 1)
        )
    return walk


def _widths() -> dict[str, int]:
    return {name: field.width for name, field in walk_layout()}


@testbench(PARTS["tap_walk"])
async def any_steps(bench: Bench, config: tuple[()], rng: np.random.Generator) -> None:
    """The first taps of each walk are right, or all of a short one; they begin in the cycle after the load."""
    some = random.Random(int(rng.integers(1 << 32)))
    for _ in range(WALKS):
        walk = any_walk(some)
        wanted = list(itertools.islice(taps(walk), MOST_TAPS))
        outputs = await bench.cycle({"i_load": 1, "i_walk": walk, "o_ready": 0})
        assert not outputs["o_valid"]
        outputs = await bench.cycle({"i_load": 0})
        assert outputs["o_valid"]
        sink = Sink("o", len(wanted), some.choice([0, 0.3]), some)
        await run(bench, [sink], lambda sink=sink: sink.done)
        assert sink.beats == wanted
        if not wanted[-1]["final"]:
            await bench.reset()
        outputs = await bench.cycle({"o_ready": 0})
        assert not outputs["o_valid"]
