"""Plants faults in a design and lets its checks look for them, in all processors."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any

from ...hw.emit.emitter import Block, emit_blocks
from ...hw.errors import FailureError, UsageError, did_you_mean
from ...tb.mutation.mutants import Mutants, plant
from ..progress import Stages, Update, silent
from ..registry import Design, engines
from ..workers import workers
from .laboratory import Laboratory
from .report import COUNTERS, EQUIVALENT, PROGRAMS, PROOFS, SURVIVED, MutationReport, Verdict

__all__ = ["mutate", "own_blocks"]

CHUNK = 12
"""Faults that a process takes at a time."""


_laboratory: Laboratory | None = None


def _start(*arguments: Any) -> None:
    """Make a process ready."""
    global _laboratory
    _laboratory = Laboratory(*arguments)


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
        Module that all of them are in; else any of `own_blocks`.
    stages
        Where progress is shown.

    Raises
    ------
    UsageError
        If there is no such block.
    FailureError
        If the checks fail on the design as it is.
    """
    engine, config = design.engine, design.config
    with stages(f"Planting {count:,} faults in {design.name}"):
        text, blocks = emit_blocks(engine.component(config))
        names = own_blocks(design, blocks)
        if block is not None and block not in names:
            text = f"block must be one of {', '.join(sorted(names))}, not {block!r}"
            raise UsageError(text, did_you_mean(block, names))
        mutants = plant(text, blocks, count=count, seed=seed, own=names, only=block)
    laboratory = Laboratory(design, mutants, seed)
    with _processes(design, mutants, seed) as sift:
        with stages(f"Compiling {mutants.top} with its faults") as update:
            laboratory.model(mutants.top, update)
        hunt = _Hunt(mutants, sift)
        with stages("Running programs") as update:
            if not sift("passes_programs", (), [0]):
                raise FailureError(f"programs fail on {design.name} itself, without any fault")
            hunt.look("passes_programs", PROGRAMS, update)
        if hunt.living:
            with stages("Proving what changes nothing in its own block") as update:
                hunt.look("differs_inside", EQUIVALENT, update, size=1)
        for level, here in hunt.levels():
            for bench in laboratory.benches[level]:
                if numbers := here():
                    with stages(f"Running testbench {bench} on {level}") as update:
                        laboratory.model(level, update)
                        if hunt.is_fit("holds", level, bench):
                            hunt.look("passes_bench", bench, update, (level, bench), numbers)
        if hunt.living:
            with stages("Proving what changes nothing in the blocks around it") as update:
                hunt.look("differs_outside", EQUIVALENT, update, size=1)
        if hunt.living:
            with stages("Running programs with counters near their end") as update:
                hunt.look("passes_counters", COUNTERS, update)
        for level, here in hunt.levels():
            for kind in laboratory.proofs(level) if here() else ():
                if numbers := here():
                    with stages(f"Proving {level}, {kind}") as update:
                        if hunt.is_fit("proof_holds", level, kind):
                            hunt.look("passes_proof", PROOFS, update, (level, kind), numbers, 1)
    verdicts = [
        Verdict(mutant=mutant, fate=hunt.fates.get(number, SURVIVED)) for number, mutant in mutants.mutants.items()
    ]
    return MutationReport(design=design.name, digest=mutants.digest, seed=seed, verdicts=verdicts, unfit=hunt.unfit)


def own_blocks(design: Design, blocks: Sequence[Block]) -> set[str]:
    """Modules of a design that aren't of another engine, which has a record of its own, nor only in one of those."""
    others = {engine.package for engine in engines().values()} - {design.engine.package}
    by_name, found, left = {block.name: block for block in blocks}, set[str](), [blocks[-1].name]
    while left:
        name = left.pop()
        package = by_name[name].component.__module__.partition(".hw.")[2].partition(".")[0]
        if name not in found and package not in others:
            found.add(name)
            left += by_name[name].submodules
    return found


class _Hunt:
    """Faults that nothing has noticed yet, and the fates of others.

    Attributes
    ----------
    living, fates
        Numbers of faults that passed all checks so far, in order; what became of the others.
    unfit
        Checks that don't pass on the design itself.
    """

    def __init__(self, mutants: Mutants, sift: Callable[..., list[int]]) -> None:
        self._mutants, self._sift = mutants, sift
        self.living = sorted(mutants.mutants)
        self.fates: dict[int, str] = {}
        self.unfit: list[str] = []

    def levels(self) -> Iterator[tuple[str, Callable[[], list[int]]]]:
        """Blocks, children first, each with a function that gives the living faults in it and in what it is made of."""
        for level in self._mutants.blocks:
            inside = {level} | self._mutants.below(level)
            yield level, lambda inside=inside: [n for n in self.living if self._mutants.mutants[n].block in inside]

    def is_fit(self, check: str, level: str, name: str) -> bool:
        """Whether a check passes on a block as it is; if not, that is noted."""
        fit = bool(self._sift(check, (level, name), [0]))
        self.unfit += [] if fit else [f"{name} on {level}"]
        return fit

    def look(
        self,
        check: str,
        fate: str,
        update: Update,
        arguments: tuple[Any, ...] = (),
        numbers: Sequence[int] | None = None,
        size: int = CHUNK,
    ) -> None:
        """Give those that don't pass a check their fate; of all that live, or of some."""
        numbers = self.living if numbers is None else numbers
        passed = self._sift(check, arguments, numbers, size, update)
        self.fates |= dict.fromkeys(set(numbers) - set(passed), fate)
        self.living = [number for number in self.living if number not in self.fates]


@contextlib.contextmanager
def _processes(design: Design, mutants: Mutants, seed: int) -> Iterator[Callable[..., list[int]]]:
    """A function that lets a check run on mutants in all processors, and gives those that pass."""
    with workers(_start, (design, mutants, seed)) as pool:

        def sift(
            check: str,
            arguments: tuple[Any, ...],
            numbers: Sequence[int],
            size: int = CHUNK,
            update: Update = lambda detail, fraction=None, /: None,
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

        yield sift
