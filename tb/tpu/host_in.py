"""Testbench of the unit that brings the host's data."""

import itertools
import random

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, QUEUES, TpuConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .dma_actors import STALLS, DoneSink, MemoryBeats
from .dma_parts import PARTS

__all__ = ["beats_of", "granules_of", "rows_touched", "transfers"]


def beats_of(config: TpuConfig, transfer: dict[str, int]) -> int:
    """Bus beats of a transfer."""
    return -(-transfer["granules"] // config.bus_granules)


def granules_of(config: TpuConfig, transfer: dict[str, int]) -> range:
    """Granules of the unified buffer that a transfer touches."""
    first = transfer["place"] * config.bus_granules
    return range(first, first + transfer["granules"])


def rows_touched(config: TpuConfig, transfer: dict[str, int]) -> range:
    """Rows of the unified buffer that a transfer touches."""
    granules = granules_of(config, transfer)
    return range(granules.start // config.row_granules, -(-granules.stop // config.row_granules))


def transfers(config: TpuConfig, some: random.Random, shapes: list[tuple[int, int]]) -> list[dict[str, int]]:
    """Transfers (`transfer_entry`) of so many granules from so many beats behind a row's start on, anywhere."""
    found = []
    for granules, beat in shapes:
        begin = beat * config.bus_granules
        row = some.randint(0, (config.ub_granules - begin - granules) // config.row_granules)
        address = some.randrange(1 << config.bus.beat_address_bits)
        found.append({"place": row * config.row_chunks + beat, "granules": granules, "address": address})
    return found


def stores_of(config: TpuConfig, entries: list[dict[str, int]], beats: list[int]) -> list[tuple[int, int, bytes]]:
    """Row, mask and bytes that count of each store."""
    rest, stores = iter(beats), []
    for entry in entries:
        image = b"".join(
            beat.to_bytes(config.bus_bytes, "little") for beat in itertools.islice(rest, beats_of(config, entry))
        )
        start, stop = granules_of(config, entry).start, granules_of(config, entry).stop
        for row in rows_touched(config, entry):
            first, end = max(start, row * config.row_granules), min(stop, (row + 1) * config.row_granules)
            mask = sum(1 << granule % config.row_granules for granule in range(first, end))
            part = image[GRANULE_BYTES * (first - start) : GRANULE_BYTES * (end - start)]
            stores.append((row, mask, part))
    return stores


def as_stored(config: TpuConfig, store: dict[str, int]) -> tuple[int, int, bytes]:
    """The same of a store that came: only what its mask has bits for."""
    data = store["data"].to_bytes(config.row_bytes, "little")
    granules = [data[at : at + GRANULE_BYTES] for at in range(0, len(data), GRANULE_BYTES)]
    part = b"".join(granule for number, granule in enumerate(granules) if store["mask"] >> number & 1)
    return store["row"], store["mask"], part


async def check_entries(
    bench: Bench, config: TpuConfig, entries: list[dict[str, int]], stalls: dict, some: random.Random
) -> tuple[MemoryBeats, int]:
    """Run entries; returns the memory, and cycles from the first beat that was taken to the end."""
    requests = [(entry["address"], beats_of(config, entry)) for entry in entries]
    ends = itertools.accumulate(len(rows_touched(config, entry)) for entry in entries)
    memory = MemoryBeats(requests, 8 * config.bus_bytes, stalls, some)
    source = Source("i_entries", entries, stalls["entries"], some)
    sink = DoneSink("o_store", ends, stalls["out"], some, after_valid=stalls["after_valid"])
    first: list[int] = []

    def finished() -> bool:
        if memory.sent and not first:
            first.append(bench.cycles - 1)
        return source.done and memory.done and sink.done

    await run(bench, [source, memory, sink], finished)
    assert [as_stored(config, store) for store in sink.beats] == stores_of(config, entries, memory.beats)
    for _ in range(5):
        outputs = await bench.cycle({"i_entries_valid": 0, "i_beats_valid": 1, "o_store_ready": 1})
        assert not (outputs["o_store_valid"] or outputs["i_beats_ready"] or outputs["o_requests_valid"])
    return memory, bench.cycles - 5 - first[0]


@testbench(PARTS["host_in"])
async def all_lengths(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All numbers of granules up to two rows from all beats of a row on, and longer ones; whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    offsets, rows = range(config.row_chunks), 2 * config.row_granules
    shapes = [(granules, beat) for granules in range(1, rows + 2) for beat in offsets]
    shapes += [(some.randint(1, 200), some.choice(offsets)) for _ in range(4)] + [(200, some.choice(offsets))]
    some.shuffle(shapes)
    for number, stalls in enumerate(STALLS):
        part = shapes if number == 0 else some.sample(shapes, 6)
        await check_entries(bench, config, transfers(config, some, part), stalls, some)
    whole = [
        {"place": 0, "granules": granules, "address": 1} for granules in (config.ub_granules, config.ub_granules - 1)
    ]
    await check_entries(bench, config, whole, STALLS[0], some)


@testbench(PARTS["host_in"])
async def every_cycle(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A beat in each cycle, over rows and entries; entries behind are asked for meanwhile."""
    some = random.Random(int(rng.integers(1 << 32)))
    entries = transfers(config, some, [(61, 0), (200, config.row_chunks - 1), (55, 0)])
    memory, cycles = await check_entries(bench, config, entries, STALLS[0], some)
    assert cycles == len(memory.beats)
    long = transfers(config, some, [(8 * config.row_granules, 0)] * 8)
    memory, _ = await check_entries(bench, config, long, STALLS[0], some)
    assert memory.most_ahead >= QUEUES["host_in"] - 1
