"""What the machine is given: jobs, memory contents, activations."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check, check_int
from ...hw.eie.config import EieConfig
from ...hw.errors import ConfigError
from ..formats.packed import pack_lines, pack_pointers
from ..golden.tensors import check_tensor

__all__ = ["EieProgram", "Job", "Load", "check_jobs", "output_position"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One pass over an input vector.

    Parameters
    ----------
    columns
        Activations that it takes: as many from the first of line `source` on.
    source, destination
        Lines of the activation memory where its inputs and outputs begin.
    pointers
        Address of the pointer of column 0, the same in all clusters; even. Column j is from the entry that pointer
        ``pointers + j`` says to before that of the next one.
    slots
        Rows of a cluster that it gives.
    codebook
        Its number.
    shift
        Sums are divided by ``2**shift``.
    relu
        Whether negative outputs become 0.
    keep
        Whether it leaves its sums where they are, for the next job to add to, instead of giving outputs.
    """

    columns: int
    source: int
    pointers: int
    slots: int
    destination: int
    codebook: int
    shift: int
    relu: bool = True
    keep: bool = False

    def source_lines(self, config: EieConfig) -> int:
        """Lines of its inputs."""
        return -(-self.columns // config.line_activations)

    def output_lines(self, config: EieConfig) -> int:
        """Lines of its outputs."""
        return 0 if self.keep else -(-self.slots // config.readout_rows)


def check_jobs(config: EieConfig, jobs: Sequence[Job]) -> None:
    """Refuse jobs that the machine can't do.

    Raises
    ------
    ConfigError
        With the number of the job: it needs more than there is of a memory, would overwrite its inputs, or doesn't go
        on with the sums that the one before has left.
    """
    kept = 0
    for number, job in enumerate(jobs):
        try:
            _check_job(config, job)
            check("slots", kept in (0, job.slots), f"{kept}, as those of the sums that are kept", job.slots)
        except ConfigError as error:
            raise ConfigError(f"job {number}: {error}") from None
        kept = job.slots if job.keep else 0
    check("keep", not kept, "false in the last job", True)


def _check_job(config: EieConfig, job: Job) -> None:
    check_int("columns", job.columns, 1, config.pointers - 1)
    check_int("source", job.source, 0, config.activation_lines - job.source_lines(config))
    check_int("pointers", job.pointers, 0, config.pointers - job.columns - 1)
    check("pointers", job.pointers % 2 == 0, "even", job.pointers)
    check_int("slots", job.slots, 1, config.rows)
    check_int("codebook", job.codebook, 0, config.codebooks - 1)
    check_int("shift", job.shift, 0, config.psum_bits - 1)
    lines = job.output_lines(config)
    check_int("destination", job.destination, 0, config.activation_lines - lines)
    apart = job.destination >= job.source + job.source_lines(config) or job.destination + lines <= job.source
    check("destination", apart or not lines, "outside of the lines that the job reads", job.destination)


def output_position(config: EieConfig, owners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Activation in which the row in a cluster's slot comes out, from the first of the job's destination on.

    Of a cycle's line, cluster c gives the activations from ``readout_rows * c`` on.
    """
    group, within = np.divmod(places, config.readout_rows)
    return group * config.line_activations + config.readout_rows * owners + within


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Load:
    """What is loaded together, and the jobs that it is for.

    Parameters
    ----------
    pointers
        ``[clusters, words]``: absolute addresses of entries.
    codes, indices
        By cluster: entries of its matrix memory, whole lines of them.
    jobs
        In order.
    """

    pointers: np.ndarray
    codes: list[np.ndarray]
    indices: list[np.ndarray]
    jobs: list[Job]

    def matrix_lines(self, config: EieConfig, cluster: int) -> list[int]:
        """Lines of a cluster's matrix memory, from address 0 on, as numbers."""
        codes, indices = self.codes[cluster], self.indices[cluster]
        return pack_lines(codes, indices, config.code_bits, config.index_bits, config.line_entries)

    def pointer_banks(self, cluster: int) -> tuple[np.ndarray, np.ndarray]:
        """Words of a cluster's two pointer memories, from address 0 on."""
        return pack_pointers(self.pointers[cluster])


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class EieProgram:
    """A chain of layers on a machine.

    Parameters
    ----------
    inputs
        Activations that the first layer takes, from line 0 on.
    codebooks
        Weights of each code of each codebook.
    constants
        ``{line: activations}`` that are written before the first job.
    loads
        One if all layers are resident.
    output_line, order
        Where the last layer's outputs begin, and by output the activation from there on that has it.
    """

    inputs: int
    codebooks: np.ndarray
    constants: dict[int, np.ndarray]
    loads: list[Load]
    output_line: int
    order: np.ndarray

    @property
    def jobs(self) -> list[Job]:
        """Of all loads."""
        return [job for load in self.loads for job in load.jobs]

    def activations(self, config: EieConfig, inputs: np.ndarray) -> np.ndarray:
        """The activation memory before the first job, ``[lines, line_activations]``.

        Raises
        ------
        ConfigError
            If there are not as many inputs, or one needs more bits.
        """
        inputs = check_tensor("inputs", inputs, "inputs")
        check("inputs", len(inputs) == self.inputs, f"{self.inputs}", len(inputs))
        limit = 1 << config.data_bits - 1
        for extreme in (int(inputs.min()), int(inputs.max())):
            if not -limit <= extreme < limit:
                raise ConfigError(f"inputs must be from {-limit} to {limit - 1}, not {extreme}", field="inputs")
        memory = np.zeros((config.activation_lines, config.line_activations), np.int64)
        memory.ravel()[: len(inputs)] = inputs
        for line, values in self.constants.items():
            memory[line, : len(values)] = values
        return memory

    def outputs(self, config: EieConfig, memory: np.ndarray) -> np.ndarray:
        """The last layer's outputs from the activation memory after the last job."""
        return memory.ravel()[self.output_line * config.line_activations + self.order]
