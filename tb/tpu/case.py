"""A TPU with memories and software of cocotbext-axi."""

import dataclasses
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, INSTRUCTION_BYTES
from ...hw.tpu.isa import ERRORS, SET_REGISTERS, decode, encode
from ...hw.tpu.register_map import CATEGORIES, REGISTERS
from ...sim.tpu.assembler import program_of, words_of
from ...sim.tpu.golden import Outcome, run
from ...sim.tpu.random_programs import Scenario
from ...sim.tpu.rules import planes_of
from ..bus.failing_memory import FailingMemory
from ..bus.peers import Peers
from ..runner import job_data
from ..streams import reset, within
from .whole_parts import TINY

__all__ = ["LONGEST", "SIZE", "Case", "Placed", "begin", "parts_of"]

SIZE = 1 << 14
"""Bytes of each memory."""

LONGEST = 20_000
"""Cycles of a program at most, however unwilling memory is."""


@dataclasses.dataclass(frozen=True)
class Placed:
    """A program with its data in memory.

    Parameters
    ----------
    scenario
        It.
    places
        First byte of ``program``, ``host_0``, ``host_1`` and ``weights``.
    host, weights
        Both memories before the program.
    """

    scenario: Scenario
    places: dict[str, int]
    host: bytes
    weights: bytes

    def after(self, windows: list[np.ndarray]) -> bytes:
        """The host's memory with these windows, and nothing else changed."""
        memory = bytearray(self.host)
        for number, window in enumerate(windows):
            place = self.places[f"host_{number}"]
            memory[place : place + window.size] = window.tobytes()
        return bytes(memory)

    def outcome(self, instructions: int | None = None) -> Outcome:
        """What the program leaves, or only so many of its instructions."""
        end = None if instructions is None else instructions * INSTRUCTION_BYTES
        one = self.scenario
        return run(TINY, one.program[:end], host=one.host, weights=one.weights)


class Case(Peers):
    """The TPU, its memories, and software.

    Attributes
    ----------
    host, weights
        Memories.
    tag
        Of the last interrupt.
    """

    def __init__(self, dut: Any, rng: random.Random, stalls: Mapping[str, float]) -> None:
        self.host, self.weights, self.tag = FailingMemory(SIZE), FailingMemory(SIZE), 0
        memories = {"m_host_read": self.host, "m_host_write": self.host, "m_weights": self.weights}
        super().__init__(dut, REGISTERS, memories, rng, stalls)

    def place(self, scenario: Scenario) -> Placed:
        """Put a program and its data anywhere into memories of random bytes."""
        beat = TINY.bus_bytes
        parts = {"program": scenario.program, "host_0": scenario.host[0], "host_1": scenario.host[1]}
        names, places = self.rng.sample(list(parts), len(parts)), {}
        host, weights = bytearray(self.rng.randbytes(SIZE)), bytearray(self.rng.randbytes(SIZE))
        free = (SIZE - sum(len(part) for part in parts.values())) // beat - len(parts)
        gaps = sorted(self.rng.randrange(free + 1) for _ in names)
        end = 0
        for name, gap in zip(names, gaps, strict=True):
            places[name] = gap * beat + end
            host[places[name] : places[name] + len(parts[name])] = bytes(parts[name])
            end += -(-len(parts[name]) // beat) * beat
        places["weights"] = self.rng.randrange((SIZE - len(scenario.weights)) // beat) * beat
        weights[places["weights"] : places["weights"] + len(scenario.weights)] = scenario.weights.tobytes()
        self.host.mem[:], self.weights.mem[:] = host, weights
        return Placed(scenario, places, bytes(host), bytes(weights))

    async def start(self, placed: Placed, **enable: int) -> None:
        """Make a program known, forget what was, and start; `enable`: interrupts, by default those at the end."""
        scenario, places = placed.scenario, placed.places
        for name in ("host_0", "host_1", "weights", "program"):
            await self.write(name, address=places[name])
        for number, window in enumerate(scenario.host):
            await self.write(f"host_{number}_size", bytes=len(window))
        await self.write("weights_size", bytes=len(scenario.weights))
        await self.write("program_size", instructions=len(scenario.program) // INSTRUCTION_BYTES)
        await self.write("interrupt_pending", done=1, tag=1, error=1)
        await self.write("interrupt_enable", **(enable or {"done": 1, "error": 1}))
        await self.write("counter_control", clear=1)
        await self.write("control", start=1)

    async def run(self, scenario: Scenario) -> dict[str, int]:
        """A program from its start to its end, which is what it should be; returns what was counted."""
        placed = self.place(scenario)
        await within(self.start(placed), LONGEST)
        await within(self.interrupt(), LONGEST)
        return await within(self.check(placed), 10_000)

    async def check(self, placed: Placed) -> dict[str, int]:
        """Whether a program that is over did what it should; returns what was counted."""
        outcome = placed.outcome()
        self.check_memories(placed, outcome.host)
        assert await self.ended() == (outcome.code, outcome.pc if outcome.problem else 0)
        pending = await self.fields("interrupt_pending")
        assert pending == {"done": not outcome.problem, "tag": bool(outcome.tags), "error": bool(outcome.problem)}
        self.tag = outcome.tags[-1] if outcome.tags else self.tag
        assert await self.read("tag") == self.tag
        counts = await self.counts()
        assert sum(counts[name] for name in CATEGORIES) == counts["cycles"]
        if not outcome.problem:
            expected = expected_counts(placed.scenario)
            assert {name: counts[name] for name in expected} == expected
        return counts

    def check_memories(self, placed: Placed, windows: list[np.ndarray]) -> None:
        """Whether memories are what they were, but for the host's windows."""
        assert bytes(self.host.mem) == placed.after(windows)
        assert bytes(self.weights.mem) == placed.weights

    async def ended(self) -> tuple[int, int]:
        """Error code and instruction of a program that is over."""
        assert await self.read("status") == 0
        return await self.read("error"), await self.read("error_pc")

    async def stops(self, code: str) -> int:
        """Wait for the end of a program with this error of no instruction; returns the number of the next one."""
        await within(self.interrupt(), LONGEST)
        assert await within(self.fields("interrupt_pending"), 1000) | {"tag": 0} == {"done": 0, "tag": 0, "error": 1}
        found, pc = await within(self.ended(), 1000)
        assert found == ERRORS[code][0]
        self.tag = await within(self.read("tag"), 1000)
        return pc

    async def check_part(self, placed: Placed, instructions: int) -> None:
        """Whether memory and unified buffer are as these instructions, none of them half a bundle, leave them."""
        outcome = placed.outcome(instructions)
        assert outcome.problem and outcome.problem.error == "end"
        self.check_memories(placed, outcome.host)
        assert self.tag == (outcome.tags[-1] if outcome.tags else self.tag)
        await self.check_buffer(outcome)

    async def check_buffer(self, outcome: Outcome) -> None:
        """Whether the unified buffer is what a program left."""
        if outcome.written.any():
            assert (await self.buffer(outcome.written) == outcome.ub)[outcome.written].all()

    async def buffer(self, written: np.ndarray) -> np.ndarray:
        """The unified buffer from the first to the last byte that was written, by a program that brings it."""
        first, last = np.flatnonzero(written)[[0, -1]] // TINY.bus_bytes * TINY.bus_bytes
        size = int(last - first) + TINY.bus_bytes
        windows = [np.zeros(size, np.uint8), np.zeros(4, np.uint8)]
        fields = {"ub": int(first) // GRANULE_BYTES, "granules": size // GRANULE_BYTES}
        program = program_of([encode("write_host", **fields), encode("halt")])
        placed = self.place(Scenario(program, windows, np.zeros(4, np.uint8)))
        await within(self.start(placed), LONGEST)
        await within(self.interrupt(), LONGEST)
        assert await within(self.ended(), 1000) == (0, 0)
        whole, place = np.zeros(written.size, np.uint8), placed.places["host_0"]
        whole[first : first + size] = np.frombuffer(bytes(self.host.mem)[place : place + size], np.uint8)
        return whole


def parts_of(program: bytes) -> list[tuple[str, dict[str, int]]]:
    """Names and fields of legal instructions."""
    decoded = [decode(word)[:2] for word in words_of(program)]
    return [(instruction.name, values) for instruction, values in decoded if instruction]


def expected_counts(scenario: Scenario) -> dict[str, int]:
    """What a program that halts must have counted, whatever time it took."""
    beats = ("weight_beats", "parameter_beats", "host_in_beats", "host_out_beats")
    counts: dict[str, int] = dict.fromkeys(("active", "instructions", *beats, "result_rows", "vector_rows"), 0)
    size, pitch = TINY.row_granules, 0
    for name, v in parts_of(scenario.program):
        counts["instructions"] += 1
        match name:
            case "set" if v["index"] == SET_REGISTERS["pool_pitch"]:
                pitch = v["value"]
            case "matmul" | "convolve":
                counts["active"] += v["rows"] * v["repeat"]
            case "activate":
                counts["result_rows"] += v["rows"] * planes_of(v)
            case "pool":
                starts = [v["dst"] + number * pitch for number in range(v["rows"])]
                counts["vector_rows"] += sum((at + v["width"] - 1) // size - at // size + 1 for at in starts)
            case "vector":
                counts["vector_rows"] += v["rows"]
            case "read_weights":
                counts["weight_beats"] += v["tiles"] * v["rows"] * v["chunks"]
            case "read_parameters":
                counts["parameter_beats"] += v["count"] * TINY.set_beats
            case "read_host":
                counts["host_in_beats"] += -(-v["granules"] // TINY.bus_granules)
            case "write_host":
                counts["host_out_beats"] += -(-v["granules"] // TINY.bus_granules)
    return counts


async def begin(dut: Any, name: str, stalls: Mapping[str, float]) -> Case:
    """Reset, memories, software."""
    case = Case(dut, random.Random(f"{name} {job_data()['seed']}"), stalls)
    await reset(dut, job_data()["manifest"])
    return case
