"""Testbench of the feeder, on a buffer that is only a list of bytes with a fixed latency."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.feeder import ROWS_AHEAD
from ...hw.tpu.unified_buffer import WINDOW_LATENCY
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .entries import Entry, commands_of, granules_of, random_entry, rows_of
from .parts import PARTS
from .windows import Convolution, asks_for

FIRST_REQUEST = 1
"""Cycles from an entry to its first request."""

FIRST_ROW = FIRST_REQUEST + WINDOW_LATENCY + 2
"""Cycles from an entry to the offer of its first row."""


class BufferOfBytes:
    """Answers windows after the latency, with anything in other cycles; counts requests and finished entries.

    Every request is for what its row takes of the buffer, and for nothing else.
    """

    def __init__(
        self, config: TpuConfig, entries: list[Entry], rng: np.random.Generator, memory: np.ndarray | None = None
    ) -> None:
        self.config, self.rng = config, random.Random(int(rng.integers(1 << 32)))
        self.memory = rng.integers(0, 256, config.ub_bytes, np.uint8) if memory is None else memory
        self.last = set(np.cumsum([entry["rows"] * entry["repeat"] for entry in entries]).tolist())
        self.wanted = granules_of(config, entries)
        self.requests: list[int] = []  # their cycles
        self._cycle, self._due = 0, {}

    def drive(self) -> dict[str, int]:
        """The window of three cycles ago."""
        rubbish = self.rng.getrandbits(8 * self.config.row_bytes)
        return {"i_window": self._due.pop(self._cycle, rubbish)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Look a window up; an entry is done in the cycle of its last one."""
        requested, window = bool(outputs["o_window_valid"]), outputs["o_window_payload"]
        if requested:
            self._due[self._cycle + WINDOW_LATENCY] = self._window(window, self.wanted[len(self.requests)])
            self.requests.append(self._cycle)
        assert outputs["o_done"] == (requested and len(self.requests) in self.last)
        self._cycle += 1
        return requested

    def _window(self, window: Mapping[str, int], wanted: list[int | None]) -> int:
        """The bytes of a window, as the buffer gives them: what doesn't count is 0."""
        assert asks_for(self.config, window, wanted)
        row = np.zeros((self.config.row_granules, GRANULE_BYTES), np.uint8)
        for j, granule in enumerate(wanted):
            if granule is not None:
                row[j] = self.memory[GRANULE_BYTES * granule :][:GRANULE_BYTES]
        return int.from_bytes(row.tobytes(), "little")


def any_entries(config: TpuConfig, some: random.Random, count: int, **fields: int) -> list[Entry]:
    """Random entries anywhere in the buffer."""
    return [random_entry(config, some, range(config.ub_granules), **fields) for _ in range(count)]


@testbench(PARTS["feeder"])
async def random_programs(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Every command and every row in order, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    for entries_stall, commands_stall, rows_stall in (
        (0, 0, 0),
        (0.9, 0, 0),
        (0, 0.8, 0),
        (0, 0, 0.7),
        (0.4, 0.4, 0.4),
    ):
        for after_valid in (False, True):
            entries = any_entries(config, some, 12)
            buffer = BufferOfBytes(config, entries, rng)
            commands, rows = commands_of(entries), rows_of(config, buffer.memory, entries)
            source = Source("i_entries", entries, entries_stall, some)
            sinks = [
                Sink("o_commands", len(commands), commands_stall, some, after_valid=after_valid),
                Sink("o_activations", len(rows), rows_stall, some, after_valid=after_valid),
            ]
            await run(bench, [source, buffer, *sinks], lambda s=source, t=sinks: s.done and all(one.done for one in t))
            assert sinks[0].beats == commands
            assert sinks[1].beats == rows.tolist()
            for _ in range(10):
                outputs = await bench.cycle({"i_entries_valid": 0, "o_commands_ready": 1, "o_activations_ready": 1})
                assert not any(outputs[f"{name}_valid"] for name in ("o_window", "o_commands", "o_activations"))


@testbench(PARTS["feeder"])
async def convolutions(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Rows are those of im2col, a row a cycle over all lines, images and entries; then whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stall in (0, 0, 0, 0, 0.4):
        convolution = Convolution(config, some, rng)
        entries = [random_entry(config, some, range(config.ub_granules), **one) for one in convolution.entries]
        buffer, source = BufferOfBytes(config, entries, rng, convolution.memory), Source("i_entries", entries, 0, some)
        commands = Sink("o_commands", len(commands_of(entries)), stall, some)
        rows = Sink("o_activations", len(convolution.rows), stall, some)
        await run(bench, [source, buffer, commands, rows], lambda t=(commands, rows): all(one.done for one in t))
        assert rows.beats == convolution.rows.tolist()
        assert commands.beats == commands_of(entries)
        if not stall:
            assert buffer.requests == list(range(FIRST_REQUEST, FIRST_REQUEST + len(convolution.rows)))


@testbench(PARTS["feeder"])
async def no_bubbles(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A request and a row in every cycle; latencies from entry to request, command and row."""
    some = random.Random(int(rng.integers(1 << 32)))
    for fields in ({}, {"rows": 1, "repeat": 1}, {"rows": 1, "repeat": 3}):
        entries = any_entries(config, some, 12, **fields)
        buffer = BufferOfBytes(config, entries, rng)
        rows = len(rows_of(config, buffer.memory, entries))
        source, commands = Source("i_entries", entries, 0, some), Sink("o_commands", len(commands_of(entries)), 0, some)
        sink, start = Sink("o_activations", rows, 0, some), bench.cycles
        await run(bench, [source, buffer, commands], lambda sink=commands: sink.beats != [])
        assert bench.cycles - start - 1 == FIRST_REQUEST + 2
        begun = bench.cycles
        await run(bench, [source, buffer, commands, sink], lambda sink=sink: sink.done)
        assert buffer.requests == list(range(FIRST_REQUEST, FIRST_REQUEST + rows))
        assert begun - start == FIRST_REQUEST + 3  # nothing came of rows before
        assert bench.cycles - start == FIRST_ROW + rows


@testbench(PARTS["feeder"])
async def rows_ahead(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Nobody takes rows, or commands: the feeder reads ahead, also into entries behind, as far as there is room."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalled, fields in (
        ("o_activations", {"rows": 1, "repeat": 1}),
        ("o_activations", {"rows": 2, "repeat": 2, "step": 0, "pitch": 1}),
        ("o_commands", {"rows": 1, "repeat": 2}),
    ):
        entries = any_entries(config, some, 12, **fields)
        buffer = BufferOfBytes(config, entries, rng)
        commands, rows = commands_of(entries), rows_of(config, buffer.memory, entries)
        source = Source("i_entries", entries, 0, some)
        sinks = {
            name: Sink(name, len(beats), float(name == stalled), some)
            for name, beats in (("o_commands", commands), ("o_activations", rows))
        }
        start = bench.cycles
        await run(bench, [source, buffer, *sinks.values()], lambda start=start: bench.cycles - start == 40)
        assert len(buffer.requests) == ROWS_AHEAD
        other = sinks["o_commands" if stalled == "o_activations" else "o_activations"]
        assert len(other.beats) == ROWS_AHEAD // (fields["rows"] if other.name == "o_commands" else 1)
        sinks[stalled].stall = 0
        await run(
            bench, [source, buffer, *sinks.values()], lambda sinks=sinks: all(sink.done for sink in sinks.values())
        )
        assert sinks["o_commands"].beats == commands
        assert sinks["o_activations"].beats == rows.tolist()


@testbench(PARTS["feeder"])
async def reset(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """A reset at any time leaves a feeder that works like a new one."""
    some = random.Random(int(rng.integers(1 << 32)))
    for cycles in (4, 7, 20):
        entries = any_entries(config, some, 20, repeat=2)
        buffer, source = BufferOfBytes(config, entries, rng), Source("i_entries", entries, 0, some)
        sinks = [Sink("o_commands", 100, 0.5, some), Sink("o_activations", 1000, 0.5, some)]
        start = bench.cycles
        await run(bench, [source, buffer, *sinks], lambda start=start, cycles=cycles: bench.cycles - start == cycles)
        await bench.cycle({"i_entries_valid": 0})
        await bench.reset()
        entries = any_entries(config, some, 4)
        buffer, source = BufferOfBytes(config, entries, rng), Source("i_entries", entries, 0, some)
        rows = rows_of(config, buffer.memory, entries)
        sinks = [Sink("o_commands", len(commands_of(entries)), 0, some), Sink("o_activations", len(rows), 0, some)]
        await run(bench, [source, buffer, *sinks], lambda sinks=sinks: all(sink.done for sink in sinks))
        assert sinks[0].beats == commands_of(entries)
        assert sinks[1].beats == rows.tolist()
