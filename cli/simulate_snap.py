"""Layers on the emitted SNAP core."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..hw.config import check
from ..hw.snap.config import SnapConfig
from ..sim.formats.bundles import ActivationBundles, WeightBundles
from ..sim.golden.geometry import ConvolutionGeometry
from ..sim.snap.batch import join_programs
from ..sim.snap.check import check_program
from ..sim.snap.cycles import WAITS, CoreCounters, simulate_core
from ..sim.snap.golden import scatter_sums
from ..sim.snap.mapping import map_convolution, map_fully_connected
from ..sim.snap.program import CoreProgram
from ..tb.snap.program import run_program
from .engines import Design
from .errors import CommandError, usage_errors
from .jobs import Job
from .simulation import CompiledDesign, golden, waveforms

__all__ = ["Outcome", "Simulator", "compression", "differences", "map_job", "where_cycles_went"]


def where_cycles_went(counters: CoreCounters) -> dict[str, float]:
    """Fractions of the PEs' cycles, by what the PEs did; they add up to 1."""
    total = counters.cycles * counters.multiplies.size
    return {name: round(int(counters.waits[name].sum()) / total, 4) for name in WAITS}


def compression(config: SnapConfig, job: Job) -> dict[str, float | None]:
    """Size of a job's tensors as bundles: bits for each non-zero (None without any), and size against dense."""
    product = job.convolution is None
    images = job.a[:, None, None] if product else job.a
    weights = WeightBundles.encode(job.b[None, None] if product else job.b, config.channel_tile)
    # A batch is a high image: bundles are pixels, wherever they are.
    activations = ActivationBundles.encode(images.reshape(-1, *images.shape[2:]), config.channel_tile)
    figures: dict[str, float | None] = {}
    for name, report in (("ia", activations.report(config.data_bits)), ("w", weights.report(config.data_bits))):
        bits = report.bits_per_non_zero
        figures[f"{name}_bits_per_non_zero"] = round(bits, 2) if report.non_zeros else None
        figures[f"{name}_size_against_dense"] = round(report.ratio, 4)
    return figures


def differences(actual: CoreCounters, predicted: CoreCounters) -> list[str]:
    """Names of the counters that differ."""
    names = []
    for field in dataclasses.fields(CoreCounters):
        ours, theirs = getattr(actual, field.name), getattr(predicted, field.name)
        if field.name == "waits":
            names += [name for name in WAITS if not np.array_equal(ours[name], theirs[name])]
        elif not np.array_equal(ours, theirs):
            names.append(field.name)
    return names


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What a job gave.

    Attributes
    ----------
    output
        Result of the Verilog, int64.
    mismatches
        Elements that differ from the golden model.
    counters
        The Verilog's own.
    predicted
        Those of the cycle model, or None where streams stall at random.
    config
        Of the core.
    compression
        See `compression`.
    seconds
        Time of the simulation.
    """

    output: np.ndarray
    mismatches: int
    counters: CoreCounters
    predicted: CoreCounters | None
    config: SnapConfig
    compression: dict[str, float | None]
    seconds: float

    @property
    def cycles(self) -> int:
        """Cycles that the Verilog counted, from the first after reset to the last sum."""
        return self.counters.cycles

    @property
    def macs(self) -> int:
        """Multiplied pairs; both operands of each are non-zero."""
        return int(self.counters.multiplies.sum())

    @property
    def predicted_cycles(self) -> int | None:
        """Cycles of the cycle model."""
        return self.predicted.cycles if self.predicted else None

    @property
    def differences(self) -> list[str]:
        """Counters that differ from the cycle model's."""
        return differences(self.counters, self.predicted) if self.predicted else []

    @property
    def passed(self) -> bool:
        """Whether every element and every counter is as the models say."""
        return self.mismatches == 0 and not self.differences

    def figures(self) -> dict[str, Any]:
        """Values for JSON and tables."""
        return {
            "bit_exact": self.mismatches == 0,
            "mismatches": self.mismatches,
            "cycles": self.cycles,
            "predicted_cycles": self.predicted_cycles,
            "equals_cycle_model": None if self.predicted is None else not self.differences,
            "macs": self.macs,
            "utilisation": round(self.counters.utilisation(self.config.multipliers), 4),
            "oa_updates_per_cycle": round(self.counters.sums_per_cycle, 4),
            "where_cycles_went": where_cycles_went(self.counters),
            **self.compression,
            "seconds": round(self.seconds, 3),
            "cycles_per_second": round(self.cycles / self.seconds) if self.seconds else None,
        }


def map_job(design: Design, job: Job) -> CoreProgram:
    """Map a job; a tensor that doesn't fit is a `UsageError`.

    Images follow one another. A product of one row is a fully connected layer, one of more rows a 1x1 convolution of an
    image of one line.
    """
    with usage_errors():
        if job.convolution is not None:
            check("a", job.a.ndim == 4 and len(job.a) > 0, "of rank 4 (N x H x W x C)", job.a.shape)
            steps: dict[str, Any] = job.convolution
            programs = [map_convolution(design.config, image, job.b, **steps) for image in job.a]
            x, y = ConvolutionGeometry.of(job.a.shape, job.b.shape, **steps).output
            program = join_programs(programs, x * y * job.b.shape[-1])
        elif len(job.a) == 1:
            program = map_fully_connected(design.config, job.a[0], job.b)
        else:
            program = map_convolution(design.config, job.a[None], job.b[None, None])
        check_program(design.config, program)
        return program


class Simulator(CompiledDesign):
    """Runs layers on a SNAP core."""

    def predict(self, job: Job) -> CoreCounters:
        """Counters of the cycle model for a job."""
        return simulate_core(self.design.config, map_job(self.design, job))

    def run(
        self,
        job: Job,
        program: CoreProgram | None = None,
        *,
        stall: float = 0.0,
        seed: int = 0,
        vcd: Path | None = None,
        window: tuple[int, int] = (0, 1000),
    ) -> Outcome:
        """Run a job and compare it with the golden model and the cycle model, which runs beside the simulation."""
        config = self.design.config
        program = program or map_job(self.design, job)
        expected = golden(job)
        title = f"Simulating {job.name}"
        with ThreadPoolExecutor(1) as pool:
            prediction = None if stall else pool.submit(simulate_core, config, program)
            with self._stages(title) as update, waveforms(vcd):
                run = run_program(
                    self.model, config, program, stalls=stall, seed=seed, vcd=vcd, window=window,
                    progress=lambda cycle, _: update(f"cycle {cycle:,}"),
                )  # fmt: skip
            with self._stages("Waiting for the cycle model"):
                predicted = prediction.result() if prediction else None
        if any(run.errors.values()):
            raise CommandError(f"the core raised an error for a malformed stream: {run.errors}")
        output = scatter_sums(program, run.sums, expected.size, config.psum_bits).reshape(expected.shape)
        return Outcome(
            output=output,
            mismatches=int(np.count_nonzero(output != expected)),
            counters=run.counters,
            predicted=predicted,
            config=config,
            compression=compression(config, job),
            seconds=self._stages.seconds[title],
        )
