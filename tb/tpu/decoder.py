"""Testbench of the decoder: programs legal and illegal, in each cycle what it must show."""

import random
from itertools import chain
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, QUEUES, TpuConfig
from ...hw.tpu.isa import INSTRUCTION_BITS, encode
from ...sim.tpu.assembler import disassemble, program_of, words_of
from ...sim.tpu.illegal_programs import ILLEGAL, illegal_program
from ...sim.tpu.random_programs import random_program
from ...sim.tpu.rules import Room
from ..bench import Bench
from ..bus.transfers import numbers
from ..cocotb_bench import testbench
from .control_parts import PARTS
from .decoder_steps import Memory, Sent, Step, steps_of
from .edge_programs import edge_programs, reserved_programs
from .extreme_programs import extreme_program
from .reach_programs import reach_programs
from .supply_programs import supply_programs, supply_room
from .window_edges import window_edges

UNITS = list(QUEUES)
JUDGE = 4
"""Cycles after an instruction was taken in which it leaves, if nothing keeps it."""


class Player:
    """Runs programs on the decoder and compares all outputs in each cycle.

    Parameters
    ----------
    stall
        Probability that no new instruction is offered in a cycle, that a queue makes no room, and that units that are
        busy stay so.

    Attributes
    ----------
    slow
        A unit whose queue is full mostly.
    waits
        Cycles in which an instruction waited for room in a queue.
    """

    def __init__(self, bench: Bench, config: TpuConfig, rng: random.Random, stall: float) -> None:
        self.bench, self.config, self.rng, self.stall = bench, config, rng, stall
        self.room = {unit: QUEUES[unit] for unit in UNITS}
        self.busy, self.interrupt = 0, False
        self.slow = ""
        self.tag = 0
        self.cycles = self.waits = 0

    async def cycle(self, inputs: dict[str, Any], wanted: dict[str, Any]) -> None:
        """A cycle in which everything that isn't said is 0."""
        ready = {f"o_{unit}_ready": int(self.room[unit] > 0) for unit in UNITS}
        fixed = {"i_start": 0, "i_stop": 0, "i_end": 0, "i_busy": self.busy, "i_instructions_valid": 0}
        outputs = await self.bench.cycle(fixed | ready | inputs)
        quiet = {f"o_{unit}_valid": 0 for unit in UNITS} | dict.fromkeys(("o_halt", "o_error", "o_dispatch"), 0)
        quiet |= {"i_instructions_ready": 0, "o_interrupt": int(self.interrupt), "o_tag": self.tag}
        for name, value in (quiet | wanted).items():
            found = outputs[name]
            if isinstance(value, dict):
                found = {key: found[key] for key in value}
            assert found == value, f"{name} must be {value} in cycle {self.bench.cycles}, not {found}"
        self.interrupt = False
        self.cycles += 1
        for unit in UNITS:
            self.room[unit] -= wanted.get(f"o_{unit}_valid", 0) and ready[f"o_{unit}_ready"]
            makes_room = self.rng.random() >= (0.98 if unit == self.slow else self.stall)
            self.room[unit] += self.room[unit] < QUEUES[unit] and makes_room
        if self.rng.random() >= self.stall:
            self.busy = self.rng.getrandbits(len(UNITS)) if self.rng.random() < self.stall else 0

    async def play(self, words: list[int], memory: Memory, stop: int | None = None) -> Step | None:
        """Run a program to its end, or until it is stopped in this cycle; returns the step that ended it.

        A reset comes before it, which forgets all of the program before.
        """
        steps = steps_of(self.config, memory, words)
        await self.bench.reset()
        self.tag = 0
        await self.cycle({"i_start": 1} | memory.inputs(), {})
        start = self.cycles
        for pc, step in enumerate(steps):
            offered, age = False, 0
            held = pc > 0 and steps[pc - 1].name in ("matmul", "convolve") and not steps[pc - 1].sends  # it drains
            while age is not None:
                stops = stop is not None and self.cycles - start >= stop
                inputs: dict[str, Any] = {"i_stop": int(stops)}
                wanted: dict[str, Any] = {"o_pc": pc - held}
                if age == 0:  # not taken
                    offered = pc < len(words) and (offered or self.rng.random() >= self.stall)
                    inputs |= {"i_instructions_valid": int(offered), "i_end": int(pc == len(words))}
                    word = words[pc] if offered else self.rng.getrandbits(INSTRUCTION_BITS)
                    inputs["i_instructions_payload"] = word
                    ended = pc == len(words) and not stops
                    wanted["i_instructions_ready"] = int(not stops)
                    age = None if ended or stops else int(offered)
                    wanted |= self._failure(step) if ended else {}
                elif age < JUDGE:
                    age += 1
                elif stops:
                    age = None
                else:
                    age = self._judge(step, wanted)
                await self.cycle(inputs, wanted)
                if step.sends[1:] and age is None and not stops:
                    wanted = self._sent(step.sends[1]) | {"o_pc": pc + 1, "o_dispatch": 1}  # whatever happens
                    await self.cycle({"i_stop": self.rng.getrandbits(1) & (stop is not None)}, wanted)
                if stops:
                    await self.rest({"i_stop": 1})
                    return None
            if step.tag is not None:
                self.interrupt, self.tag = True, step.tag
        await self.rest({"i_instructions_valid": 1, "i_instructions_payload": encode("nop")})
        return steps[-1]

    async def rest(self, inputs: dict[str, Any]) -> None:
        """Nothing happens any more."""
        for _ in range(JUDGE + 2):
            await self.cycle(inputs, {})

    def _failure(self, step: Step) -> dict[str, int]:
        assert step.problem
        return {"o_error": 1, "o_code": step.problem.code, "o_pc": step.problem.pc}

    def _sent(self, sent: Sent) -> dict[str, Any]:
        shape = self.bench.outputs[f"o_{sent.unit}_payload"]["fields"]
        payload = {name: sent.payload[name] for name in shape if name not in sent.unused}
        touched = {name: rows for name, rows in (("o_rows", sent.rows), ("o_reads", sent.reads)) if rows is not None}
        return {f"o_{sent.unit}_valid": 1, f"o_{sent.unit}_payload": payload} | touched

    def _judge(self, step: Step, wanted: dict[str, Any]) -> int | None:
        """Add what is shown of an instruction that may leave, to `wanted`; None if it does."""
        if step.problem:
            wanted |= self._failure(step)
            return None
        if step.name == "halt":
            wanted |= dict.fromkeys(("o_halt", "o_dispatch"), int(not self.busy))
            return JUDGE if self.busy else None
        if step.units & self.busy:
            return JUDGE
        leaves = 1
        if step.sends:
            first, *second = step.sends
            self.waits += not all(self.room[sent.unit] for sent in step.sends)
            if second and not self.room[second[0].unit]:
                return JUDGE
            wanted |= self._sent(first)
            leaves = int(self.room[first.unit] > 0)
        wanted["o_dispatch"] = int(leaves and len(step.sends) < 2)
        return None if leaves else JUDGE


def anywhere(config: TpuConfig, rng: random.Random, room: Room) -> Memory:
    """Memory at any place."""
    most = config.bus.beat_address_bits
    return Memory((rng.getrandbits(most), rng.getrandbits(most)), rng.getrandbits(most), room)


def any_room(config: TpuConfig, rng: random.Random) -> Room:
    """Windows of any size, up to the largest, of which the last beat may be a part."""
    sizes = [rng.getrandbits(rng.randint(12, config.address_bits)) & -GRANULE_BYTES for _ in range(3)]
    least = config.bus_bytes * config.set_beats
    return Room((max(sizes[0], least), max(sizes[1], GRANULE_BYTES)), max(sizes[2], least))


@testbench(PARTS["decoder"])
async def every_error(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Programs with each illegal instruction, behind legal ones; each begins afresh, whatever the one before did."""
    some = numbers(rng)
    for number, error in enumerate(name for name in ILLEGAL if name != "stopped"):
        scenario = illegal_program(config, some.getrandbits(32), error, instructions=5)
        room = Room((scenario.host[0].size, scenario.host[1].size), scenario.weights.size)
        player = Player(bench, config, some, (0, 0.3, 0.8)[number % 3])
        last = await player.play(words_of(scenario.program), anywhere(config, some, room))
        assert last and last.problem and last.problem == scenario.problem and last.problem.error == error


@testbench(PARTS["decoder"])
async def edges(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """What is just legal, and what is just not."""
    some = numbers(rng)
    player, beat = Player(bench, config, some, 0.1), config.bus_bytes
    enough = beat * max(config.set_beats * (config.parameter_sets + 1), config.matrix.rows * config.row_chunks)
    room = Room((5 * beat, 5 * beat + max(beat - GRANULE_BYTES, GRANULE_BYTES)), enough + beat // 2 & -GRANULE_BYTES)
    for words, error in chain(edge_programs(config, room), window_edges(config)):
        last = await player.play(words, anywhere(config, some, room))
        assert last and (last.problem.error if last.problem else "") == error, f"{disassemble(program_of(words))}"


@testbench(PARTS["decoder"])
async def reserved_bits(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Each bit that an instruction doesn't have makes it illegal."""
    some = numbers(rng)
    player, memory = Player(bench, config, some, 0), anywhere(config, some, Room((0, 0), 0))
    for words in reserved_programs(some):
        last = await player.play(words, memory)
        assert last and last.problem and last.problem.error == "reserved"


@testbench(PARTS["decoder"])
async def reaches(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """What just fits into the unified buffer, accumulators and memories, and what just doesn't."""
    some = numbers(rng)
    player, found = Player(bench, config, some, 0), set[str]()
    for words, room in reach_programs(config, some):
        last = await player.play(words, anywhere(config, some, room))
        assert last and last.problem
        found.add(last.problem.error)
    assert found > {"end", "buffer", "accumulators", "overlap", "memory", "value"}


@testbench(PARTS["decoder"])
async def supplies(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Weight tiles are counted right, however many there are."""
    some = numbers(rng)
    player, found = Player(bench, config, some, 0), set[str]()
    for words in supply_programs(config, some):
        last = await player.play(words, anywhere(config, some, supply_room(config)))
        assert last
        found.add(last.problem.error if last.problem else "")
    assert found == {"", "end", "leftover", "prefetch", "no_tile"}


@testbench(PARTS["decoder"])
async def legal_programs(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Programs that halt: one as fast as can be, one that waits for queues and units."""
    some = numbers(rng)
    for stall in (0, 0.7):
        scenario = random_program(config, some.getrandbits(32), instructions=30)
        room = Room((scenario.host[0].size, scenario.host[1].size), scenario.weights.size)
        player = Player(bench, config, some, stall)
        last = await player.play(words_of(scenario.program), anywhere(config, some, room))
        assert last and last.name == "halt"


@testbench(PARTS["decoder"])
async def full_queues(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Instructions wait for room in their queue, the two of a bundle for room in both, and then go together."""
    some = numbers(rng)
    beat, least = config.bus_bytes, config.matrix.columns * 8
    memory = anywhere(config, some, Room((beat, beat), max(beat, least)))
    tile, use = encode("read_weights", tiles=1, rows=1, chunks=1), {"rows": 1, "repeat": 1, "pitch": 1, "swap": 1}
    bundle = [encode("matmul", drain=1, **use), encode("activate", kind=2, rows=1, pitch=1, used=1)]
    programs = {
        "host_in": [encode("read_host", granules=1)],
        "host_out": [encode("write_host", granules=1)],
        "weights": [tile, encode("matmul", **use)],
        "matrix": [tile, *bundle],
        "activation": [tile, *bundle],
        "vector": [encode("vector", rows=1, dst=2 * config.row_granules)],
    }
    for unit, words in programs.items():
        player = Player(bench, config, some, 0.3)
        player.slow, player.room[unit] = unit, 1
        await player.play(words * 6, memory)
        assert player.waits > 3, f"the queue of {unit} was never full"


@testbench(PARTS["decoder"])
async def extreme_programs(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Instructions that reach as far as they may, or further; some programs are stopped at any time."""
    some = numbers(rng)
    player = Player(bench, config, some, 0.3)
    for number in range(24):
        room = any_room(config, some)
        stop = some.randint(1, 60) if number % 3 == 2 else None
        await player.play(extreme_program(config, some, room), anywhere(config, some, room), stop)
