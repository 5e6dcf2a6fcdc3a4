"""Testbench of the weight FIFO."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .vectors import random_bytes


class TileReader:
    """Claims tiles, reads them row by row, and knows how full the FIFO must be."""

    def __init__(self, config: SystolicConfig, source: Source, stall: float, rng: random.Random) -> None:
        self.rows, self.depth = config.rows, config.rows * config.weight_fifo_tiles
        self.source, self.stall, self.rng = source, stall, rng
        self.row_bits = config.columns * config.data_bits
        self.got: list[int] = []
        self.claimed = self.unread = self.taken = self.levels = 0
        self.reading = False

    def drive(self) -> dict[str, int]:
        """A claim may come in the cycle of the last read of the tile before."""
        complete = self.source.sent // self.rows - self.claimed
        read = self.unread > 0 and self.rng.random() >= self.stall
        start = complete > 0 and self.unread - read == 0 and self.rng.random() >= self.stall
        self.now = complete, read, start, self.source.sent - self.taken
        return {"i_start": int(start), "i_read": int(read)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare all outputs."""
        complete, read, start, level = self.now
        assert outputs["o_tile_ready"] == (complete > 0)
        assert outputs["i_weights_ready"] == (level < self.depth)
        if self.reading:
            self.got.append(outputs["o_row"])
        self.reading = read
        self.unread += start * self.rows - read
        self.claimed += start
        self.taken += read
        self.levels = max(self.levels, level)
        return read


async def work(
    bench: Bench, config: SystolicConfig, rng: np.random.Generator, source_stall: float, reader_stall: float
) -> int:
    """Send some tiles, read them all; returns the highest level of the FIFO."""
    tiles = 12
    rows = random_bytes(rng, tiles * config.rows, config.columns)
    numbers = random.Random(int(rng.integers(1 << 32)))
    source = Source("i_weights", rows.tolist(), source_stall, numbers)
    reader = TileReader(config, source, reader_stall, numbers)
    # The reader first: it decides by what was there before this cycle.
    await run(bench, [reader, source], lambda: len(reader.got) >= len(rows))
    wanted = [int.from_bytes(bytes(row), "little") for row in rows]
    assert reader.got == wanted
    return reader.levels


@testbench(PARTS["weight_fifo"])
async def stalls(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Both sides fast and slow; full and empty."""
    levels = [await work(bench, config, rng, *pair) for pair in ((0, 0), (0.5, 0.5), (0.9, 0), (0, 0.8), (0.2, 0.4))]
    assert max(levels) == config.rows * config.weight_fifo_tiles  # it was full


@testbench(PARTS["weight_fifo"])
async def reset_in_the_middle(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """After a reset nothing of the past is left."""
    for _ in range(5):
        numbers = random.Random(int(rng.integers(1 << 32)))
        rows = random_bytes(rng, 12 * config.rows, config.columns).tolist()
        source = Source("i_weights", rows, 0.2, numbers)
        reader = TileReader(config, source, 0.6, numbers)
        stop = int(rng.integers(1, 4 * config.rows + 1))
        await run(bench, [reader, source], lambda source=source, stop=stop: source.sent >= stop)
        await bench.cycle({"i_start": 0, "i_read": 0, "i_weights_valid": 0})
        await bench.reset()
        await work(bench, config, rng, 0.3, 0.3)
