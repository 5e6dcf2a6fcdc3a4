"""Testbench of the walk over taps."""

import itertools
import random
from collections.abc import Iterator

import numpy as np

from ...hw.tpu.tap_walk import walk_layout
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .near import any_number
from .vector_parts import PARTS
from .windows import MODULO, signed

MOST_TAPS = 45
"""Of a walk; then comes a reset."""

COUNTS = ("kernel_columns", "kernel_rows", "columns", "lines", "results")
"""What is counted, from the innermost loop on."""


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


class Walks:
    """Random walks of a component, and what is seen of them.

    Parameters
    ----------
    result_bits
        Width of the number of windows.
    """

    def __init__(self, bench: Bench, result_bits: int, some: random.Random) -> None:
        self.bench, self.some = bench, some
        self.widths = {name: field.width for name, field in walk_layout(result_bits)}

    def walk(self, **counts: int) -> dict[str, int]:
        """Steps of any value; counts are small, but for those that are given."""
        walk = {name: self.some.getrandbits(width) for name, width in self.widths.items()}
        for name in self.some.sample(sorted(set(walk) - set(COUNTS)), 4):
            walk[name] = any_number(self.widths[name], self.some)
        return walk | {name: self.some.choice([1, 1, 2, 3]) for name in COUNTS} | {"results": 20} | counts

    async def play(self, walk: dict[str, int], most: int = MOST_TAPS) -> None:
        """See the first taps of a walk, or all of a short one; they begin in the cycle after the load."""
        bench, wanted = self.bench, list(itertools.islice(taps(walk), most))
        outputs = await bench.cycle({"i_load": 1, "i_walk": walk, "o_ready": 0})
        assert not outputs["o_valid"]
        outputs = await bench.cycle({"i_load": 0})
        assert outputs["o_valid"]
        sink = Sink("o", len(wanted), self.some.choice([0, 0, 0.3]), self.some)
        await run(bench, [sink], lambda: sink.done)
        assert sink.beats == wanted
        if not wanted[-1]["final"]:
            await bench.reset()
        outputs = await bench.cycle({"o_ready": 0})
        assert not outputs["o_valid"]


@testbench(PARTS["tap_walk"])
async def any_steps(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """All loops go on, by steps of any value."""
    walks = Walks(bench, *config, random.Random(int(rng.integers(1 << 32))))
    for _ in range(40):
        await walks.play(walks.walk(results=walks.some.randint(1, 20)))


@testbench(PARTS["tap_walk"])
async def any_counts(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """Each bit of each count: one that is lost leaves 1 or 2; then lines of all lengths, and as many, to their end."""
    walks = Walks(bench, *config, random.Random(int(rng.integers(1 << 32))))
    for name in COUNTS:
        inner = dict.fromkeys(COUNTS[: COUNTS.index(name)], 1)
        for bit in range(walks.widths[name]):
            for more in (1, 2):
                count = min((1 << bit) + more, (1 << walks.widths[name]) - 1)
                await walks.play(walks.walk(**inner, **{name: count}, bounded=1), 10)
    for name in ("columns", "lines"):
        lengths = [(1 << bit) + walks.some.randrange(4) for bit in range(3, 9)]
        for count in [*lengths, (1 << walks.widths[name] - 1) + walks.some.randrange(300)]:
            counts = dict.fromkeys(COUNTS, 1) | {name: count, "results": count + walks.some.randint(2, 5)}
            await walks.play(walks.walk(**counts, bounded=1), counts["results"])
