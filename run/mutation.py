"""Which planted faults of a design its checks notice: programs, then testbenches of its blocks, then proofs."""

import contextlib
import dataclasses
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cached_property
from multiprocessing import get_context
from typing import Any

import numpy as np

from ..hw.config import ConfigError
from ..hw.emit.emitter import emit_blocks
from ..hw.errors import UsageError
from ..sim.golden.wrap import wrap
from ..tb.block_benches import BlockBench, block_benches
from ..tb.bulk.job import SimulationError
from ..tb.bulk.model import Model, build
from ..tb.compiled_bench import run_compiled
from ..tb.counters import with_counters_at
from ..tb.mutation.equivalence import equivalent
from ..tb.mutation.mutants import SELECT, Mutant, Mutants, plant
from .jobs import golden
from .progress import Stages, Update, silent
from .random_jobs import random_job
from .registry import Design

__all__ = ["EQUIVALENT", "SURVIVED", "MutationReport", "Verdict", "mutate"]

SURVIVED, EQUIVALENT = "survived", "equivalent"

PROGRAMS, BENCH_SEEDS, CHUNK = 24, 3, 12
"""Random jobs, seeds of each testbench, mutants that one process takes at a time."""

IDLE_CYCLES = 20

COUNTER_STARTS = (0xFFFF_FFFB, 0xFFF0_0000)
"""From where counters of 32 bits count: they carry through all bits, or keep the high ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a mutant.

    Attributes
    ----------
    fate
        What killed it: ``programs``, or the testbench's name; `EQUIVALENT` or `SURVIVED`.
    """

    mutant: Mutant
    fate: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class MutationReport:
    """Verdicts on all mutants of a design.

    Attributes
    ----------
    design, digest, seed
        Which design, hash of the netlist that was mutated, and the seed of the choice and of all random numbers.
    verdicts
        By mutant.
    unfit
        Testbenches that don't pass on this configuration without any fault, and so took no part.
    """

    design: str
    digest: str
    seed: int
    verdicts: Sequence[Verdict]
    unfit: Sequence[str] = ()

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that nothing noticed and that are not proven equivalent."""
        return [verdict.mutant for verdict in self.verdicts if verdict.fate == SURVIVED]

    @property
    def score(self) -> float:
        """Killed mutants as a share of those not equivalent."""
        return self.scores()["all"]["score"]

    def scores(self) -> dict[str, dict[str, Any]]:
        """By block, and ``all``: mutants, equivalent ones, survivors, and the score."""
        fates: dict[str, Counter[str]] = {"all": Counter()}
        for verdict in self.verdicts:
            for name in ("all", verdict.mutant.block):
                fates.setdefault(name, Counter())[verdict.fate] += 1
        table = {}
        for name, counts in fates.items():
            real = counts.total() - counts[EQUIVALENT]
            table[name] = {
                "mutants": counts.total(),
                "equivalent": counts[EQUIVALENT],
                "programs": counts["programs"],
                "benches": real - counts["programs"] - counts[SURVIVED],
                "survived": counts[SURVIVED],
                "score": round(1 - counts[SURVIVED] / real, 4) if real else 1.0,
            }
        return table

    def figures(self) -> dict[str, Any]:
        """Values for JSON."""
        fates = Counter(verdict.fate for verdict in self.verdicts)
        return {
            "design": self.design,
            "digest": self.digest,
            "seed": self.seed,
            "score": self.score,
            "blocks": self.scores(),
            "fates": dict(sorted(fates.items())),
            "unfit_testbenches": list(self.unfit),
            "survivors": [str(mutant) for mutant in self.survivors],
        }


@dataclasses.dataclass(frozen=True)
class _Program:
    """A job on the design's streams, and what it must give."""

    program: Any
    job: Any
    stall: float
    seed: int
    expected: np.ndarray
    predicted: Any


class _Laboratory:
    """Runs checks on mutants, in one process.

    Simulations and programs are made when they are first needed, so that only the design has to be sent.
    """

    def __init__(self, design: Design, mutants: Mutants, seed: int) -> None:
        self.design, self.mutants, self.seed = design, mutants, seed
        self._models: dict[str, Model] = {}
        self._counting: dict[int, Model] = {}
        self._limits: dict[tuple[str, str, int], int | None] = {}

    def model(self, block: str, progress: Callable[[str], None] | None = None) -> Model:
        """Simulation of a block with all the mutants in it."""
        if block not in self._models:
            self._models[block] = build(self.mutants.sources(block), assertions=True, progress=progress)
        return self._models[block]

    @cached_property
    def programs(self) -> list[_Program]:
        """Random jobs; of every second one the streams stall, for every third the outputs wait for valid."""
        engine, config, made = self.design.engine, self.design.config, []
        for number in range(PROGRAMS):
            job = random_job(np.random.default_rng([self.seed, number]), engine, config)
            try:
                program = engine.map(config, job)
            except ConfigError:  # its sums don't fit
                job = dataclasses.replace(job, wraps=True)
                program = engine.map(config, job)
            stall = (0.0, 0.3, 0.0, 0.8)[number % 4]
            predicted = None if stall or (self.seed + number) % 3 == 0 else engine.predict(config, program)
            expected = wrap(golden(job), engine.sum_bits(config))
            made.append(_Program(program, job, stall, self.seed + number, expected, predicted))
        return made

    def passes_programs(self, number: int) -> bool:
        """Whether the programs notice nothing of a mutant."""
        model = self.model(self.mutants.top)
        model.hold(SELECT, number)
        return all(self._passes(model, program) for program in self.programs)

    def _passes(self, model: Model, program: _Program) -> bool:
        engine = self.design.engine
        try:
            result = model.run(
                program.program.inputs(), program.program.outputs(), stalls=program.stall, seed=program.seed,
                after_valid=program.seed % 3 == 0, watchdog=3000, idle_cycles=IDLE_CYCLES,
            )  # fmt: skip
        except SimulationError:
            return False
        if engine.complaint(result.counters, program.job):
            return False
        try:
            right = np.array_equal(program.program.assemble(result.outputs), program.expected)
        except (IndexError, ValueError):  # a sum for a place that isn't there
            return False
        counted = program.predicted is None or not engine.read_counters(result.counters).differences(program.predicted)
        return right and counted

    @cached_property
    def benches(self) -> dict[str, dict[str, BlockBench]]:
        """Testbenches by block and name."""
        return block_benches(self.design.engine.name, self.mutants.blocks.values())

    def holds(self, block: str, name: str, number: int) -> bool:
        """Whether a testbench passes on the design itself (number 0), on one seed at least."""
        usable = any(self._limit(block, name, seed) is not None for seed in range(BENCH_SEEDS))
        return usable and self.passes_bench(block, name, number)

    def passes_counters(self, number: int) -> bool:
        """Whether counters that begin near their end, or high, end as those of the design itself.

        What programs reach otherwise is a few low bits. Such counters say what they should if results are right:
        that is known of the others.
        """
        for start in COUNTER_STARTS:
            if start not in self._counting:
                try:
                    sources = with_counters_at(self.mutants.sources(self.mutants.top), start, names=r"^[a-z\\]")
                except ValueError:  # a design without counters
                    return True
                self._counting[start] = build(sources, assertions=True)
            ends = []
            for awake in (0, number):
                self._counting[start].hold(SELECT, awake)
                ends.append([self._ends(self._counting[start], program) for program in self.programs[:3]])
            if ends[0] != ends[1]:
                return False
        return True

    def _ends(self, model: Model, program: _Program) -> Any:
        """All output ports outside streams after a program, as text; None if it doesn't end."""
        inputs, outputs = program.program.inputs(), program.program.outputs()
        try:
            result = model.run(inputs, outputs, stalls=program.stall, seed=program.seed, watchdog=3000)
        except SimulationError:
            return None
        return json.dumps(result.counters, default=lambda value: value.tolist())

    def passes_bench(self, block: str, name: str, number: int) -> bool:
        """Whether a testbench of a block, on some seeds, notices nothing of a mutant."""
        return all(self._bench_passes(block, name, number, seed) for seed in range(BENCH_SEEDS))

    def differs(self, number: int) -> bool:
        """Whether a mutant isn't proven to be equivalent, neither in its block nor in the nearest one around it."""
        mutant = self.mutants.mutants[number]
        around = self.mutants.above(mutant.block)[:1]
        return not any(equivalent(self.mutants, block, mutant) for block in (mutant.block, *around))

    def _bench_passes(self, block: str, name: str, number: int, seed: int) -> bool:
        limit = self._limit(block, name, seed)
        try:
            if limit is not None:
                self._run(block, name, number, seed, limit)
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


_laboratory: _Laboratory | None = None


def _start(*arguments: Any) -> None:
    """Make a process ready."""
    global _laboratory
    _laboratory = _Laboratory(*arguments)


def _passing(check: str, arguments: tuple[Any, ...], numbers: Sequence[int]) -> list[int]:
    """Those of some mutants that pass a check, in a process made ready."""
    assert _laboratory is not None
    method = getattr(_laboratory, check)
    return [number for number in numbers if method(*arguments, number)]


def mutate(
    design: Design, *, count: int, seed: int = 1, block: str | None = None, stages: Stages = silent
) -> MutationReport:
    """Plant faults in a design and see which of them its checks notice.

    Parameters
    ----------
    count
        How many faults.
    seed
        Of their choice and of all random numbers.
    block
        Module that all of them are in.
    stages
        Where progress is shown.

    Raises
    ------
    UsageError
        If there is no such block.
    """
    engine, config = design.engine, design.config
    with stages(f"Planting {count:,} faults in {design.name}"):
        text, blocks = emit_blocks(engine.component(config))
        names = [each.name for each in blocks]
        if block is not None and block not in names:
            raise UsageError(f"block must be one of {', '.join(sorted(names))}, not {block!r}")
        mutants = plant(text, blocks, count=count, seed=seed, only=block)
    laboratory = _Laboratory(design, mutants, seed)
    fates: dict[int, str] = {}
    unfit: list[str] = []
    with _processes(design, mutants, seed) as sift:
        with stages(f"Compiling {mutants.top} with its faults") as update:
            laboratory.model(mutants.top, update)
        with stages("Running programs") as update:
            living = sift("passes_programs", (), sorted(mutants.mutants), update)
        fates |= dict.fromkeys(set(mutants.mutants) - set(living), "programs")
        for level in mutants.blocks:
            for bench in laboratory.benches[level]:
                inside = {level} | mutants.below(level)
                here = [number for number in living if mutants.mutants[number].block in inside]
                if here:
                    with stages(f"Running testbench {bench} on {level}") as update:
                        laboratory.model(level, update)
                        if not sift("holds", (level, bench), [0], update):
                            unfit.append(f"{bench} on {level}")
                            continue
                        passed = sift("passes_bench", (level, bench), here, update)
                    fates |= dict.fromkeys(set(here) - set(passed), bench)
                    living = [number for number in living if number not in fates]
        if living:
            with stages("Running programs with counters near their end") as update:
                passed = sift("passes_counters", (), living, update)
            fates |= dict.fromkeys(set(living) - set(passed), "counters")
            living = passed
        if living:
            with stages("Proving what is equivalent") as update:
                different = sift("differs", (), living, update, 1)
            fates |= dict.fromkeys(set(living) - set(different), EQUIVALENT)
    verdicts = [Verdict(mutant=mutant, fate=fates.get(number, SURVIVED)) for number, mutant in mutants.mutants.items()]
    return MutationReport(design=design.name, digest=mutants.digest, seed=seed, verdicts=verdicts, unfit=unfit)


@contextlib.contextmanager
def _processes(design: Design, mutants: Mutants, seed: int) -> Iterator[Callable[..., list[int]]]:
    """A function that lets a check run on mutants in all processors, and gives those that pass."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (design, mutants, seed)) as pool:

        def sift(
            check: str, arguments: tuple[Any, ...], numbers: Sequence[int], update: Update, size: int = CHUNK
        ) -> list[int]:
            chunks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
            passed: list[int] = []
            done = 0
            futures = {pool.submit(_passing, check, arguments, chunk): len(chunk) for chunk in chunks}
            for future in as_completed(futures):
                passed += future.result()
                done += futures[future]
                update(f"{done:,} of {len(numbers):,} faults, {len(passed):,} unnoticed", done / len(numbers))
            return sorted(passed)

        try:
            yield sift
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
