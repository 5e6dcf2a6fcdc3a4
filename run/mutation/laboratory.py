"""The checks that faults are to be noticed by: programs, testbenches, counters near their end, proofs, equivalence."""

import contextlib
import dataclasses
import itertools
import json
import random
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ...hw.config import ConfigError
from ...sim.memory_timing import MemoryTiming
from ...tb.block_benches import BlockBench, block_benches
from ...tb.bulk.job import Result, SimulationError
from ...tb.bulk.memory import Memory
from ...tb.bulk.model import Model, build
from ...tb.bulk.software import Write, write_register
from ...tb.compiled_bench import run_compiled
from ...tb.counters import with_counters_at
from ...tb.formal import Proof
from ...tb.mutation.equivalence import equivalent
from ...tb.mutation.mutants import SELECT, Mutants
from ...tb.mutation.proofs import block_proofs, is_proven
from ..contract import Trial
from ..memories import make_memories, wrong_bytes
from ..random_jobs import random_job
from ..registry import Design

__all__ = ["Laboratory"]

RANDOM_JOBS, BENCH_SEEDS = 24, 3
"""Random jobs, and seeds of each testbench of a fault's own block; those of blocks around it run once."""

LATENCIES = 1, 4, 20
"""Of memories."""

FLAGS = ("-fno-dfg",)
"""Of Verilator 5.48, whose graphs of data flow give wrong values where bits of a vector are made from others of it.

Netlists with faults have such vectors: `residual_add` was wrong with no fault chosen, where a fault in a bit of its
rounder's output depended on another one.
"""

WATCHDOG, IDLE_CYCLES = 3000, 20
"""Cycles without a transfer after which a program hangs, and after its end in which nothing may come."""

TIMES_LONGER = 10
"""How many times as long as on the design itself a program may take, and `WATCHDOG` more, until it hangs.

Some faults make a design read or write for ever: without such a limit they would take nearly all of the time.
"""


class _Inverse(random.Random):
    """The same numbers with each bit inverted."""

    def getrandbits(self, k: int, /) -> int:
        return super().getrandbits(k) ^ (1 << k) - 1


COUNTER_STARTS = (lambda bits: (1 << bits) - 5, lambda bits: random.Random(1), lambda bits: _Inverse(1))
"""From where counters of so many bits count: they carry through all; each begins elsewhere, each high bit 0 and 1."""

COUNTER_KINDS = (*itertools.product((32, 64), ("", r"^[a-z\\]")), (64, r"_count$"))
"""Widths of counters, and patterns of their names: first all, then those with public names, then a register file's."""

PC = 32, r"^pc$"
"""Width and name of what counts a program's instructions: results never depend on it."""


@dataclasses.dataclass(frozen=True)
class _Program:
    """A job on the design's ports, or a trial, which is played many times, and what it must give.

    Attributes
    ----------
    trial
        What says what software must have read; None for a job, which must leave no complaint.
    predicted
        Counters, if the cycle model knows them.
    limit
        Cycles within which it must end; 0 if it fails on the design itself.
    """

    program: Any
    wraps: bool
    inputs: Any
    outputs: Any
    images: Any
    software: Any
    timing: MemoryTiming
    seed: int
    after_valid: bool
    expected: np.ndarray
    trial: Trial | None
    predicted: Any
    limit: int | None = None


class Laboratory:
    """Runs checks on mutants, in one process.

    Simulations and programs are made when they are first needed, so that only the design has to be sent.
    """

    def __init__(self, design: Design, mutants: Mutants, seed: int) -> None:
        self.design, self.mutants, self.seed = design, mutants, seed
        self._models: dict[str, Model] = {}
        self._counting: dict[int, tuple[Model, Any] | None] = {}
        self._kinds = list(COUNTER_KINDS)  # those that aren't known to make results wrong
        self._limits: dict[tuple[str, str, int], int | None] = {}
        self._proofs: dict[str, dict[str, list[Proof]]] = {}

    def model(self, block: str, progress: Callable[[str], None] | None = None) -> Model:
        """Simulation of a block with all the mutants in it."""
        if block not in self._models:
            self._models[block] = build(self.mutants.sources(block), assertions=True, flags=FLAGS, progress=progress)
        return self._models[block]

    @cached_property
    def programs(self) -> list[_Program]:
        """Random jobs and trials.

        Of every second one streams and memories stall, for every third the outputs wait for valid; latencies differ.
        """
        engine, config, made = self.design.engine, self.design.config, []

        def add(number: int, program: Any, expected: np.ndarray, trial: Trial | None, *, wraps: bool) -> None:
            seed, stalls = self.seed + number, (0.0, 0.3, 0.0, 0.8)[number % 4]
            timing = MemoryTiming(latency=LATENCIES[number % len(LATENCIES)], stalls=stalls, seed=seed)
            after_valid = seed % 3 == 0
            counted = not stalls and not after_valid and (trial is None or trial.counted)
            predicted = engine.predict(config, program, timing) if counted else None
            ports = program.inputs(), program.outputs(), program.memories(), program.software()
            made.append(_Program(program, wraps, *ports, timing, seed, after_valid, expected, trial, predicted))

        for number in range(RANDOM_JOBS):
            job = random_job(np.random.default_rng([self.seed, number]), engine, config)
            for wraps in (False, True):  # sums that don't fit may wrap; what an engine doesn't take is left out
                with contextlib.suppress(ConfigError):
                    program = engine.map(config, job := dataclasses.replace(job, wraps=wraps))
                    add(number, program, engine.expected(config, job), None, wraps=wraps)
                    break
        for number, trial in enumerate(engine.trials(config, self.seed)):
            add(number, trial.program, trial.program.golden(), trial, wraps=False)
        return [dataclasses.replace(program, limit=self._program_limit(program)) for program in made]

    def _program_limit(self, program: _Program) -> int:
        model = self.model(self.mutants.top)
        model.hold(SELECT, 0)
        try:
            result, _ = _run(model, program, after_valid=program.after_valid)
        except SimulationError:
            return 0
        return TIMES_LONGER * result.cycles + WATCHDOG

    def passes_programs(self, number: int) -> bool:
        """Whether the programs notice nothing of a mutant."""
        model, programs = self.model(self.mutants.top), self.programs
        model.hold(SELECT, number)
        return all(self._passes(model, program) for program in programs)

    def _passes(self, model: Model, program: _Program) -> bool:
        engine = self.design.engine
        try:
            result, memories = _run(model, program, after_valid=program.after_valid, idle_cycles=IDLE_CYCLES)
        except SimulationError:
            return False
        if program.trial is None:
            if engine.complaint(result.counters, wraps=program.wraps):
                return False
        elif any(result.counters[name] != value for name, value in program.trial.registers.items()):
            return False
        elif not program.trial.agree(result.counters):
            return False
        try:
            right = _right(program, result, memories)
        except (IndexError, ValueError):  # a sum for a place that isn't there
            return False
        counted = program.predicted is None or not engine.read_counters(result.counters).differences(program.predicted)
        return right and counted

    @cached_property
    def benches(self) -> dict[str, dict[str, BlockBench]]:
        """Testbenches by block and name."""
        return block_benches(self.design.engine.package, self.mutants.blocks.values())

    def holds(self, block: str, name: str, number: int) -> bool:
        """Whether a testbench passes on the design itself (number 0) with a seed that it can use."""
        return any(self._bench_passes(block, name, number, seed) for seed in self._seeds(block, name, 1))

    def passes_counters(self, number: int) -> bool:
        """Whether counters that begin near their end, or somewhere, end as those of the design itself.

        What programs reach otherwise is a few low bits. Such counters say what they should if results are right:
        that is known of the others.
        """
        for place in range(len(COUNTER_STARTS)):
            if place not in self._counting:
                self._counting[place] = self._count_from(place)
            if (found := self._counting[place]) and self._ends(found[0], number) != found[1]:
                return False
        return True

    def _count_from(self, place: int) -> tuple[Model, Any] | None:
        """The design with counters that begin elsewhere, and how they end; None if it has none.

        Other registers may be as wide as counters. If results are wrong then, those of the next kind are moved.
        """
        for kind in self._kinds[:]:
            bits, names = kind
            start = COUNTER_STARTS[place](bits)
            try:
                sources = with_counters_at(self.mutants.sources(self.mutants.top), start, bits=bits, names=names)
            except ValueError:
                self._kinds.remove(kind)
                continue
            with contextlib.suppress(ValueError):  # most designs have none, or it was moved already
                sources = with_counters_at(sources, COUNTER_STARTS[place](PC[0]), bits=PC[0], names=PC[1])
            model = build(sources, assertions=True, flags=FLAGS)
            ends = self._ends(model, 0)
            if ends[0]:
                return model, ends
            self._kinds.remove(kind)
        return None

    @cached_property
    def _clears(self) -> list[Write]:
        """What software does to count from 0 on."""
        registers = self.design.engine.registers(self.design.config)
        return write_register(registers, "counter_control", clear=1) if registers and registers.counters else []

    def _ends(self, model: Model, number: int) -> tuple[bool, list[str]]:
        """Whether the results of some programs are right, and all outputs outside streams after each."""
        model.hold(SELECT, number)
        right, ends = True, []
        for program in (*self.programs[:3], self.programs[-1]):  # engines' last trials are those that go wrong
            software = [step for step in program.software if step not in self._clears]
            try:
                result, memories = _run(model, dataclasses.replace(program, software=software))
                right = right and _right(program, result, memories)
            except (SimulationError, IndexError, ValueError):
                return False, ends
            ends.append(json.dumps(result.counters, default=lambda value: value.tolist()))
        return right, ends

    def passes_bench(self, block: str, name: str, number: int) -> bool:
        """Whether a testbench of a block notices nothing of a mutant."""
        runs = BENCH_SEEDS if self.mutants.mutants[number].block == block else 1
        return all(self._bench_passes(block, name, number, seed) for seed in self._seeds(block, name, runs))

    def _seeds(self, block: str, name: str, count: int) -> Iterator[int]:
        """The first seeds with which a testbench holds on the design itself."""
        holding = (seed for seed in range(BENCH_SEEDS) if self._limit(block, name, seed) is not None)
        return itertools.islice(holding, count)

    def proofs(self, block: str) -> dict[str, list[Proof]]:
        """Proofs that are about a block in this configuration, by kind."""
        if block not in self._proofs:
            engine = self.design.engine
            self._proofs[block] = block_proofs(engine.package, self.mutants, block, engine.config_class)
        return self._proofs[block]

    def proof_holds(self, block: str, kind: str, number: int) -> bool:
        """Whether proofs succeed on the design itself (number 0) within their time."""
        return is_proven(self.mutants, block, self.proofs(block)[kind], None) is True

    def passes_proof(self, block: str, kind: str, number: int) -> bool:
        """Whether proofs of a block notice nothing of a mutant; one that doesn't end notices nothing."""
        return is_proven(self.mutants, block, self.proofs(block)[kind], self.mutants.mutants[number]) is not False

    def differs_inside(self, number: int) -> bool:
        """Whether a mutant isn't proven to be equivalent in its block."""
        mutant = self.mutants.mutants[number]
        return not any(equivalent(self.mutants, mutant.block, mutant, alone=alone) for alone in (True, False))

    def differs_outside(self, number: int) -> bool:
        """Whether a mutant isn't proven to be so with registers for memories, nor in any block around its own."""
        mutant = self.mutants.mutants[number]
        if equivalent(self.mutants, mutant.block, mutant, registers=True):
            return False
        return not any(equivalent(self.mutants, block, mutant) for block in self.mutants.above(mutant.block))

    def _bench_passes(self, block: str, name: str, number: int, seed: int) -> bool:
        try:
            self._run(block, name, number, seed, self._limit(block, name, seed))
        except Exception:  # an assertion, or a testbench that stumbles over values which make no sense
            return False
        return True

    def _limit(self, block: str, name: str, seed: int) -> int | None:
        """Cycles within which a testbench must end; None for a seed with which it doesn't hold."""
        key = block, name, seed
        if key not in self._limits:
            try:
                self._limits[key] = 2 * self._run(block, name, 0, seed, None) + 2000
            except Exception:  # an assertion, or operands that don't fit
                self._limits[key] = None
        return self._limits[key]

    def _run(self, block: str, name: str, number: int, seed: int, limit: int | None) -> int:
        model, bench = self.model(block), self.benches[block][name]
        model.hold(SELECT, number)
        rng = np.random.default_rng([self.seed, seed])
        return run_compiled(model, lambda played: bench.check(played, bench.config, rng), limit=limit)


def _run(model: Model, program: _Program, **options: Any) -> tuple[Result, dict[str, Memory]]:
    """What a program gave, and the memories after it, which stall as the streams do."""
    memories = make_memories(program.images, program.timing, program.seed)
    result = model.run(
        program.inputs, program.outputs, memories=memories, software=program.software, stalls=program.timing.stalls,
        seed=program.seed, watchdog=WATCHDOG, limit=program.limit, **options,
    )  # fmt: skip
    return result, memories


def _right(program: _Program, result: Result, memories: dict[str, Memory]) -> bool:
    """Whether results and memories are as they must be."""
    found = program.program.assemble(result.outputs | {port: memory.data for port, memory in memories.items()})
    return np.array_equal(found, program.expected) and not wrong_bytes(program.images, memories)
