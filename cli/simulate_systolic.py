"""Products and convolutions on the emitted matrix unit."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ..sim.systolic.cycles import predict
from ..sim.systolic.mapping import MatrixProgram, map_convolution, map_matmul
from ..sim.systolic.scale_sim import scale_sim_cycles
from .engines import Design
from .errors import CommandError, usage_errors
from .jobs import Job
from .simulation import CompiledDesign, golden, waveforms

__all__ = ["Outcome", "Simulator", "map_job"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What a job gave.

    Attributes
    ----------
    output
        Result of the Verilog, int64.
    mismatches
        Elements that differ from the golden model.
    cycles
        Of the Verilog, from the first cycle after reset to the last sum.
    predicted_cycles
        Of the cycle model, or None where streams stall at random.
    scale_sim_cycles
        Of SCALE-Sim's formula for the same passes.
    macs
        Useful multiply-accumulates, zeros included.
    utilisation, utilisation_limit
        MACs / (cycles x multipliers), and what a machine without a lost cycle would reach on these tiles.
    seconds
        Time of the simulation.
    """

    output: np.ndarray
    mismatches: int
    cycles: int
    predicted_cycles: int | None
    scale_sim_cycles: int
    macs: int
    utilisation: float
    utilisation_limit: float
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every element and the number of cycles are as the models say."""
        return self.mismatches == 0 and self.predicted_cycles in (None, self.cycles)

    def figures(self) -> dict[str, Any]:
        """Values for JSON and tables."""
        return {
            "bit_exact": self.mismatches == 0,
            "mismatches": self.mismatches,
            "cycles": self.cycles,
            "predicted_cycles": self.predicted_cycles,
            "scale_sim_cycles": self.scale_sim_cycles,
            "macs": self.macs,
            "utilisation": round(self.utilisation, 6),
            "utilisation_limit": round(self.utilisation_limit, 6),
            "seconds": round(self.seconds, 3),
            "cycles_per_second": round(self.cycles / self.seconds) if self.seconds else None,
        }


def map_job(design: Design, job: Job) -> MatrixProgram:
    """Map a job; a tensor that doesn't fit is a `UsageError`."""
    with usage_errors():
        if job.convolution is None:
            return map_matmul(design.config, job.a, job.b)
        return map_convolution(design.config, job.a, job.b, **job.convolution)


class Simulator(CompiledDesign):
    """Runs products and convolutions on a matrix unit."""

    def run(
        self,
        job: Job,
        program: MatrixProgram | None = None,
        *,
        stall: float = 0.0,
        seed: int = 0,
        vcd: Path | None = None,
        window: tuple[int, int] = (0, 1000),
    ) -> Outcome:
        """Run a job and compare it with the golden model and the cycle model."""
        config = self.design.config
        program = program or map_job(self.design, job)
        expected = golden(job)
        title = f"Simulating {job.name}"
        with self._stages(title) as update, waveforms(vcd):
            result = self.model.run(
                {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands},
                {"o_sums": program.sums},
                stalls=stall,
                seed=seed,
                vcd=vcd,
                window=window,
                progress=lambda cycle, _: update(f"cycle {cycle:,}"),
            )
        if result.counters["o_error"]:
            raise CommandError("the matrix unit raised o_error: it refused a command")
        output = program.assemble(result.outputs["o_sums"])
        plan = program.plan
        passes = job.a.dtype.itemsize * job.b.dtype.itemsize * plan.groups
        return Outcome(
            output=output,
            mismatches=int(np.count_nonzero(output != expected)),
            cycles=result.cycles,
            predicted_cycles=None if stall else predict(config, program.commands).cycles,
            scale_sim_cycles=passes * scale_sim_cycles(config.rows, config.columns, plan.m, plan.k, plan.n),
            macs=program.macs,
            utilisation=program.macs / (result.cycles * config.multipliers),
            utilisation_limit=program.macs / (plan.beats * config.multipliers),
            seconds=self._stages.seconds[title],
        )
