"""Random jobs that a machine can do."""

import dataclasses

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.program import Job

__all__ = ["any_job", "job_values"]


def any_job(config: EieConfig, rng: np.random.Generator) -> Job:
    """A legal job, often of as many columns, or as high in the memories, as can be."""
    width = config.line_activations
    most = min(config.pointers - 1, (config.activation_lines - 1) * width)
    columns = int(rng.choice([1, most, int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))]))
    lines = -(-columns // width)
    slots = int(rng.integers(1, config.rows + 1))
    room = config.activation_lines - lines
    slots = min(slots, room * config.readout_rows)
    written = -(-slots // config.readout_rows)
    gap = int(rng.integers(0, room - written + 1))
    first = int(rng.integers(0, room - written - gap + 1))
    source, destination = (first, first + lines + gap) if rng.integers(2) else (first + written + gap, first)
    pointers = (config.pointers - columns - 1) // 2
    return Job(
        columns=columns, source=source, pointers=2 * int(rng.choice([0, pointers, int(rng.integers(pointers + 1))])),
        slots=slots, destination=destination, codebook=int(rng.integers(config.codebooks)),
        shift=int(rng.integers(config.psum_bits)), relu=bool(rng.integers(2)), keep=bool(rng.integers(2)),
    )  # fmt: skip


def job_values(job: Job) -> dict[str, int]:
    """The job as `hw.eie.machine_layouts.job_layout` has it."""
    return {name: int(value) for name, value in dataclasses.asdict(job).items()}
