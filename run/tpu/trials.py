"""Programs that a TPU with a planted fault runs beside its jobs: random, illegal, failing and stopped ones."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import ERRORS, decode
from ...hw.tpu.register_map import REGISTERS
from ...sim.tpu.assembler import words_of
from ...sim.tpu.golden import Outcome, run
from ...sim.tpu.illegal_programs import ILLEGAL, illegal_program
from ...sim.tpu.random_programs import Scenario, random_program
from ...tb.bulk.software import Read, Step, Wait, read_register, write_register
from ..contract import Image, Trial
from ..jobs import Job
from .program import HOST_PORTS, TpuProgram, map_job

__all__ = ["Again", "Failing", "trials"]

RANDOM_PROGRAMS = 32


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Again(TpuProgram):
    """A program that runs twice, so that the first time must leave nothing behind. All of host memory is known.

    Parameters
    ----------
    seed
        Of the bytes around the windows, and of how many they are.
    """

    seed: int

    def memories(self) -> dict[str, Image]:
        """All bytes of the host's memory are known, so a stray write is seen."""
        first, second, size = self._places
        before = np.random.default_rng(self.seed).integers(0, 256, size, np.uint8)
        before[: len(self.program)] = np.frombuffer(self.program, np.uint8)
        after = before.copy()
        for place, old, new in zip((first, second), self.host, self.outcome.host, strict=True):
            before[place : place + len(old)], after[place : place + len(new)] = old, new
        host = Image(before={0: before.tobytes()}, after={0: after.tobytes()}, size=size)
        return super().memories() | dict.fromkeys(HOST_PORTS, host)

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
        ]

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
        }

    @cached_property
    def _places(self) -> tuple[int, int, int]:
        """Beats apart, not pages."""
        beat, some = self.config.bus_bytes, np.random.default_rng(self.seed)
        places, end = [], len(self.program)
        for part in (*self.host, b""):
            places.append((-(-end // beat) + int(some.integers(20))) * beat)
            end = places[-1] + len(part)
        return places[0], places[1], places[2]


FAILURES = {"program": "bus_fetch", "host_0": "bus_host", "host_1": "bus_host", "weights": "bus_weights"}
"""By the register that says where it is."""

READERS = {"host_0": "read_host", "host_1": "write_host", "weights": "read_weights"}
"""Instructions of a job that touch it."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Failing(TpuProgram):
    """A job's program that fails or is stopped, and then runs as if nothing had been.

    Parameters
    ----------
    area
        Register that says first that something is where no memory is; if empty, software stops the program.
    beyond
        Its wrong value.
    reads
        What software reads before it stops the program.
    """

    area: str
    beyond: int
    reads: int

    def software(self) -> list[Step]:
        """Run it in the wrong way, look what happened, and run it in the right way."""
        steps, names = super().software(), ("error", "error_address", "interrupt_pending")
        end = steps.index(Wait("o_interrupt")) + 1
        wrong, right = steps[:end], steps[: end - 1]
        if self.area:
            wrong[-2:-2] = write_register(REGISTERS, self.area, address=self.beyond)
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
        words, reader = map(decode, words_of(self.program)), READERS.get(self.area)
        place = next((values for found, values, _ in words if found and found.name == reader), {})
        return {
            "first_error": ERRORS[FAILURES.get(self.area, "stopped")][0],
            "first_error_address": self.beyond + beat * place.get("address", place.get("host", 0)),
            "first_interrupt_pending": pending.pack(error=1),
            "error": 0,
            "error_pc": 0,
            "interrupt_pending": pending.pack(done=1),
        }


def trials(config: TpuConfig, seed: int) -> Iterator[Trial]:
    """Legal programs, one for each error that a program makes, and jobs that fail in each way or are stopped."""
    for number in range(RANDOM_PROGRAMS):
        yield _trial(config, random_program(config, 1000 * seed + number), number)
    for number, error in enumerate(ILLEGAL):
        yield _trial(config, illegal_program(config, 1000 * seed + number, error), number)

    yield from _failing(config, np.random.default_rng(seed))


def _failing(config: TpuConfig, rng: np.random.Generator) -> Iterator[Trial]:
    """Each area at each address of one bit where no memory is: without this bit, memory would be there."""
    a, b = (rng.integers(-128, 128, shape, np.int8) for shape in ((9, 19), (19, 13)))
    job = map_job(config, Job(name="product", a=a, b=b))
    lowest = max(image.size for image in job.memories().values()).bit_length()
    wrong = [(area, 1 << bit, 0) for bit in range(lowest, config.address_bits) for area in FAILURES]
    for area, beyond, reads in [*wrong, *(("", 0, reads) for reads in (0, 5, 20))]:
        parts = {"program": job.program, "host": job.host, "weights": job.weights}
        program = Failing(config=config, **parts, area=area, beyond=beyond, reads=reads)
        yield Trial(program, program.registers, counted=not area)


def _trial(config: TpuConfig, scenario: Scenario, seed: int) -> Trial:
    program = Again(config=config, program=scenario.program, host=scenario.host, weights=scenario.weights, seed=seed)
    return Trial(program, program.registers, counted=scenario.problem is None)
