"""Testbench of the unit that reads weight tiles."""

import itertools
import random
from collections.abc import Iterable

import numpy as np

from ...hw.tpu.config import QUEUES, TpuConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .dma_actors import STALLS, DoneSink, MemoryBeats
from .dma_parts import PARTS


def entry_of(tiles: int, rows: int, chunks: int, address: int) -> dict[str, int]:
    """An entry (`weights_entry`)."""
    return {"tiles": tiles, "rows": rows, "chunks": chunks, "beats": tiles * rows * chunks, "address": address}


def rows_of(config: TpuConfig, entries: list[dict[str, int]], beats: Iterable[int]) -> list[list[int]]:
    """Rows that entries must become."""
    size, rest, rows = config.matrix.rows, iter(beats), []
    for entry in entries:
        image = b"".join(beat.to_bytes(config.bus_bytes, "little") for beat in itertools.islice(rest, entry["beats"]))
        stored = np.frombuffer(image, np.uint8).reshape(entry["tiles"], entry["rows"], -1)
        tiles = np.zeros((entry["tiles"], size, size), int)
        tiles[:, : stored.shape[1], : stored.shape[2]] = stored
        rows += tiles.reshape(-1, size).tolist()
    return rows


async def check_entries(
    bench: Bench, config: TpuConfig, entries: list[dict[str, int]], stalls: dict, some: random.Random
) -> tuple[MemoryBeats, int]:
    """Run entries; returns the memory, and cycles from the first beat that was taken to the end."""
    requests = [(entry["address"], entry["beats"]) for entry in entries]
    ends = itertools.accumulate(entry["tiles"] * config.matrix.rows for entry in entries)
    memory = MemoryBeats(requests, 8 * config.bus_bytes, stalls, some)
    source = Source("i_entries", entries, stalls["entries"], some)
    sink = DoneSink("o_rows", ends, stalls["out"], some, after_valid=stalls["after_valid"])
    first: list[int] = []

    def finished() -> bool:
        if memory.sent and not first:
            first.append(bench.cycles - 1)
        return source.done and memory.done and sink.done

    await run(bench, [source, memory, sink], finished)
    assert sink.beats == rows_of(config, entries, memory.beats)
    for _ in range(5):
        outputs = await bench.cycle({"i_entries_valid": 0, "i_beats_valid": 1, "o_rows_ready": 1})
        assert not (outputs["o_rows_valid"] or outputs["i_beats_ready"] or outputs["o_requests_valid"])
    return memory, bench.cycles - 5 - first[0]


@testbench(PARTS["weight_unit"])
async def all_shapes(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All numbers of rows and of chunks, few and many tiles, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    size, chunks = config.matrix.rows, config.row_chunks
    addresses = range(1 << config.bus.beat_address_bits)
    for number, stalls in enumerate(STALLS):
        shapes = [(some.randint(2, 3), some.randint(1, size), some.randint(1, chunks)) for _ in range(4)]
        if number == 0:
            shapes += [(1, rows, 1 + rows % chunks) for rows in range(1, size + 1)]
            shapes += [(some.randint(1, 2), rows, count) for rows in (1, size) for count in range(1, chunks + 1)]
        some.shuffle(shapes)
        await check_entries(bench, config, [entry_of(*shape, some.choice(addresses)) for shape in shapes], stalls, some)


@testbench(PARTS["weight_unit"])
async def every_cycle(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A beat or a row of zeros in each cycle, over tiles and entries; entries behind are asked for meanwhile."""
    some = random.Random(int(rng.integers(1 << 32)))
    size, chunks = config.matrix.rows, config.row_chunks
    whole = [entry_of(2, size, chunks, 5), entry_of(1, size, 1, 77)] + [entry_of(1, size, chunks, 9)] * 2
    memory, cycles = await check_entries(bench, config, whole, STALLS[0], some)
    assert cycles == len(memory.beats)
    part = [entry_of(1, 1, 1, number) for number in range(3)] + [entry_of(2, size // 2, chunks, 3)]
    memory, cycles = await check_entries(bench, config, part, STALLS[0], some)
    assert cycles == len(memory.beats) + 3 * (size - 1) + size
    memory, _ = await check_entries(bench, config, [entry_of(1, 2, 1, 0)] * 20, STALLS[0], some)
    assert memory.most_ahead >= QUEUES["weights"] - 1


@testbench(PARTS["weight_unit"])
async def with_the_beat(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A row is there in the cycle of its last beat, and waits; the request comes two cycles after the entry."""
    entry = entry_of(1, 1, config.row_chunks, 3)
    await bench.cycle({"i_entries_valid": 1, "i_entries_payload": entry, "i_beats_valid": 0, "o_rows_ready": 0})
    assert not (await bench.cycle({"i_entries_valid": 0, "o_requests_ready": 1}))["o_requests_valid"]
    assert (await bench.cycle())["o_requests_valid"]
    last = config.row_chunks - 1
    for chunk in [*range(config.row_chunks), last, last]:
        outputs = await bench.cycle({"i_beats_valid": 1, "i_beats_payload": chunk})
        assert outputs["o_rows_valid"] == (chunk == last) and outputs["i_beats_ready"] == (chunk < last)
    for row in range(config.matrix.rows):
        outputs = await bench.cycle({"i_beats_valid": int(row == 0), "o_rows_ready": 1})
        assert outputs["o_rows_valid"] and outputs["o_done"] == (row == config.matrix.rows - 1)
        assert any(outputs["o_rows_payload"]) == (row == 0 and last > 0)
