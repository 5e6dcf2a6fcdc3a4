"""Runs a job on any engine: emit, compile, drive, assemble, and compare with the models."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..hw.errors import ConfigError, FailureError
from ..sim.compilation import watch_compilation
from ..sim.counters import Counters
from ..sim.memory_timing import MemoryTiming
from ..tb.bulk.model import Model, build
from ..tb.tools import check_tools
from .driving import Driven, drive
from .emission import emit_design
from .files import replacing
from .jobs import Job
from .progress import Stages, silent
from .registry import Design

if TYPE_CHECKING:
    from ..hw.emit.emission import Emission
    from .contract import Program

__all__ = ["Outcome", "Simulator", "execute", "predict", "predict_counters", "predict_program"]

CountersT = TypeVar("CountersT", bound=Counters)

IDLE_CYCLES = 20
"""Cycles that a run goes on for after its last beat, to see beats that should not come."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Outcome(Generic[CountersT]):
    """What a job gave.

    Attributes
    ----------
    design
        What ran.
    source
        ``rtl`` for the emitted Verilog, ``model`` for the golden model and the cycle model alone.
    output
        The result, int64.
    mismatches
        Elements that differ from the golden model; None where nothing ran that could differ.
    wrong_bytes
        Bytes of memories that are not what they must be after the run.
    counters
        The Verilog's own, or those of the cycle model.
    predicted
        Those of the cycle model, or None where streams or memories stalled at random. Their ``cycles`` are None where
        there is no cycle model.
    macs
        Useful multiply-accumulates.
    details
        Further figures of the engine.
    seconds
        Time of the simulation, or of the cycle model without its compilation.
    """

    design: Design
    source: str
    output: np.ndarray
    mismatches: int | None
    wrong_bytes: int
    counters: CountersT
    predicted: CountersT | None
    macs: int
    details: Mapping[str, Any]
    seconds: float

    @property
    def cycles(self) -> int | None:
        """Cycles that the job took; None if nobody knows."""
        return self.counters.cycles

    @property
    def predicted_cycles(self) -> int | None:
        """Cycles of the cycle model, if there is one."""
        return self.predicted.cycles if self.predicted else None

    @property
    def utilisation(self) -> float | None:
        """Useful multiply-accumulates as a share of cycles x multipliers; 0 where nothing ran."""
        if self.cycles is None:
            return None
        slots = self.cycles * self.design.config.multipliers
        return self.macs / slots if slots else 0.0

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of all cycles by what was done in them; they add up to 1. Empty if nobody knows the cycles.

        They are those of the cycle model, if it counts the same: it may know more than the counters.
        """
        counters = self.counters
        if self.predicted and self.predicted.cycles is not None and not self.differences:
            counters = self.predicted
        return {} if counters.cycles is None else counters.where_cycles_went()

    @property
    def differences(self) -> list[str]:
        """Counters that differ from the cycle model's."""
        return self.counters.differences(self.predicted) if self.predicted else []

    @property
    def passed(self) -> bool:
        """Whether every element, every byte of memory and every counter is as the models say."""
        return not self.mismatches and not self.wrong_bytes and not self.differences

    @property
    def complaint(self) -> str:
        """What is wrong, in a line; empty if nothing is."""
        if self.mismatches:
            return f"{self.mismatches:,} of {self.output.size:,} results differ from the golden model"
        if self.wrong_bytes:
            return f"{self.wrong_bytes:,} bytes of memory are not what they must be after the run"
        if self.predicted_cycles is not None and self.predicted_cycles != self.cycles:
            return f"{self.cycles:,} cycles, but the cycle model says {self.predicted_cycles:,}"
        return f"counters that differ from the models: {', '.join(self.differences)}" if self.differences else ""

    def figures(self) -> dict[str, Any]:
        """Values for JSON and tables."""
        predicted = None if self.source == "model" or self.predicted is None else not self.differences
        utilisation, cycles = self.utilisation, self.cycles
        return {
            "source": self.source,
            "bit_exact": None if self.mismatches is None else self.mismatches == self.wrong_bytes == 0,
            "mismatches": self.mismatches,
            "cycles": cycles,
            "predicted_cycles": self.predicted_cycles,
            "equals_cycle_model": predicted,
            "macs": self.macs,
            "utilisation": None if utilisation is None else round(utilisation, 6),
            "where_cycles_went": {
                name: round(share, 4) for name, share in self.where_cycles_went().items()
            },
            **self.details,
            "seconds": round(self.seconds, 3),
            "cycles_per_second": round(cycles / self.seconds) if cycles and self.seconds else None,
        }  # fmt: skip


class Simulator:
    """The compiled Verilog of a design, which runs any number of jobs.

    Parameters
    ----------
    design
        What is simulated.
    emission
        What it was emitted as; emitted here if it isn't given.
    stages
        Where progress is shown.
    model
        The emission compiled, if the caller has it already.
    trace
        Compile it so that it writes waveforms, which is slower; no other compilation is needed then.
    """

    def __init__(
        self,
        design: Design,
        emission: "Emission | None" = None,
        stages: Stages = silent,
        model: Model | None = None,
        *,
        trace: bool = False,
    ) -> None:
        self.design, self._stages = design, stages
        if model is None:
            check_tools()  # before anything that takes long
            if emission is None:
                with stages(f"Emitting {design.name}") as update:
                    emission = emit_design(design, progress=update)
            with stages(f"Compiling {emission.top} with Verilator{' for waveforms' * trace}") as update:
                model = build(emission, trace=trace, progress=update)
        self.model = model

    def run(
        self,
        job: Job,
        program: "Program | None" = None,
        *,
        stall: float = 0.0,
        seed: int = 0,
        timing: MemoryTiming | None = None,
        vcd: Path | None = None,
        window: tuple[int, int] = (0, 1000),
    ) -> Outcome[Any]:
        """Run a job and compare it with the golden model and, unless something stalls, with the cycle model.

        Parameters
        ----------
        job
            What to compute.
        program
            The job mapped, if the caller has mapped it.
        stall, seed
            Probability that a stream, or a channel of a memory, pauses in a cycle, and seed of the pauses.
        timing
            Of the memories behind the engine's ports; by default the fastest.
        vcd, window
            Write the waveforms of these cycles to a file. If the run is interrupted, the file stays as it was.

        Raises
        ------
        ConfigError
            For tensors that don't fit the engine, and a window behind the end of the run.
        SimulationError
            If the hardware hangs or breaks the protocol of its streams and buses.
        FailureError
            If it raises one of its error outputs.
        """
        engine, config = self.design.engine, self.design.config
        mapped = engine.map(config, job) if program is None else program
        outcome, _ = self._run(
            mapped, job.name, lambda: engine.expected(config, job), wraps=job.wraps, stall=stall, seed=seed,
            timing=timing, vcd=vcd, window=window,
        )  # fmt: skip
        return dataclasses.replace(outcome, details=engine.job_figures(config, job, mapped, outcome.counters))

    def run_program(self, program: "Program", name: str, **options: Any) -> tuple[Outcome[Any], Driven]:
        """Run a program that is no job, and compare all that it leaves with its golden model.

        Options are those of `run`, as is what it raises.
        """
        return self._run(program, name, program.golden, wraps=False, **options)

    def _run(
        self,
        mapped: "Program",
        name: str,
        expected: Callable[[], np.ndarray],
        *,
        wraps: bool,
        stall: float = 0.0,
        seed: int = 0,
        timing: MemoryTiming | None = None,
        vcd: Path | None = None,
        window: tuple[int, int] = (0, 1000),
    ) -> tuple[Outcome[Any], Driven]:
        engine = self.design.engine
        timing = timing or MemoryTiming()
        with ThreadPoolExecutor(1) as pool:
            stalls = stall or (timing.random and mapped.memories())
            prediction = None if stalls else pool.submit(self.predict, mapped, timing)
            start = time.perf_counter()
            with self._stages(f"Simulating {name}") as update, _waveforms(vcd) as waves:
                driven = drive(
                    self.model, mapped, stall=stall, seed=seed, timing=timing, vcd=waves, window=window,
                    idle_cycles=IDLE_CYCLES, progress=lambda cycle, done: update(f"cycle {cycle:,}", done),
                )  # fmt: skip
                result = driven.result
                if waves and not waves.stat().st_size:
                    rule = f"before cycle {result.cycles + IDLE_CYCLES:,}, where the run ended"
                    raise ConfigError(f"window must begin {rule}, not at {window[0]:,}", field="window", value=window)
            seconds = time.perf_counter() - start
            predicted, _ = prediction.result() if prediction else (None, 0)
        if complaint := engine.complaint(result.counters, wraps=wraps):
            raise FailureError(complaint)
        output = mapped.assemble(driven.outputs)
        counters = engine.read_counters(result.counters)
        mismatches, bad = int(np.count_nonzero(output != expected())), driven.wrong_bytes
        return _outcome(self.design, mapped, "rtl", output, mismatches, bad, counters, predicted, seconds), driven

    def predict(self, program: "Program", timing: MemoryTiming | None = None) -> tuple[Any, float]:
        """Counters of the cycle model, and the seconds that it took without its compilation."""
        return predict_counters(self.design, program, timing, self._stages)

    def drive(self, program: "Program", name: str) -> Driven:
        """Run a program that is no job, as the layers of a whole network; nothing is compared but memories."""
        with self._stages(f"Simulating {name}") as update:
            return drive(
                self.model, program, idle_cycles=IDLE_CYCLES,
                progress=lambda cycle, done: update(f"cycle {cycle:,}", done),
            )  # fmt: skip


def execute(design: Design, job: Job, *, stages: Stages = silent, **options: Any) -> Outcome[Any]:
    """Run a job on the emitted Verilog of a design: emit, compile, drive, assemble, compare.

    Parameters
    ----------
    design, job
        What runs what.
    stages
        Where progress is shown.
    options
        Those of `Simulator.run`.

    Raises
    ------
    Error
        Those of `Simulator.run`; tensors are checked before anything is compiled.
    """
    program = design.engine.map(design.config, job)
    return Simulator(design, stages=stages).run(job, program, **options)


def predict(
    design: Design,
    job: Job,
    program: "Program | None" = None,
    *,
    timing: MemoryTiming | None = None,
    stages: Stages = silent,
) -> Outcome[Any]:
    """Answer a job from the models alone: the result that its streams stand for, and cycles. No compiler is needed."""
    engine, config = design.engine, design.config
    mapped = engine.map(config, job) if program is None else program
    with stages(f"Predicting {job.name}"):
        counters, seconds = predict_counters(design, mapped, timing, stages)
    expected = engine.expected(config, job)
    outcome = _outcome(design, mapped, "model", expected, None, 0, counters, counters, seconds)
    return dataclasses.replace(outcome, details=engine.job_figures(config, job, mapped, counters))


def predict_program(
    design: Design, program: "Program", name: str, *, timing: MemoryTiming | None = None, stages: Stages = silent
) -> Outcome[Any]:
    """Answer a program that is no job from its golden model and the cycle model alone."""
    with stages(f"Predicting {name}"):
        counters, seconds = predict_counters(design, program, timing, stages)
    return _outcome(design, program, "model", program.golden(), None, 0, counters, counters, seconds)


def predict_counters(
    design: Design, program: "Program", timing: MemoryTiming | None, stages: Stages
) -> tuple[Any, float]:
    """Counters of the cycle model, and the seconds that it took without its compilation, which is told of."""
    with ExitStack() as stack:

        def begin(kept: bool) -> None:
            why = "once" if kept else "anew each time, as the cache can't be written"
            stack.enter_context(stages(f"Compiling the cycle model, {why}"))

        start = time.perf_counter()
        with watch_compilation(begin) as compilation:
            counters = design.engine.predict(design.config, program, timing)
        return counters, time.perf_counter() - start - compilation.seconds


def _outcome(
    design: Design,
    program: "Program",
    source: str,
    output: np.ndarray,
    mismatches: int | None,
    wrong_bytes: int,
    counters: Any,
    predicted: Any,
    seconds: float,
) -> Outcome[Any]:
    engine = design.engine
    return Outcome(
        design=design,
        source=source,
        output=output,
        mismatches=mismatches,
        wrong_bytes=wrong_bytes,
        counters=counters,
        predicted=predicted,
        macs=engine.macs(program, counters),
        details={},
        seconds=seconds,
    )


@contextmanager
def _waveforms(vcd: Path | None) -> Iterator[Path | None]:
    """Context of a simulation that writes waveforms, if there is a file for them; gives the one to write to."""
    if vcd is None:
        yield None
        return
    with replacing(vcd) as partial:
        yield partial
