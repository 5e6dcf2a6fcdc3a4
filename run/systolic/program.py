"""A product or convolution mapped onto the matrix unit, as the contract wants it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.golden import matrix_unit
from ...sim.systolic.mapping import MatrixProgram, map_convolution, map_matmul
from ..contract import Image
from ..jobs import Job

__all__ = ["SystolicProgram", "map_job"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class SystolicProgram:
    """See `run.contract.Program`.

    Parameters
    ----------
    config, matrix
        The unit and its streams.
    """

    config: SystolicConfig
    matrix: MatrixProgram

    def inputs(self) -> dict[str, Any]:
        """Beats of the three input streams."""
        matrix = self.matrix
        return {"i_weights": matrix.weights, "i_activations": matrix.activations, "i_commands": matrix.commands}

    def outputs(self) -> dict[str, int]:
        """Rows of sums."""
        return {"o_sums": self.matrix.sums}

    def memories(self) -> dict[str, Image]:
        """None: the unit has streams alone."""
        return {}

    def software(self) -> tuple[()]:
        """None: there are no registers."""
        return ()

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """The result from the rows of sums."""
        return self.matrix.assemble(outputs["o_sums"])

    def golden(self) -> np.ndarray:
        """The result that the streams stand for."""
        matrix = self.matrix
        return matrix.assemble(matrix_unit(self.config, matrix.weights, matrix.activations, matrix.commands))


def map_job(config: SystolicConfig, job: Job) -> SystolicProgram:
    """Map a job; see `Engine.map`."""
    if job.convolution is None:
        matrix = map_matmul(config, job.a, job.b, names=job.names, wraps=job.wraps)
    else:
        matrix = map_convolution(config, job.a, job.b, **job.convolution, names=job.names, wraps=job.wraps)
    return SystolicProgram(config=config, matrix=matrix)
