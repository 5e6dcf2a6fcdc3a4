"""Testbench of what fetches instructions."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import INSTRUCTION_BYTES, TpuConfig
from ...hw.tpu.fetch import COUNT_BITS
from ...sim.tpu.assembler import words_of
from ..bench import Bench, Sink, Source, run
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .control_parts import PARTS


class EndCheck:
    """The end is shown from the cycle after the last instruction was taken on, and not before."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def drive(self) -> dict[str, Any]:
        """No start, and rubbish of one."""
        self._ended = self.sink.done
        return {"i_start": 0, "i_address": 5, "i_count": 1}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """No progress of its own."""
        assert outputs["o_end"] == self._ended
        return False


def beats_of(config: TpuConfig, program: bytes) -> list[int]:
    """The program as beats of memory; what is behind its end in the last one is rubbish."""
    size = config.bus_bytes
    whole = program + bytes([0xEE]) * (-len(program) % size)
    return [int.from_bytes(whole[at : at + size], "little") for at in range(0, len(whole), size)]


async def begin(bench: Bench, config: TpuConfig, rng: random.Random, count: int) -> tuple[dict[str, int], bytes]:
    """Start a random program; returns the request that must come, and the program."""
    program = rng.randbytes(count * INSTRUCTION_BYTES)
    address = rng.getrandbits(config.bus.beat_address_bits)
    idle = {"i_beats_valid": 0, "o_requests_ready": 0, "o_instructions_ready": 1}
    outputs = await bench.cycle(idle | {"i_start": 1, "i_address": address, "i_count": count})
    assert not outputs["o_instructions_valid"] and not outputs["o_requests_valid"]
    return {"address": address, "beats": -(-count * INSTRUCTION_BYTES // config.bus_bytes)}, program


async def fetch(
    bench: Bench, config: TpuConfig, rng: random.Random, count: int, stalls: tuple[float, float, float]
) -> int:
    """Fetch a program and compare it; returns the cycles from the first beat offered to the last instruction taken."""
    request, program = await begin(bench, config, rng, count)
    asked = Sink("o_requests", 1, stalls[0], rng, after_valid=stalls[0] > 0)
    instructions = Sink("o_instructions", count, stalls[2], rng, after_valid=stalls[2] > stalls[1])
    end = EndCheck(instructions)
    await run(bench, [asked, end], lambda: asked.done)
    assert asked.beats == [request]
    beats = Source("i_beats", beats_of(config, program), stalls[1], rng)
    start = bench.cycles
    await run(bench, [asked, beats, instructions, end], lambda: beats.done and instructions.done)
    cycles = bench.cycles - start
    assert instructions.beats == words_of(program)
    for _ in range(3):  # also if a beat holds more
        outputs = await bench.cycle({"i_beats_valid": 0, "o_instructions_ready": rng.getrandbits(1)})
        assert outputs["o_end"] and not outputs["o_instructions_valid"] and not outputs["o_requests_valid"]
    return cycles


@testbench(PARTS["fetch"])
async def programs(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """One after the other, of any length, of none too, whose last beat is full or not; with stalls of each kind."""
    some = numbers(rng)
    per_beat = max(1, config.bus_bytes // INSTRUCTION_BYTES)
    counts = [0, 1, 0, per_beat, per_beat + 1, 2 * per_beat - 1, 9, 8, *(some.randint(0, 20) for _ in range(8))]
    for number, count in enumerate(counts):
        stalls = ((0, 0, 0), (0.5, 0.7, 0), (0.5, 0, 0.7), (0.8, 0.3, 0.4))[number % 4]
        await fetch(bench, config, some, count, stalls)


@testbench(PARTS["fetch"])
async def cycles(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """An instruction or a beat a cycle, whichever are more, and the last instruction in the cycle after its beat."""
    for count in (1, 7, 16):
        beats = -(-count * INSTRUCTION_BYTES // config.bus_bytes)
        assert await fetch(bench, config, numbers(rng), count, (0, 0, 0)) == max(count, beats) + 1


@testbench(PARTS["fetch"])
async def longest(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All beats of the longest program are asked for, in the cycle after the start, until the request is taken."""
    some = numbers(rng)
    for count in ((1 << COUNT_BITS) - 1, (1 << COUNT_BITS - 1) + 1, 0):
        address = some.getrandbits(config.bus.beat_address_bits)
        await bench.cycle({"i_start": 1, "i_address": address, "i_count": count, "o_requests_ready": 0})
        for ready in (0, 1):
            outputs = await bench.cycle({"i_start": 0, "i_address": 0, "i_count": 3, "o_requests_ready": ready})
            beats = -(-count * INSTRUCTION_BYTES // config.bus_bytes)
            assert outputs["o_requests_valid"] and outputs["o_requests_payload"] == {"address": address, "beats": beats}
        assert outputs["o_end"] == (count == 0)
        assert not (await bench.cycle())["o_requests_valid"]


@testbench(PARTS["fetch"])
async def many_left(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """The first instruction of a program of each high bit is given, and isn't the end."""
    some, idle = numbers(rng), {"i_beats_valid": 0, "o_instructions_ready": 0, "o_requests_ready": 1}
    for bit in range(COUNT_BITS):
        await bench.reset()
        program = some.randbytes(INSTRUCTION_BYTES)
        await bench.cycle(idle | {"i_start": 1, "i_address": 0, "i_count": 1 << bit})
        for data in beats_of(config, program):
            assert (await bench.cycle({"i_start": 0, "i_beats_valid": 1, "i_beats_payload": data}))["i_beats_ready"]
        outputs = await bench.cycle({"i_beats_valid": 0})
        assert outputs["o_instructions_valid"] and outputs["o_instructions_payload"] == words_of(program)[0]
        assert not outputs["o_end"]
    await bench.reset()


@testbench(PARTS["fetch"])
async def resets(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Reset at any time leaves nothing behind."""
    some = numbers(rng)
    for _ in range(6):
        _, program = await begin(bench, config, some, 12)
        beats = Source("i_beats", beats_of(config, program), 0.3, some)
        sinks = [Sink("o_requests", 1, 0.5, some), Sink("o_instructions", 12, 0.3, some)]
        stop = bench.cycles + some.randint(1, 20)
        await run(bench, [beats, *sinks, EndCheck(sinks[1])], lambda stop=stop: bench.cycles >= stop)
        await bench.cycle({"i_beats_valid": 0, "o_requests_ready": 0})
        await bench.reset()
        await fetch(bench, config, some, some.randint(0, 9), (0, 0, 0))
