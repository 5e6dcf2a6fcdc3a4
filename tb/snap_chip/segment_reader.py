"""Testbench of the reader of segments."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.segment_reader import CLIENTS
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .parts import PARTS

IDLE = {"i_start": 0, "i_valid": 0, "o_beats_ready": 0, "o_requests_0_ready": 0, "o_requests_1_ready": 0}


class Memory:
    """Answers requests in order, each some cycles after it at least, a beat a cycle.

    Parameters
    ----------
    rows
        What lies where; nothing else may be asked for, and nothing twice.
    """

    def __init__(
        self, config: SnapChipConfig, rows: Mapping[int, int], stall: float, silence: float, latency: int,
        some: random.Random,
    ) -> None:  # fmt: skip
        self.config, self.rows, self.stall, self.silence = config, dict(rows), stall, silence
        self.latency, self.some = latency, some
        self.asked = [0] * CLIENTS  # beats
        self._due: deque[tuple[int, int, int]] = deque()  # cycle, client, data
        self._waiting: list[Any] = [None] * CLIENTS
        self._cycle, self._ready, self._gives = 0, [0] * CLIENTS, False

    def drive(self) -> dict[str, Any]:
        """Ready for one of them, and an answer or rubbish."""
        chosen = self.some.randrange(CLIENTS) if self.some.random() >= self.stall else None
        self._ready = [int(client == chosen) for client in range(CLIENTS)]
        self._gives = bool(self._due) and self._due[0][0] <= self._cycle and self.some.random() >= self.silence
        inputs = {f"o_requests_{client}_ready": ready for client, ready in enumerate(self._ready)}
        if self._gives:
            return inputs | {"i_valid": 1 << self._due[0][1], "i_data": self._due[0][2], "i_start": 0}
        return inputs | {"i_valid": 0, "i_data": self.some.getrandbits(self.config.data_bits), "i_start": 0}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take a request, which is one burst."""
        moved = self._gives
        if self._gives:
            self._due.popleft()
        for client, ready in enumerate(self._ready):
            valid, request = outputs[f"o_requests_{client}_valid"], outputs[f"o_requests_{client}_payload"]
            assert self._waiting[client] in (None, request if valid else None), "a request that waited was changed"
            self._waiting[client] = request if valid and not ready else None
            if valid and ready:
                address, beats, most = request["address"], request["beats"], self.config.bus.max_burst
                assert 0 < beats <= most and address // most == (address + beats - 1) // most
                self.asked[client] += beats
                for place in range(address, address + beats):
                    self._due.append((self._cycle + self.latency, client, self.rows.pop(place)))
                moved = True
        self._cycle += 1
        return moved


class Landing:
    """Never are more beats of segments on their way or waiting than there is room for."""

    def __init__(self, memory: Memory, sink: Sink) -> None:
        self.memory, self.sink, self.most = memory, sink, 0

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count."""
        self.most = max(self.most, self.memory.asked[1] - len(self.sink.beats))
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
    landing = Landing(memory, sink)
    await bench.cycle(IDLE)
    await bench.cycle(IDLE | {"i_tensor": place, "i_start": 1})
    start = bench.cycles
    await run(bench, [landing, memory, sink], lambda: sink.done)
    cycles = bench.cycles - start
    assert sink.beats == wanted and not memory.rows
    for _ in range(3):
        outputs = await bench.cycle(IDLE)
        assert not any(outputs[name] for name in ("o_requests_0_valid", "o_requests_1_valid", "o_beats_valid"))
    return cycles, landing.most


@testbench(PARTS["segment_reader"])
async def tensors(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """All beats in order, whoever stalls; everything is asked for once, and nothing else; all room is used."""
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


@testbench({"segment_reader_tiny": PARTS["segment_reader"]["segment_reader_tiny"]})
async def many(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """All segments of tensors that have many, and about as many as a bit says, less and more."""
    some = random.Random(int(rng.integers(1 << 32)))
    for segments in (1023 - some.randrange(8), 512 + some.randrange(8)):
        tiles = some.choice([count for count in range(1, segments + 1) if segments % count == 0])
        await tensor(bench, config, [[1] * tiles] * (segments // tiles), (0, 0, 0), some, latency=3)


async def beginning(
    bench: Bench, config: SnapChipConfig, bands: int, tiles: int, lengths: list[int], most: int, some: random.Random
) -> None:
    """Read the first segments of a tensor that lies anywhere, so many beats at most; then a reset.

    Parameters
    ----------
    lengths
        Of the first segments; the others are short.
    """
    per_beat, last = config.data_bits // 32, 1 << config.bus.beat_address_bits
    ahead = most + config.bus.fifo_depth + 1  # beats that may be asked for
    lengths = lengths + [some.randint(1, 3) for _ in range(ahead)]
    total = bands * tiles
    table_rows = [range(at, at + per_beat) for at in range(0, ahead + per_beat * 2 * config.bus.max_burst, per_beat)]
    while True:
        place = {"address": some.getrandbits(32) % last, "table": some.getrandbits(32) % last, "pitch": 0}
        if some.random() < 0.2:
            place[some.choice(["address", "table"])] = last - some.randrange(20)
        place["pitch"] = some.choice([1 << some.randrange(8, 16), some.randint(100, (1 << 16) - 1)])
        rows, wanted = {}, []
        for number, row in enumerate(table_rows[: -(-total // per_beat)]):
            words = [lengths[n] if n < min(total, len(lengths)) else some.getrandbits(32) for n in row]
            rows[(place["table"] + number) % last] = sum(word << 32 * at for at, word in enumerate(words))
        asked = [
            (place["address"] + number * place["pitch"] + at) % last
            for number, length in enumerate(lengths[:total])
            for at in range(min(length, ahead))
        ][:ahead]
        for address in asked:
            wanted.append(rows.setdefault(address, some.getrandbits(config.data_bits)))
        if len(rows) == min(len(table_rows), -(-total // per_beat)) + len(asked):
            break  # nothing lies where something else does
    memory = Memory(config, rows, 0, 0, some.choice([1, 5]), some)
    sink = Sink("o_beats", len(wanted), 0, some)
    await bench.cycle(IDLE)
    await bench.cycle(IDLE | {"i_tensor": place | {"bands": bands, "tiles": tiles}, "i_start": 1})
    await run(bench, [memory, sink], lambda: len(sink.beats) >= min(most, len(wanted)))
    assert sink.beats == wanted[: len(sink.beats)]
    await bench.cycle(IDLE)
    await bench.reset()


def sizes_near(count: int, most: int) -> tuple[int, int, int]:
    """Two sizes whose product is a little more than a number, and how much: 1 at least."""
    return next(
        (bands, (count + more) // bands, more)
        for more in range(1, count + 2)
        for bands in range(max(1, -(-(count + more) // most)), most + 1)
        if (count + more) % bands == 0
    )


@testbench(PARTS["segment_reader"])
async def large_numbers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Any addresses; numbers of segments, of beats of one, that are a high bit and a little: that they don't end early.

    While it reads, as many segments are left as that bit says.
    """
    some = random.Random(int(rng.integers(1 << 32)))
    fields = bench.inputs["i_tensor"]["fields"]
    most = (1 << fields["bands"]["shape"]["width"]) - 1
    for bit in range((most * most).bit_length()):
        bands, tiles, more = sizes_near(1 << bit, most)
        if some.randrange(2):
            bands, tiles = tiles, bands
        await beginning(bench, config, bands, tiles, [1] * (more + 3), more + 3, some)
    for bit in range(config.bus.beat_address_bits):
        before = [some.randint(1, 5) for _ in range(some.randrange(2 * config.data_bits // 32))]
        more = some.randint(1, 40)
        await beginning(bench, config, 3, most, [*before, (1 << bit) + more], sum(before) + more + 10, some)
