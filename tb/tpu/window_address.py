"""Testbench of where the rows of entries lie."""

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...hw.tpu.config import TpuConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .entries import Entry, granules_of, random_entry
from .near import any_number
from .parts import PARTS
from .windows import MODULO, asks_for, signed

ENTRIES = 40

STEPS = ("column_step", "line_step", "image_step", "kernel_step")


async def check(bench: Bench, config: TpuConfig, entries: Sequence[Entry], some: random.Random) -> None:
    """Every row of every command, in cycles of its own choice; an entry begins where the one before ends."""
    idle = {"i_entry_valid": 0, "i_next": 0, "i_next_command": 0}
    await bench.cycle(idle | {"i_entry_valid": 1, "i_entry_payload": entries[0]})
    for entry, following in pairwise([*entries, entries[0]]):
        rows = granules_of(config, [entry])
        for number, granules in enumerate(rows, start=1):
            moves = {"i_next": 1, "i_next_command": int(number % entry["rows"] == 0)}
            if number == len(rows):
                moves |= {"i_entry_valid": 1, "i_entry_payload": following}
            for inputs in [idle] * some.choice([0, 0, 1]) + [idle | moves]:
                outputs = await bench.cycle(inputs)
                assert asks_for(config, outputs["o_window"], granules), entry
                assert outputs["o_width"] == entry["pitch"]
                assert outputs["o_pad"] == entry["geometry"]["pad"]


def aimed(config: TpuConfig, some: random.Random, **counts: int) -> Entry:
    """A ``convolve`` with steps of any value, which lead to input at one of its positions at least, if x allows it."""
    rows, repeat = min(some.randint(6, 10), config.matrix.accumulator_rows), some.choice([1, 2, 2, 3])
    entry = random_entry(config, some, range(config.ub_granules), rows=rows, repeat=repeat, convolve=1)
    entry["rows"] = rows  # of a matmul, it was cut to what lies in the buffer
    geometry = dict.fromkeys(("columns", "lines"), 1) | counts
    geometry |= {name: some.choice([some.getrandbits(24), any_number(24, some)]) for name in STEPS}
    geometry |= {name: any_number(some.randint(1, 12), some) for name in ("stride", "dilation")}
    geometry |= {"line": some.randint(1 << 22, MODULO - 1), "height": some.randint(1 << 11, (1 << 12) - 1)}
    entry["geometry"] |= geometry
    k, (place, column) = some.randrange(repeat), divmod(some.randrange(rows), geometry["columns"])
    image, line = divmod(place, geometry["lines"])
    steps = sum(count * geometry[name] for count, name in zip((column, line, image, k), STEPS, strict=True))
    size, window = config.row_granules, (entry["geometry"][name] for name in ("window_first", "window_last"))
    down_at = line * geometry["stride"] + k * geometry["dilation"]
    down = down_at - some.choice([0, some.randrange(1 << 11)])
    at = some.randint(*window) * size + some.randrange(size)
    x, y = some.choice([0, some.randrange(1 << 15)]), max(-down, -(1 << 11))
    column_x, line_y = signed(x + column * geometry["column_step"]), y + down_at
    if column_x >= 0 and some.random() < 0.5:  # the line ends in the window
        entry["geometry"]["line"] = column_x + some.randint(0, size)
    if 0 <= line_y < (1 << 12) - 1 and some.random() < 0.3:  # the image ends with its line, or before it
        entry["geometry"]["height"] = line_y + some.randint(0, 1)
    return entry | {"first": (at - steps) % MODULO, "x": x, "y": y}


@testbench(PARTS["window_address"])
async def entries_of_both_kinds(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Entries anywhere, most of which have input here and there."""
    some = random.Random(int(rng.integers(1 << 32)))
    entries = [random_entry(config, some, range(config.ub_granules)) for _ in range(ENTRIES)]
    await check(bench, config, entries, some)


@testbench(PARTS["window_address"])
async def any_steps(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Steps of any value, and counts of lines and columns with any bit: one that is lost leaves 1 or 2, or a few."""
    some = random.Random(int(rng.integers(1 << 32)))
    entries = [
        aimed(config, some, **{name: some.randint(1, 3) for name in ("columns", "lines")}) for _ in range(ENTRIES)
    ]
    for name in ("columns", "lines"):
        for bit in range(12):
            counts = ((1 << bit) + more for more in (1, 2, some.randint(3, 6)))
            entries += [aimed(config, some, **{name: min(count, (1 << 12) - 1)}) for count in counts]
    some.shuffle(entries)
    await check(bench, config, entries, some)
