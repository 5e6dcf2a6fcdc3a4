"""Testbench of the unit that brings results to the host."""

import itertools
import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.unified_buffer import ROW_LATENCY
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .dma_actors import STALLS
from .dma_parts import PARTS
from .host_in import beats_of, granules_of, rows_touched, transfers


class Rows:
    """The unified buffer: reads the rows that must be asked for, and sees when an entry is done.

    Parameters
    ----------
    rows
        Contents.
    entries
        Transfers (`transfer_entry`).
    stall
        Probability that a row isn't read.

    Attributes
    ----------
    fetched
        How many rows were read.
    """

    def __init__(
        self, config: TpuConfig, rows: list[int], entries: list[dict[str, int]], stall: float, rng: random.Random
    ) -> None:
        self.rows, self.stall, self.rng, self.bits = rows, stall, rng, 8 * config.row_bytes
        touched = [rows_touched(config, entry) for entry in entries]
        self.wanted = [row for some in touched for row in some]
        self.ends = set(itertools.accumulate(map(len, touched)))
        self.fetched = 0
        self._answers: deque[int | None] = deque([None] * ROW_LATENCY)
        self._ready = self._waits = False

    def drive(self) -> dict[str, Any]:
        """Ready, and a row that was read or rubbish."""
        self._ready = self.rng.random() >= self.stall
        row = self._answers.popleft()
        data = self.rng.getrandbits(self.bits) if row is None else self.rows[row]
        return {"i_fetch_ready": int(self._ready), "i_row": data}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Look at what is asked for."""
        valid, row = outputs["o_fetch"]["valid"], outputs["o_fetch"]["row"]
        assert valid or not self._waits, "a fetch that waited was withdrawn"
        self._waits = valid and not self._ready
        if valid:
            assert self.fetched < len(self.wanted) and row == self.wanted[self.fetched]
        taken = bool(valid and self._ready)
        self._answers.append(row if taken else None)
        self.fetched += taken
        assert outputs["o_done"] == (taken and self.fetched in self.ends)
        return taken


def beats_wanted(config: TpuConfig, rows: list[int], entries: list[dict[str, int]]) -> list[tuple[bytes, int]]:
    """Bytes that count, and strobes, of each beat."""
    image = b"".join(row.to_bytes(config.row_bytes, "little") for row in rows)
    beats = []
    for entry in entries:
        granules = granules_of(config, entry)
        part = image[GRANULE_BYTES * granules.start : GRANULE_BYTES * granules.stop]
        pieces = [part[at : at + config.bus_bytes] for at in range(0, len(part), config.bus_bytes)]
        beats += [(piece, (1 << len(piece)) - 1) for piece in pieces]
    return beats


def as_written(config: TpuConfig, beat: dict[str, int]) -> tuple[bytes, int]:
    """The same of a beat that came."""
    count = beat["strobe"].bit_count()
    return beat["data"].to_bytes(config.bus_bytes, "little")[:count], beat["strobe"]


async def check_entries(
    bench: Bench, config: TpuConfig, entries: list[dict[str, int]], stalls: dict, some: random.Random
) -> int:
    """Run entries; returns the cycles from the first beat to the last."""
    rows = [some.getrandbits(8 * config.row_bytes) for _ in range(config.ub_rows)]
    wanted = beats_wanted(config, rows, entries)
    buffer = Rows(config, rows, entries, stalls["beats"], some)
    source = Source("i_entries", entries, stalls["entries"], some)
    requests = Sink("o_requests", len(entries), stalls["requests"], some)
    beats = Sink("o_beats", len(wanted), stalls["out"], some, after_valid=stalls["after_valid"])
    first: list[int] = []

    def finished() -> bool:
        if beats.beats and not first:
            first.append(bench.cycles - 1)
        return source.done and requests.done and beats.done

    await run(bench, [source, buffer, requests, beats], finished)
    assert [as_written(config, beat) for beat in beats.beats] == wanted
    assert requests.beats == [{"address": entry["address"], "beats": beats_of(config, entry)} for entry in entries]
    assert buffer.fetched == len(buffer.wanted)
    cycles = bench.cycles - first[0]
    for _ in range(5):
        outputs = await bench.cycle({"i_entries_valid": 0, "i_fetch_ready": 1, "o_beats_ready": 1})
        assert not (outputs["o_fetch"]["valid"] or outputs["o_beats_valid"] or outputs["o_requests_valid"])
    return cycles


@testbench(PARTS["host_out"])
async def all_lengths(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All numbers of granules up to two rows from all beats of a row on, and longer ones; whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    offsets, rows = range(config.row_chunks), 2 * config.row_granules
    shapes = [(granules, beat) for granules in range(1, rows + 2) for beat in offsets]
    shapes += [(some.randint(1, 200), some.choice(offsets)) for _ in range(4)] + [(200, some.choice(offsets))]
    some.shuffle(shapes)
    for number, stalls in enumerate(STALLS):
        part = shapes if number == 0 else [*some.sample(shapes, 6), (70, 0)]
        await check_entries(bench, config, transfers(config, some, part), stalls, some)
    whole = [
        {"place": 0, "granules": granules, "address": 1} for granules in (config.ub_granules, config.ub_granules - 1)
    ]
    await check_entries(bench, config, whole, STALLS[0], some)


@testbench(PARTS["host_out"])
async def every_cycle(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A beat in each cycle, over rows and entries that begin and end with whole rows."""
    some = random.Random(int(rng.integers(1 << 32)))
    entries = transfers(config, some, [(9 * config.row_granules, 0), (config.row_granules, 0)] * 3)
    cycles = await check_entries(bench, config, entries, STALLS[0], some)
    assert cycles == sum(beats_of(config, entry) for entry in entries)


@testbench(PARTS["host_out"])
async def latency(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """The first fetch two cycles after the entry, the first beat four after that; no more fetches than there is room.

    All that was fetched comes out, though beats were not taken for long.
    """
    entry = {"place": 0, "granules": config.ub_granules, "address": 7}
    nothing = {"i_fetch_ready": 1, "i_row": 0, "o_beats_ready": 0, "o_requests_ready": 1}
    await bench.cycle({"i_entries_valid": 1, "i_entries_payload": entry, **nothing})
    fetched, offered = [], []
    for cycle in range(1, 40):
        number = fetched.index(cycle - ROW_LATENCY) + 1 if cycle - ROW_LATENCY in fetched else 0
        outputs = await bench.cycle({"i_entries_valid": 0, "i_row": number})
        fetched += [cycle] * outputs["o_fetch"]["valid"]
        offered += [cycle] * outputs["o_beats_valid"]
    assert fetched[0] == 2 and offered[0] == 6
    assert fetched == list(range(2, 2 + len(fetched))) and len(fetched) < 10
    firsts = []
    for _ in range(len(fetched) * config.row_chunks):
        outputs = await bench.cycle({"i_fetch_ready": 0, "o_beats_ready": 1})
        assert outputs["o_beats_valid"]
        firsts.append(outputs["o_beats_payload"]["data"])
    assert firsts[:: config.row_chunks] == list(range(1, len(fetched) + 1))
    assert not (await bench.cycle())["o_beats_valid"]
