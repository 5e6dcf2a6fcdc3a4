"""Testbench of the matrix unit with what feeds it: from bytes in the unified buffer to sums."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .entries import Entry, commands_of, random_entries, sums_of
from .parts import PARTS


class Writer:
    """Puts and stores bytes in some rows at random, and keeps what the buffer holds."""

    def __init__(self, config: TpuConfig, memory: np.ndarray, rows: range, rate: float, rng: random.Random) -> None:
        self.config, self.memory, self.rows, self.rate, self.rng = config, memory, rows, rate, rng
        self._put: dict[str, int] | None = None
        self._store: dict[str, int] | None = None

    def drive(self) -> dict[str, Any]:
        """A put now and then, a store until it is taken."""
        size, some = self.config.row_granules, self.rng
        self._put, inputs = None, {"i_put_valid": 0, "i_store_valid": 0}
        if some.random() < self.rate:
            used = some.randint(1, size)
            address = some.randint(self.rows.start * size, self.rows.stop * size - used)
            self._put = {"address": address, "used": used, "data": self._word()}
            inputs |= {"i_put_valid": 1, "i_put_payload": self._put}
        if self._store is None and some.random() < self.rate:
            self._store = {"row": some.choice(self.rows), "mask": some.getrandbits(size), "data": self._word()}
        if self._store is not None:
            inputs |= {"i_store_valid": 1, "i_store_payload": self._store}
        return inputs

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """A store is written in the cycle in which it is taken, a put in the cycle after."""
        taken = self._store is not None and bool(outputs["i_store_ready"])
        if self._store is not None and taken:
            for number in range(self.config.row_granules):
                if self._store["mask"] >> number & 1:
                    self._write(self._store["row"] * self.config.row_granules + number, self._store["data"], number, 1)
            self._store = None
        if self._put is not None:
            self._write(self._put["address"], self._put["data"], 0, self._put["used"])
        return False

    def _word(self) -> int:
        return self.rng.getrandbits(8 * self.config.row_bytes)

    def _write(self, address: int, word: int, first: int, count: int) -> None:
        data = np.frombuffer(word.to_bytes(self.config.row_bytes, "little"), np.uint8)
        begin = GRANULE_BYTES * first
        self.memory[GRANULE_BYTES * address :][: GRANULE_BYTES * count] = data[begin : begin + GRANULE_BYTES * count]


async def fill(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> np.ndarray:
    """Store random bytes in all rows."""
    memory = rng.integers(0, 256, config.ub_bytes, np.uint8)
    every = (1 << config.row_granules) - 1
    for row, data in enumerate(memory.reshape(config.ub_rows, config.row_bytes)):
        store = {"row": row, "mask": every, "data": int.from_bytes(data.tobytes(), "little")}
        outputs = await bench.cycle({"i_store_valid": 1, "i_store_payload": store})
        assert outputs["i_store_ready"]
    await bench.cycle({"i_store_valid": 0})
    return memory


def random_tiles(config: TpuConfig, entries: list[Entry], rng: np.random.Generator) -> np.ndarray:
    """Weights for all tiles that entries swap in."""
    tiles = sum(command["swap"] for command in commands_of(entries))
    return rng.integers(0, 256, (tiles, config.matrix.rows, config.matrix.columns), np.uint8)


@testbench(PARTS["fed_matrix"])
async def random_programs(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All sums, whoever stalls; one half of the buffer is read while the other is written, then the other way round."""
    some = random.Random(int(rng.integers(1 << 32)))
    memory, middle = await fill(bench, config, rng), config.ub_rows // 2
    for number, (entries_stall, weights_stall, sums_stall) in enumerate(
        ((0, 0, 0), (0, 0.5, 0), (0, 0, 0.5), (0.8, 0.2, 0.2), (0.3, 0.6, 0.7))
    ):
        halves = [range(0, middle), range(middle, config.ub_rows)][:: 1 - 2 * (number % 2)]
        granules = range(halves[0].start * config.row_granules, halves[0].stop * config.row_granules)
        entries = random_entries(config, some, granules, 10)
        tiles = random_tiles(config, entries, rng)
        sums = sums_of(config, memory, tiles, entries)
        sources = [
            Source("i_entries", entries, entries_stall, some),
            Source("i_weights", tiles.reshape(-1, config.matrix.columns).tolist(), weights_stall, some),
        ]
        sink = Sink("o_sums", len(sums), sums_stall, some)
        writer = Writer(config, memory, halves[1], some.choice([0.2, 0.8]), some)
        outputs = await run(
            bench,
            [*sources, sink, writer],
            lambda sources=sources, sink=sink: sink.done and all(source.done for source in sources),
        )
        assert sink.beats == sums.tolist()
        for _ in range(60):  # rows that don't drain
            outputs = await bench.cycle({"i_put_valid": 0, "i_store_valid": 0})
            assert not outputs["o_sums_valid"]
        assert not outputs["o_error"]
        await bench.reset()


@testbench(PARTS["fed_matrix"])
async def no_bubbles(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """With a tile that is there, the array takes a row in every cycle, however short commands and entries are."""
    some = random.Random(int(rng.integers(1 << 32)))
    memory = await fill(bench, config, rng)
    for fields in ({"rows": 1, "repeat": 1}, {"rows": 1, "repeat": 4}, {}):
        granules = range(config.ub_granules)
        first = {"swap": 0, "drain": 0, "accumulate": 0}
        entries = random_entries(config, some, granules, 20, **(first | fields))
        entries[-1]["drain"] = 1
        tiles = random_tiles(config, entries, rng)
        assert len(tiles) == 1
        sums = sums_of(config, memory, tiles, entries)
        weights = Source("i_weights", tiles.reshape(-1, config.matrix.columns).tolist(), 0, some)
        await run(bench, [weights], lambda weights=weights: weights.done)
        for _ in range(2 * config.matrix.rows):
            await bench.cycle({"i_weights_valid": 0})
        source, sink = Source("i_entries", entries, 0, some), Sink("o_sums", len(sums), 0, some)
        outputs = await run(bench, [source, sink], lambda sink=sink: sink.done)
        assert sink.beats == sums.tolist()
        rows = sum(command["rows"] for command in commands_of(entries))
        counters = outputs["o_counters"]
        assert counters["issued"] == rows
        assert counters["wait_activations"] == 2  # before the first row: commands need less time
        assert counters["wait_weights"] == counters["wait_accumulators"] == 0
        await bench.reset()
