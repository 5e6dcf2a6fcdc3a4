"""Programs that a TPU with a planted fault runs beside its jobs: random, illegal, distant, failing, stopped ones."""

import dataclasses
import itertools
import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ...hw.bus.config import PAGE_BYTES
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.fetch import COUNT_BITS
from ...hw.tpu.isa import ERRORS, decode, encode
from ...hw.tpu.register_map import REGISTERS
from ...sim.tpu.assembler import program_of, words_of
from ...sim.tpu.far_windows import far_program
from ...sim.tpu.golden import SET_ENTRY, Outcome, run
from ...sim.tpu.illegal_programs import ILLEGAL, illegal_program
from ...sim.tpu.random_programs import Scenario, random_program
from ...sim.tpu.rules import Problem
from ...tb.bulk.software import Read, Step, Wait, Write, read_register, write_register, write_some_bytes, wrong_accesses
from ..contract import Image, Trial
from ..jobs import Job
from .program import HOST_PORTS, TpuProgram, map_job

__all__ = ["Again", "Distant", "Failing", "trials"]

RANDOM_PROGRAMS = 32

WHOLE_BUFFERS = 4
"""Programs that write more to the host than a writer holds, so that some of them meet memories that stall."""

MOVED_BITS = 10
"""Of beats before a program that doesn't lie at the beginning of memory."""

MEMORY_BYTES = 1 << 20
"""Room for any of these programs."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Again(TpuProgram):
    """A program that runs twice, so that the first time must leave nothing behind. All of host memory is known.

    Parameters
    ----------
    seed
        Of the bytes around the windows, and of how many they are.
    moved
        The program doesn't lie at the beginning of memory.
    """

    seed: int
    moved: bool = False

    def memories(self) -> dict[str, Image]:
        """All bytes of the host's memory are known, so a stray write is seen."""
        first, second, size = self._places
        before = np.random.default_rng(self.seed).integers(0, 256, size, np.uint8)
        at = self.program_place
        before[at : at + len(self.program)] = np.frombuffer(self.stored, np.uint8)
        after = before.copy()
        for place, old, new in zip((first, second), self.host, self.outcome.host, strict=True):
            before[place : place + len(old)], after[place : place + len(new)] = old, new
        host = Image(before={0: before.tobytes()}, after={0: after.tobytes()}, size=size, origin=self.origin)
        return super().memories() | dict.fromkeys(HOST_PORTS, host)

    @property
    def stored(self) -> bytes:
        """The program as it lies in memory."""
        return self.program

    @property
    def program_place(self) -> int:
        """At any beat of the first pages."""
        return self.config.bus_bytes * random.Random(self.seed).randrange(1 << MOVED_BITS) if self.moved else 0

    def software(self) -> list[Step]:
        """Run it, forget what happened, and count anew; run it again, and look at everything."""
        steps = super().software()
        end = steps.index(Wait("o_interrupt")) + 1
        return [
            *steps[:end],
            *write_register(REGISTERS, "interrupt_pending", done=1, tag=1, error=1),
            Read("nothing_pending", REGISTERS["interrupt_pending"].offset),
            *write_register(REGISTERS, "counter_control", clear=1),
            *write_register(REGISTERS, "control", start=1),
            *steps[end - 1 :],
            *(read_register(REGISTERS, name) for name in ("status", "interrupt_pending")),
            *wrong_accesses(REGISTERS),
            *self._some_bytes[0],
            read_register(REGISTERS, "program"),
        ]

    @cached_property
    def _some_bytes(self) -> tuple[list[Write], int]:
        """What software writes over some bytes of the program's address, and what that is then."""
        return write_some_bytes(REGISTERS, "program", self.origin + self.program_place, random.Random(self.seed))

    @cached_property
    def outcome(self) -> Outcome:
        """What it leaves when it has run twice."""
        first = super().outcome
        return run(self.config, self.program, host=first.host, weights=self.weights)

    @property
    def registers(self) -> dict[str, int]:
        """What software must have read in the end."""
        outcome = self.outcome
        failed = outcome.problem is not None
        pending = {"done": int(not failed), "tag": int(bool(outcome.tags)), "error": int(failed)}
        return {
            "error": outcome.code,
            "error_pc": outcome.pc if failed else 0,
            "tag": outcome.tags[-1] if outcome.tags else 0,
            "status": 0,
            "interrupt_pending": REGISTERS["interrupt_pending"].pack(**pending),
            "nothing_pending": 0,
            "program": self._some_bytes[1],
        }

    @cached_property
    def _places(self) -> tuple[int, int, int]:
        """Beats apart, not pages."""
        beat, some = self.config.bus_bytes, np.random.default_rng(self.seed)
        places, end = [], self.program_place + len(self.program)
        for part in (*self.host, b""):
            places.append((-(-end // beat) + int(some.integers(20))) * beat)
            end = places[-1] + len(part)
        return places[0], places[1], places[2]


PLACES = {"read_host": "host", "write_host": "host", "read_weights": "address", "read_parameters": "address"}
"""By instruction: the field that says where in its area."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Distant(Again):
    """A program whose areas begin far before what they are used for, so that its addresses reach it by wrapping around.

    Parameters
    ----------
    beats
        How far, by the area's register.
    sizes
        Of areas that don't end where they would otherwise.
    """

    beats: Mapping[str, int]
    sizes: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def areas(self) -> dict[str, tuple[int, int]]:
        """They begin earlier, and are larger by as much."""
        beat, memory = self.config.bus_bytes, 1 << self.config.address_bits
        return {
            name: ((place - beat * self.beats[name]) % memory, self.sizes.get(name, size + beat * self.beats[name]))
            for name, (place, size) in super().areas().items()
        }

    @property
    def stored(self) -> bytes:
        """All addresses are larger by as much."""
        words = words_of(self.program)
        for number, word in enumerate(words):
            instruction, values, _ = decode(word)
            if instruction and (field := PLACES.get(instruction.name)):
                area = f"host_{values['window']}" if field == "host" else "weights"
                values[field] += self.beats[area]
                words[number] = encode(instruction.name, **values)
        return program_of(words)


FAILURES = {"program": "bus_fetch", "host_0": "bus_host", "host_1": "bus_host", "weights": "bus_weights"}
"""By the register that says where it is."""

TAGS = 30
"""Instructions in a row that take as little time as can be."""

LAST_BEATS = 0b1010101, 0b0101010
"""Of areas: errors there have each bit of a low address."""

READERS = {"host_0": ["read_host"], "host_1": ["write_host"], "weights": ["read_weights", "read_parameters"]}
"""Instructions that touch it."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Failing(TpuProgram):
    """A program that fails or is stopped, and then runs as if nothing had been.

    Parameters
    ----------
    area
        Register that says first that something is where no memory is; if empty, software stops the program.
    beyond
        Its wrong value.
    reads
        What software reads before it stops the program.
    count
        How many instructions the program is said to have; by default as many as it has.
    """

    area: str
    beyond: int
    reads: int
    count: int = 0

    def software(self) -> list[Step]:
        """Run it in the wrong way, look what happened, and run it in the right way."""
        steps, names = super().software(), ("error", "error_pc", "error_address", "interrupt_pending", "tag")
        end = steps.index(Wait("o_interrupt")) + 1
        wrong, right = steps[:end], steps[: end - 1]
        if self.area:
            wrong[-2:-2] = write_register(REGISTERS, self.area, address=self.beyond)
            wrong[-2:-2] = write_register(REGISTERS, "program_size", instructions=self.count) if self.count else []
        else:
            wait = [read_register(REGISTERS, "status")] * self.reads
            wrong[-1:-1] = [*wait, *write_register(REGISTERS, "control", stop=1)]
        right[-1:-1] = write_register(REGISTERS, "counter_control", clear=1)
        looks = [dataclasses.replace(read_register(REGISTERS, name), name=f"first_{name}") for name in names]
        return [*wrong, *looks, *right, *steps[end - 1 :], read_register(REGISTERS, "interrupt_pending")]

    @property
    def registers(self) -> dict[str, int]:
        """What software must have read in the end."""
        pending, beat = REGISTERS["interrupt_pending"], self.config.bus_bytes
        readers = READERS.get(self.area, ())
        place = next((values for name, values in self._instructions if name in readers), {})
        tags = int(any(self._tags))
        return {
            "first_error": ERRORS[FAILURES.get(self.area, "stopped")][0],
            "first_error_address": self.beyond + beat * place.get("address", place.get("host", 0)),
            "first_interrupt_pending": pending.pack(error=1, tag=tags),
            "error": 0,
            "error_pc": 0,
            "interrupt_pending": pending.pack(done=1, tag=tags),
        }

    def agrees(self, read: Mapping[str, int]) -> bool:
        """Whether the program stopped where it says: the last tag is of an instruction before, the next one is not."""
        return read["first_tag"] == max(self._tags[: read["first_error_pc"]], default=0)

    @cached_property
    def _tags(self) -> list[int]:
        """What each instruction shows; they count up, 0 is nothing."""
        return [values["tag"] if name == "interrupt" else 0 for name, values in self._instructions]

    @cached_property
    def _instructions(self) -> list[tuple[str, dict[str, int]]]:
        """Names and fields."""
        return [(found.name if found else "", values) for found, values, _ in map(decode, words_of(self.program))]


def trials(config: TpuConfig, seed: int) -> Iterator[Trial]:
    """Legal programs, far windows, copies of the whole buffer, one for each error, jobs that fail or are stopped."""
    rng = np.random.default_rng(seed)
    for number in range(RANDOM_PROGRAMS):
        yield _trial(config, random_program(config, 1000 * seed + number), number, origin=_origin(config, rng))
    yield _trial(config, far_program(config, seed), seed, origin=_origin(config, rng))
    for number in range(WHOLE_BUFFERS):
        yield _trial(config, _whole_buffer(config, rng), number, origin=_origin(config, rng))
    for number, error in enumerate(ILLEGAL):
        scenario = illegal_program(config, 1000 * seed + number, error)
        yield _trial(config, scenario, number, origin=_origin(config, rng), moved=True)

    yield from _distant(config, seed)
    yield from _failing(config, np.random.default_rng(seed))


def _origin(config: TpuConfig, rng: np.random.Generator) -> int:
    """A page that all of memory may begin at."""
    return int(rng.integers(((1 << config.address_bits) - MEMORY_BYTES) // PAGE_BYTES)) * PAGE_BYTES


def _whole_buffer(config: TpuConfig, rng: np.random.Generator) -> Scenario:
    """A program that fills the unified buffer from the host, and writes it, or twice as much as a writer holds."""
    granules = min(config.ub_granules, 2 * config.bus.fifo_depth * config.bus_granules)
    everything = {"granules": granules, "ub": 0, "host": 0}
    words = [encode("read_host", **everything), encode("write_host", window=1, **everything), encode("halt")]
    host = [rng.integers(0, 256, granules * GRANULE_BYTES, np.uint8) for _ in range(2)]
    return Scenario(program_of(words), host, np.zeros(0, np.uint8))


def _distant(config: TpuConfig, seed: int) -> Iterator[Trial]:
    """Programs at both ends of distant areas, one that reaches just beyond each, areas of each large size.

    Each bit of distances is 0 in some and 1 in others.
    """
    rng, bits = np.random.default_rng(seed), min(config.bus.beat_address_bits, 32)
    most = (1 << bits) - (1 << 12)  # with room for what lies there
    numbers = {area: int(rng.integers(1 << bits)) for area in ("host_0", "host_1", "weights")}
    distances = [{area: (number ^ flip) % most for area, number in numbers.items()} for flip in (0, (1 << bits) - 1)]
    for number, beats in enumerate(distances * 2):
        scenario = random_program(config, 2000 * seed + number)
        yield _trial(config, scenario, number, beats=beats)
        for area in beats:
            yield _trial(config, _beyond(config, scenario, area), number, beats=beats)
    one = _transfers(config, rng)
    for bit in range(config.address_bits, 64):
        yield _trial(config, one, bit, beats=distances[bit % 2], sizes=dict.fromkeys(numbers, 1 << bit))


def _transfers(config: TpuConfig, rng: np.random.Generator, beat: int = 0) -> Scenario:
    """A program that touches each area once, at its last beat."""
    one, size = {"granules": config.bus_granules, "ub": 0, "host": beat}, (beat + 1) * config.bus_bytes
    words = [
        encode("read_host", **one), encode("write_host", window=1, **one),
        encode("read_weights", tiles=1, rows=1, chunks=1, address=beat),
        encode("matmul", rows=1, repeat=1, pitch=1, swap=1), encode("halt"),
    ]  # fmt: skip
    host = [rng.integers(0, 256, size, np.uint8) for _ in range(2)]
    return Scenario(program_of(words), host, rng.integers(0, 256, size, np.uint8))


def _beyond(config: TpuConfig, scenario: Scenario, area: str) -> Scenario:
    """A program that begins right behind the end of an area."""
    if area == "weights":
        end = scenario.weights.size // config.bus_bytes
        word = encode("read_weights", tiles=1, rows=1, chunks=1, address=end)
    else:
        window = int(area[-1])
        end = scenario.host[window].size // config.bus_bytes
        word = encode("read_host", window=window, granules=config.bus_granules, host=end)
    words = [word, encode("interrupt", tag=0xBAD), encode("halt")]
    return dataclasses.replace(scenario, program=program_of(words), problem=Problem(0, "memory", ""))


def _failing(config: TpuConfig, rng: np.random.Generator) -> Iterator[Trial]:
    """Each area at each address of one bit where no memory is: without this bit, memory would be there.

    Programs there have a length of one bit, too.
    """
    a, b = (rng.integers(-128, 128, shape, np.int8) for shape in ((9, 19), (19, 13)))
    job = map_job(config, Job(name="product", a=a, b=b))
    lowest = max(image.size for image in job.memories().values()).bit_length()
    bits = range(lowest, config.address_bits)
    wrong = [(area, 1 << bit, 0, 0) for bit in bits for area in FAILURES if area != "program"]
    for number in range(max(len(bits), COUNT_BITS)):
        wrong.append(("program", 1 << bits[number % len(bits)], 0, 1 << number % COUNT_BITS))
    parts = {"program": job.program, "host": job.host, "weights": job.weights}
    sets = _parameters(config, rng)
    failing = [(sets, "weights", 1 << bit, 0, 0) for bit in bits] + [(parts, *one) for one in wrong]
    stopped = [(parts, "", 0, reads, 0) for reads in (0, 5, 20)]
    for parts, area, beyond, reads, count in failing + stopped:
        program = Failing(config=config, **parts, area=area, beyond=beyond, reads=reads, count=count)
        yield Trial(program, program.registers, counted=not area)
    for bit, (area, beat) in enumerate(itertools.product(READERS, LAST_BEATS * (len(bits) // len(LAST_BEATS)))):
        one = _transfers(config, rng, beat)
        words = [word for number, word in enumerate(words_of(one.program)) for word in (word, *_tags(TAGS * number))]
        parts = {"program": program_of(words), "host": one.host, "weights": one.weights}
        program = Failing(config=config, **parts, area=area, beyond=1 << bits[bit % len(bits)], reads=0)
        yield Trial(program, program.registers, counted=False, agree=program.agrees)


def _tags(before: int) -> list[int]:
    """Instructions that show the next numbers."""
    return [encode("interrupt", tag=before + number) for number in range(1, TAGS + 1)]


def _parameters(config: TpuConfig, rng: np.random.Generator) -> dict[str, Any]:
    """A program that reads a parameter set before anything else."""
    row = {"granules": config.row_granules}
    one, width = {"rows": 1, "pitch": config.row_granules}, config.matrix.columns
    words = [
        encode("read_parameters", count=1, address=1), encode("read_weights", tiles=1, rows=1, chunks=1),
        encode("read_host", **row), encode("matmul", **one, repeat=1, swap=1, drain=1, a_signed=1, w_signed=1),
        encode("activate", **one, used=config.row_granules, next=1, lo=-128, hi=127),
        encode("write_host", window=1, **row), encode("halt"),
    ]  # fmt: skip
    columns = np.zeros(width, SET_ENTRY)
    columns["bias"], columns["factor"] = rng.integers(-1000, 1000, width), 0.01
    host, tile = (rng.integers(0, 256, size, np.uint8) for size in (config.row_bytes, config.bus_bytes))
    weights = np.concatenate([tile, columns.view(np.uint8)])
    return {"program": program_of(words), "host": (host, np.zeros_like(host)), "weights": weights}


def _trial(
    config: TpuConfig,
    scenario: Scenario,
    seed: int,
    *,
    beats: Mapping[str, int] | None = None,
    sizes: Mapping[str, int] | None = None,
    moved: bool = False,
    origin: int = 0,
) -> Trial:
    parts: dict[str, Any] = {"program": scenario.program, "host": scenario.host, "weights": scenario.weights}
    parts |= {"config": config, "seed": seed, "moved": moved, "origin": origin}
    program = Distant(**parts, beats=beats, sizes=sizes or {}) if beats else Again(**parts)
    return Trial(program, program.registers, counted=scenario.problem is None)
