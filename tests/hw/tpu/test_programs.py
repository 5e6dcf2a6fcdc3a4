"""Random programs in bulk simulation, against the interpreter."""

import dataclasses
import random

import numpy as np
import pytest

from tensorloom.hw.tpu.config import GRANULE_BYTES, INSTRUCTION_BYTES, TpuConfig
from tensorloom.hw.tpu.isa import ERRORS
from tensorloom.hw.tpu.register_map import CATEGORIES, REGISTERS
from tensorloom.run.driving import drive
from tensorloom.run.tpu.program import TpuProgram
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.illegal_programs import ILLEGAL, illegal_program
from tensorloom.sim.tpu.random_programs import Scenario, random_program
from tensorloom.tb.bulk.model import Model, build
from tensorloom.tb.bulk.software import Step, Wait, read_register, write_register
from tensorloom.tb.tpu.case import parts_of
from tensorloom.tb.tpu.whole_parts import CONFIGS

from ...designs import emitted


@pytest.fixture(scope="module", params=["tiny", pytest.param("narrow", marks=pytest.mark.slow)])
def machine(request):
    """A configuration, and it compiled."""
    config = CONFIGS[request.param]
    return config, build(emitted("tpu", config))


def check(machine: tuple[TpuConfig, Model], scenario: Scenario, seed: int) -> None:
    """Memory, error, tag and counters after a program, with a fast memory and with one that pauses and takes long."""
    config, model = machine
    program = TpuProgram(config=config, program=scenario.program, host=scenario.host, weights=scenario.weights)
    outcome = program.outcome
    assert outcome.problem == scenario.problem
    for stall, latency in ((0.0, 1), (0.3, 1 + seed % 40)):
        driven = drive(model, program, stall=stall, seed=seed, timing=MemoryTiming(latency=latency))
        assert driven.wrong_bytes == 0, (seed, stall)
        counts = driven.result.counters
        assert (counts["error"], counts["error_pc"]) == (outcome.code, outcome.pc if outcome.problem else 0)
        assert counts["tag"] == (outcome.tags[-1] if outcome.tags else 0)
        assert sum(counts[f"count_{name}"] for name in CATEGORIES) == counts["count_cycles"]


@pytest.mark.parametrize("programs", [30, pytest.param(400, marks=pytest.mark.slow)])
def test_random_programs(machine, seed, programs):
    for number in range(programs):
        check(machine, random_program(machine[0], seed + number), seed + number)


@pytest.mark.parametrize("error", ILLEGAL)
def test_illegal_programs(machine, seed, error):
    for number in range(5):
        check(machine, illegal_program(machine[0], seed + number, error), seed + number)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Stopped(TpuProgram):
    """A program that software stops; then its end alone is run, which brings the rows that it works on.

    Parameters
    ----------
    reads, writes
        Accesses to registers between start and stop.
    """

    reads: int
    writes: int

    @property
    def end(self) -> int:
        """The last ``write_host``."""
        return max(pc for pc, (name, _) in enumerate(parts_of(self.program)) if name == "write_host")

    def software(self) -> list[Step]:
        steps = super().software()
        left = len(self.program) // INSTRUCTION_BYTES - self.end
        return [
            *steps[: steps.index(Wait("o_interrupt"))],
            *[read_register(REGISTERS, "tag")] * self.reads,
            *write_register(REGISTERS, "interrupt_enable", done=1, error=1) * self.writes,
            *write_register(REGISTERS, "control", stop=1),
            Wait("o_interrupt"),
            *(read_register(REGISTERS, name) for name in ("error", "error_pc")),
            *write_register(REGISTERS, "program", address=self.end * INSTRUCTION_BYTES),
            *write_register(REGISTERS, "program_size", instructions=left),
            *write_register(REGISTERS, "interrupt_pending", done=1, error=1),
            *write_register(REGISTERS, "control", start=1),
            Wait("o_interrupt"),
        ]

    def check(self, model: Model, seed: int) -> int:
        """Whether whole instructions were done, and nothing of the others; returns how many."""
        driven = drive(model, self, seed=seed, timing=MemoryTiming(latency=1 + seed % 7))
        found = [np.frombuffer(window, np.uint8) for window in self.contents(driven.outputs).values()]
        code, pc = (driven.result.counters[name] for name in ("error", "error_pc"))
        assert code in (0, ERRORS["stopped"][0])
        pc = pc if code else self.end
        done = run(self.config, self.program[: pc * INSTRUCTION_BYTES], host=self.host, weights=self.weights)
        assert done.problem and done.problem.error == "end", "half a bundle"
        v = parts_of(self.program)[self.end][1]
        rows = slice(v["ub"] * GRANULE_BYTES, (v["ub"] + v["granules"]) * GRANULE_BYTES)
        place = v["host"] * self.config.bus_bytes
        brought = done.host[1][place : place + rows.stop - rows.start]
        brought[:] = np.where(done.written[rows], done.ub[rows], found[1][place : place + brought.size])
        assert all((left == right).all() for left, right in zip(found, done.host, strict=True))
        return pc


def test_stops(machine, seed):
    config, model = machine
    rng, stopped = random.Random(seed), set()
    for begin in range(10):
        scenario = random_program(config, seed + begin, instructions=10)
        parts = {"program": scenario.program, "host": scenario.host, "weights": scenario.weights}
        for number in range(15):
            program = Stopped(config=config, **parts, reads=rng.randrange(40), writes=rng.randrange(80))
            stopped.add((begin, program.check(model, number)))
    assert len(stopped) > 40
