"""What the simulators of all engines share."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..sim.golden.convolution import convolution
from ..sim.golden.matmul import matmul
from ..tb.bulk.model import Model, build
from .engines import Design
from .errors import writing
from .jobs import Job
from .output import Stages

if TYPE_CHECKING:
    from ..hw.emit.emission import Emission

__all__ = ["CompiledDesign", "golden", "waveforms"]


class CompiledDesign:
    """The compiled Verilog of a design.

    Parameters
    ----------
    design, emission
        The design and what it was emitted as.
    stages
        Where progress is shown.
    model
        The emission compiled, if the caller has it already.
    trace
        Compile it so that it writes waveforms, which is slower; no other compilation is needed then.
    """

    def __init__(
        self, design: Design, emission: "Emission", stages: Stages, model: Model | None = None, *, trace: bool = False
    ) -> None:
        self.design, self._stages = design, stages
        if model is None:
            with stages(f"Compiling {emission.top} with Verilator{' for waveforms' * trace}") as update:
                model = build(emission, trace=trace, progress=update)
        self.model = model


def golden(job: Job) -> np.ndarray:
    """Result of the golden model."""
    return matmul(job.a, job.b) if job.convolution is None else convolution(job.a, job.b, **job.convolution)


def waveforms(vcd: Path | None) -> AbstractContextManager[None]:
    """Context of a simulation that writes waveforms, if there is a file for them."""
    return writing(vcd) if vcd else nullcontext()
