"""Plants faults in a design and lets its checks look for them, in all processors."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process
from typing import Any

from ...hw.emit.emitter import emit_blocks
from ...hw.errors import FailureError, UsageError
from ...tb.mutation.mutants import Mutants, plant
from ..progress import Stages, Update, silent
from ..registry import Design
from .laboratory import Laboratory
from .report import COUNTERS, EQUIVALENT, PROGRAMS, SURVIVED, MutationReport, Verdict

__all__ = ["mutate"]

CHUNK = 12
"""Faults that a process takes at a time."""


_laboratory: Laboratory | None = None


def _start(*arguments: Any) -> None:
    """Make a process ready, which ends with the one that began it, however that ends."""
    global _laboratory
    _laboratory = Laboratory(*arguments)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


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
    FailureError
        If the checks fail on the design as it is.
    """
    engine, config = design.engine, design.config
    with stages(f"Planting {count:,} faults in {design.name}"):
        text, blocks = emit_blocks(engine.component(config))
        names = [each.name for each in blocks]
        if block is not None and block not in names:
            raise UsageError(f"block must be one of {', '.join(sorted(names))}, not {block!r}")
        mutants = plant(text, blocks, count=count, seed=seed, only=block)
    laboratory = Laboratory(design, mutants, seed)
    fates: dict[int, str] = {}
    unfit: list[str] = []
    with _processes(design, mutants, seed) as sift:
        with stages(f"Compiling {mutants.top} with its faults") as update:
            laboratory.model(mutants.top, update)
        with stages("Running programs") as update:
            if not sift("passes_programs", (), [0], update):
                raise FailureError(f"programs fail on {design.name} itself, without any fault")
            living = sift("passes_programs", (), sorted(mutants.mutants), update)
        fates |= dict.fromkeys(set(mutants.mutants) - set(living), PROGRAMS)
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
            fates |= dict.fromkeys(set(living) - set(passed), COUNTERS)
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
            for child in active_children():  # or the pool would wait for what they are at
                child.kill()
            raise
