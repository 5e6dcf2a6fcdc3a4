"""Golden model of EIE: layers as the field writes them, and jobs from the formats of the memories alone.

``b = f(W a)``: products are added exactly, sums are divided by a power of two, rounded (half upwards), saturated to the
width of activations, and negative ones become 0 if the layer asks for it.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check, check_int
from ...hw.eie.config import EieConfig
from ...hw.errors import ConfigError, wrong_type
from ..formats.coded import CodedMatrix
from ..formats.csc import InterleavedColumns, interleaved_rows
from ..formats.runs import FormatError
from ..golden.fixed_point import round_shift
from .program import EieProgram, Job, Load, check_jobs, output_position

__all__ = ["Layer", "finish", "infer", "product", "read_job", "run"]

EXACT = 1 << 53
"""Sums below this are exact in float64, which numpy adds faster."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """A fully connected layer.

    Parameters
    ----------
    matrix
        Weights, outputs x (inputs and constants).
    shift
        Sums are divided by ``2**shift``.
    relu
        Whether negative outputs become 0.
    constants
        Activations behind the inputs that are always the same: a bias is a column with a constant.
    activity
        By input: how often it is not zero, to balance the work; by default all alike.
    """

    matrix: CodedMatrix
    shift: int
    relu: bool = True
    constants: tuple[int, ...] = ()
    activity: np.ndarray | None = None

    @property
    def inputs(self) -> int:
        """Activations that it takes, without constants."""
        return self.matrix.columns - len(self.constants)

    def check(self) -> None:
        """Refuse what is no such layer.

        Raises
        ------
        TypeError
            If an array of the matrix is not of integers, or the activity not one of numbers.
        FormatError
            For a malformed matrix.
        ConfigError
            If all columns are constants, or the activity is not of a number, 0 or more, for each input.
        """
        self.matrix.check()
        columns, count = self.matrix.columns, len(self.constants)
        check("constants", count < columns, f"fewer than the {columns} columns of the matrix", count)
        if self.activity is None:
            return
        if not isinstance(self.activity, np.ndarray) or self.activity.dtype.kind not in "iuf":
            raise wrong_type("activity", "an array of numbers", self.activity)
        check("activity", self.activity.shape == (self.inputs,), f"of shape {(self.inputs,)}", self.activity.shape)
        for value in self.activity[~((self.activity >= 0) & np.isfinite(self.activity))][:1].tolist():
            check("activity", False, "of finite numbers, 0 or more", value)


def product(matrix: CodedMatrix, activations: np.ndarray) -> np.ndarray:
    """``W a`` in exact integers."""
    check_int("activations", len(activations), matrix.columns, matrix.columns)
    counts = np.diff(matrix.pointers)
    active = np.repeat(activations != 0, counts)
    rows, weights = matrix.indices[active], matrix.weights[active].astype(np.int64)
    products = weights * np.repeat(activations.astype(np.int64), counts)[active]
    if float(np.abs(products).sum(dtype=np.float64)) < EXACT:
        return np.bincount(rows, weights=products, minlength=matrix.rows).astype(np.int64)
    sums = np.zeros(matrix.rows, np.int64)
    np.add.at(sums, rows, products)
    return sums


def finish(sums: np.ndarray, shift: int, relu: bool, bits: int) -> np.ndarray:
    """Activations of `bits` from sums."""
    outputs = round_shift(sums, shift, bits)
    return np.maximum(outputs, 0) if relu else outputs


def infer(layers: Sequence[Layer], inputs: np.ndarray, bits: int = 16) -> list[np.ndarray]:
    """Outputs of each layer of a chain."""
    outputs = [inputs]
    for layer in layers:
        sums = product(layer.matrix, np.append(outputs[-1], layer.constants).astype(np.int64))
        outputs.append(finish(sums, layer.shift, layer.relu, bits))
    return outputs[1:]


def read_job(config: EieConfig, load: Load, job: Job, codebook: np.ndarray) -> InterleavedColumns:
    """The columns of a job as the memories hold them, not checked yet; a row for every slot of every cluster.

    Raises
    ------
    FormatError
        If pointers lead beyond the entries; with cluster and position in the job.
    """
    words = load.pointers[:, job.pointers : job.pointers + job.columns + 1].astype(np.int64)
    codes, indices = [], []
    for cluster, pointers in enumerate(words):
        limit = len(load.codes[cluster])
        for at in np.flatnonzero((pointers < 0) | (pointers > limit))[:1].tolist():
            raise FormatError(f"pointers of PE {cluster}: [{at}] must be from 0 to {limit}, not {pointers[at]}")
        codes.append(load.codes[cluster][pointers[0] : pointers[-1]])
        indices.append(load.indices[cluster][pointers[0] : pointers[-1]])
    owners, places = interleaved_rows(config.clusters * job.slots, config.clusters)
    return InterleavedColumns(
        owners=owners, places=places, relative=config.relative, index_bits=config.index_bits,
        pointers=words - words[:, :1], codes=np.concatenate(codes), indices=np.concatenate(indices),
        codebook=codebook,
    )  # fmt: skip


def run(config: EieConfig, program: EieProgram, inputs: np.ndarray) -> list[np.ndarray]:
    """Run all jobs; the activation memory before each of them, and after the last.

    Raises
    ------
    ConfigError
        With the number of the job: it is not possible on this machine, or a sum needs more bits than there are.
    FormatError
        With the number of the job: its columns are malformed.
    """
    check_jobs(config, program.jobs)
    memory = program.activations(config, inputs)
    states, kept, number = [memory], np.zeros(config.total_rows, np.int64), 0
    for load in program.loads:
        for job in load.jobs:
            try:
                memory, kept = _run_job(config, program, load, job, memory, kept)
            except (ConfigError, FormatError) as error:
                raise type(error)(f"job {number}: {error}") from None
            states.append(memory)
            number += 1
    return states


def _run_job(
    config: EieConfig, program: EieProgram, load: Load, job: Job, memory: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    matrix = read_job(config, load, job, program.codebooks[job.codebook]).decode()
    first = job.source * config.line_activations
    sums = kept.copy()
    sums[: matrix.rows] += product(matrix, memory.ravel()[first : first + job.columns])
    limit = 1 << config.psum_bits - 1
    extreme = int(np.abs(sums).max())
    check("sums", extreme < limit, f"of {config.psum_bits} bits", extreme)
    if job.keep:
        return memory, sums
    owners, places = interleaved_rows(matrix.rows, config.clusters)
    memory = memory.copy()
    lines = memory[job.destination : job.destination + job.output_lines(config)]
    lines[:] = 0
    outputs = finish(sums[: matrix.rows], job.shift, job.relu, config.data_bits)
    lines.ravel()[output_position(config, owners, places)] = outputs
    return memory, np.zeros_like(sums)
