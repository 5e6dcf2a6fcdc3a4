"""Testbench of the reader of segments."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .parts import PARTS

IDLE = {"i_start": 0, "i_valid": 0, "o_beats_ready": 0, "o_requests_ready": 0}


class Memory:
    """Answers requests in order, each some cycles after it at least.

    Parameters
    ----------
    rows
        What lies where; nothing else may be asked for, and nothing twice.
    latency
        Cycles to an answer, at least 3.
    """

    def __init__(
        self,
        config: SnapChipConfig,
        rows: Mapping[int, int],
        stall: float,
        silence: float,
        latency: int,
        some: random.Random,
    ) -> None:
        self.config, self.rows, self.stall, self.silence = config, dict(rows), stall, silence
        self.latency, self.some = latency, some
        self.asked: list[tuple[int, int]] = []
        self._due: deque[tuple[int, int, int]] = deque()
        self._cycle, self._ready, self._gives, self._waiting = 0, False, False, None

    def drive(self) -> dict[str, Any]:
        """Ready, and an answer or rubbish."""
        self._ready = self.some.random() >= self.stall
        self._gives = bool(self._due) and self._due[0][0] <= self._cycle and self.some.random() >= self.silence
        answer = {"data": self.some.getrandbits(self.config.data_bits), "last": self.some.randrange(2)}
        if self._gives:
            _, answer["data"], answer["last"] = self._due[0]
        return {"o_requests_ready": int(self._ready), "i_valid": int(self._gives), "i_beat": answer, "i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take a request, which is one burst."""
        valid, request = outputs["o_requests_valid"], outputs["o_requests_payload"]
        assert self._waiting in (None, request if valid else None), "a request that waited was changed"
        self._waiting = request if valid and not self._ready else None
        if self._gives:
            self._due.popleft()
        if valid and self._ready:
            address, beats, most = request["address"], request["beats"], self.config.bus.max_burst
            assert 0 < beats <= most and address // most == (address + beats - 1) // most
            self.asked.append((address, beats))
            for place in range(address, address + beats):
                at = place % (1 << self.config.bus.beat_address_bits)
                self._due.append((self._cycle + self.latency, self.rows.pop(at), int(place == address + beats - 1)))
        self._cycle += 1
        return bool(self._gives or (valid and self._ready))


class Landing:
    """Never are more beats on their way or waiting than there is room for."""

    def __init__(self, memory: Memory, sink: Sink, tables: range) -> None:
        self.memory, self.sink, self.tables, self.most = memory, sink, tables, 0

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count."""
        asked = sum(beats for address, beats in self.memory.asked if address not in self.tables)
        self.most = max(self.most, asked - len(self.sink.beats))
        assert self.most <= self.memory.config.bus.fifo_depth
        return False


async def tensor(
    bench: Bench, config: SnapChipConfig, sizes: list[list[int]], stalls: tuple[float, float, float],
    some: random.Random, *, latency: int, after_valid: bool = False,
) -> tuple[int, int]:  # fmt: skip
    """Read segments of so many beats, by band and tile; returns the cycles, and the beats on their way at most."""
    lengths = [length for band in sizes for length in band]
    per_beat, pitch = config.data_bits // 32, max(lengths) + some.randrange(3)
    table, address = some.randrange(1, 40), 1000 + some.randrange(16)
    beats = -(-len(lengths) // per_beat)
    packed = int.from_bytes(np.array(lengths, "<u4").tobytes(), "little")
    packed |= some.getrandbits(32 * (beats * per_beat - len(lengths))) << 32 * len(lengths)
    rows = {table + n: packed >> n * config.data_bits & (1 << config.data_bits) - 1 for n in range(beats)}
    wanted = []
    for number, length in enumerate(lengths):
        for at in range(length):
            rows[address + number * pitch + at] = some.getrandbits(config.data_bits)
            wanted.append(rows[address + number * pitch + at])
    place = {"address": address, "pitch": pitch, "table": table, "bands": len(sizes), "tiles": len(sizes[0])}
    memory = Memory(config, rows, stalls[0], stalls[1], latency, some)
    sink = Sink("o_beats", len(wanted), stalls[2], some, after_valid=after_valid)
    landing = Landing(memory, sink, range(table, table + beats))
    assert (await bench.cycle(IDLE))["o_idle"]
    await bench.cycle(IDLE | {"i_place": place, "i_start": 1})
    start = bench.cycles
    await run(bench, [landing, memory, sink], lambda: sink.done)
    cycles = bench.cycles - start
    assert sink.beats == wanted and not memory.rows
    for _ in range(3):
        outputs = await bench.cycle(IDLE | {"o_requests_ready": 1})
        assert outputs["o_idle"] and not outputs["o_requests_valid"] and not outputs["o_beats_valid"]
    return cycles, landing.most


@testbench(PARTS["segment_reader"])
async def tensors(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """All beats in order, whoever stalls; everything is asked for once, and nothing else; the room is used."""
    some = random.Random(int(rng.integers(1 << 32)))
    per_beat, used = config.data_bits // 32, 0
    for number, stalls in enumerate([(0, 0, 0), (0.8, 0, 0), (0, 0.8, 0), (0, 0, 0.8), (0.4, 0.4, 0.4), (0, 0, 0)]):
        shapes = [(1, 1), (per_beat, 1), (1, 2 * per_beat), (3, per_beat), (2, per_beat + 1), (5, 3)]
        bands, tiles = some.choice([shape for shape in shapes if shape[0] * shape[1] <= config.segments])
        sizes = [[some.choice([1, 2, 8, some.randint(1, 20)]) for _ in range(tiles)] for _ in range(bands)]
        latency = some.choice([3, 30])
        _, most = await tensor(bench, config, sizes, stalls, some, latency=latency, after_valid=number % 2 == 1)
        used = max(used, most)
    _, most = await tensor(bench, config, [[3 * config.bus.fifo_depth]], (0, 0, 0.9), some, latency=3)
    assert max(used, most) == config.bus.fifo_depth


@testbench(PARTS["segment_reader"])
async def pace(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A beat a cycle from memory through many segments: the table is ahead of them."""
    some = random.Random(int(rng.integers(1 << 32)))
    segments, latency = config.segments, 12
    cycles, _ = await tensor(bench, config, [[16] * segments], (0, 0, 0), some, latency=latency)
    beats = 16 * segments + -(-segments * 32 // config.data_bits)
    assert beats <= cycles <= beats + 2 * latency + 20
