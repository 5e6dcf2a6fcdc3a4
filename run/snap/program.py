"""A layer mapped onto the SNAP core, as the contract wants it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.config import check
from ...hw.snap.config import SnapConfig
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.golden.tensors import check_tensors
from ...sim.snap.batch import join_programs
from ...sim.snap.beats import block_sums, program_inputs, program_outputs
from ...sim.snap.check import check_program
from ...sim.snap.estimate import fastest_row_taps
from ...sim.snap.golden import core_sums, scatter_sums
from ...sim.snap.mapping import map_convolution, map_fully_connected
from ...sim.snap.program import CoreProgram
from ...sim.snap.ways import LayerSizes, Way
from ..contract import Image
from ..jobs import Job

__all__ = ["SnapProgram", "map_job", "map_rows", "map_way"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class SnapProgram:
    """See `run.contract.Program`.

    Parameters
    ----------
    config, core
        The core and its streams.
    shape
        The result's.
    """

    config: SnapConfig
    core: CoreProgram
    shape: tuple[int, ...]

    def inputs(self) -> dict[str, Any]:
        """Beats of the weight, activation and command streams."""
        return program_inputs(self.core)

    def outputs(self) -> dict[str, int]:
        """Sums by port."""
        return program_outputs(self.config, self.core)

    def memories(self) -> dict[str, Image]:
        """None: the core has streams alone."""
        return {}

    def software(self) -> tuple[()]:
        """None: there are no registers."""
        return ()

    def assemble(self, outputs: Mapping[str, Any]) -> np.ndarray:
        """Add the sums of the ports at their places."""
        return self._scatter(block_sums(self.config, self.core, outputs))

    def golden(self) -> np.ndarray:
        """The result that the streams stand for."""
        return self._scatter(core_sums(self.config, self.core))

    def _scatter(self, sums: list[np.ndarray]) -> np.ndarray:
        size = int(np.prod(self.shape, dtype=object))
        return scatter_sums(self.core, sums, size, self.config.psum_bits).reshape(self.shape)


def map_job(config: SnapConfig, job: Job) -> SnapProgram:
    """Map a job; see `Engine.map`.

    Images follow one another. A product of one row is a fully connected layer, one of more rows a 1x1 convolution of an
    image of one line.
    """
    options: Any = {"names": job.names, "wraps": job.wraps}
    if job.convolution is not None:
        a, b = check_tensors(job.names, (job.a, job.b), ("N x H x W x C", "R x S x C / groups x K"))
        programs = [map_convolution(config, image, b, **job.convolution, **options) for image in a]
        shape = ConvolutionGeometry.of(a.shape, b.shape, **job.convolution, names=job.names).output_shape
        core = join_programs(programs, int(np.prod(shape[1:])))
    else:
        a, b = check_tensors(job.names, (job.a, job.b), ("M x K", "K x N"))
        if len(a) == 1:
            core = map_fully_connected(config, a[0], b, **options)
        else:
            rule = f"the {a.shape[1]} columns of {job.names[0]}"
            check(f"rows of {job.names[1]}", len(b) == a.shape[1], rule, len(b))
            core = map_convolution(config, a[None], b[None, None], **options)
        shape = (len(a), b.shape[1])
    check_program(config, core)
    return SnapProgram(config=config, core=core, shape=shape)


def map_way(config: SnapConfig, job: Job, name: str) -> tuple[SnapProgram, Way]:
    """Map a convolution of one image in the paper's dataflow ("diagonals") or in the best "row taps", and say how."""
    assert job.convolution is not None and len(job.a) == 1
    geometry = ConvolutionGeometry.of(job.a.shape, job.b.shape, **job.convolution, names=job.names)
    sizes = LayerSizes.of(geometry, job.a.shape[1:])
    way = fastest_row_taps(config, sizes, job.a[0], job.b) if name == "row taps" else Way()
    core = map_convolution(config, job.a[0], job.b, **job.convolution, way=way, names=job.names, wraps=job.wraps)
    check_program(config, core)
    return SnapProgram(config=config, core=core, shape=geometry.output_shape), way


def map_rows(config: SnapConfig, job: Job) -> SnapProgram:
    """Map a product row by row: fully connected layers at batch 1, one after the other."""
    columns = job.b.shape[1]
    core = join_programs([map_fully_connected(config, row, job.b, wraps=job.wraps) for row in job.a], columns)
    return SnapProgram(config=config, core=core, shape=(len(job.a), columns))
