"""Testbench of the weight loader."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


async def work(bench: Bench, config: SystolicConfig, rng: np.random.Generator, tiles: int, ready: float) -> None:
    """Follow starts, reads, loads and swaps by their times."""
    started: list[int] = []
    swapped: list[int] = []
    settled = config.tile_grid[0] + 2  # from the start: a cycle to the first read, then tiles down + 1
    tile_ready, cycle, limit = 0, 0, tiles * 20 * (config.rows + 10)
    while len(swapped) < tiles:
        assert cycle < limit, f"{len(swapped)} of {tiles} tiles after {cycle} cycles"
        tile_ready |= int(rng.random() < ready)
        loaded = len(started) > len(swapped)
        may_swap = loaded and cycle >= started[-1] + settled
        swap = int(may_swap and rng.random() < ready)
        outputs = await bench.cycle({"i_tile_ready": tile_ready, "i_swap": swap})
        reading = bool(started) and started[-1] < cycle <= started[-1] + config.rows
        last = reading and cycle == started[-1] + config.rows
        start = tile_ready and (not reading or last) and (not loaded or swap)
        assert outputs == {
            "o_start": int(start),
            "o_read": int(reading),
            "o_load": int(bool(started) and cycle == started[-1] + 2),
            "o_ready": int(may_swap),
        }, f"cycle {cycle}: {outputs}"
        if swap:
            swapped.append(cycle)
        if start:
            started.append(cycle)
            tile_ready = 0
        cycle += 1


@testbench(PARTS["weight_loader"])
async def times(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Tiles and swaps come at once, or late; work goes on after a reset in the middle."""
    for ready in (1.0, 0.5, 0.1):
        await work(bench, config, rng, 20, ready)
        await bench.reset()
