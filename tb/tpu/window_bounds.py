"""Testbench of the bounds of windows."""

import random

import numpy as np

from ...hw.tpu.config import TpuConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .near import beside
from .parts import PARTS
from .windows import MODULO, asks_for, granules_at, signed

WINDOWS = 1500


def any_window(config: TpuConfig, some: random.Random) -> dict[str, int]:
    """A window inside of the image, but for one edge or all of them, or a power of two away from there."""
    size, first = config.row_granules, some.randrange(config.ub_rows)
    last, edge = some.randint(first, config.ub_rows - 1), some.choice(["x", "y", "row", "all"])
    line = some.choice([some.getrandbits(24), some.randint(0, 3 * size)])
    height = some.choice([some.getrandbits(12), some.randint(0, 3)])
    if edge in ("x", "all"):
        x = beside(some.choice([0, line]), size, 24, some)
    else:
        x, line = some.randrange(size), max(line, 2 * size)
    if edge in ("y", "all"):
        y = beside(some.choice([0, height]), 2, 24, some)
    else:
        y, height = some.randint(0, height), height + 1
    row_bits = 24 - (size.bit_length() - 1)
    row = some.randint(first, last)
    if edge in ("row", "all"):
        row = beside(some.choice([first, last, row]), 1, row_bits, some)
    return {
        "address": (row * size + some.randrange(size)) % MODULO, "x": signed(x), "y": signed(y),
        "width": some.choice([size, some.randint(1, size)]), "line": line, "height": min(height, (1 << 12) - 1),
        "window_first": first, "window_last": last,
    }  # fmt: skip


@testbench(PARTS["window_bounds"])
async def windows(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Windows anywhere, most of them across one edge of the image or another, each bit of a number alone."""
    some = random.Random(int(rng.integers(1 << 32)))
    for _ in range(WINDOWS):
        window = any_window(config, some)
        outputs = await bench.cycle({f"i_{name}": value for name, value in window.items()})
        found = {"address": window["address"], "first": outputs["o_first"], "end": outputs["o_end"]}
        places = (window[name] for name in ("address", "x", "y", "width"))
        assert asks_for(config, found, granules_at(config, window, *places)), window
