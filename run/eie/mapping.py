"""Jobs mapped onto EIE: a product is a fully connected layer for each row of its activations."""

import numpy as np

from ...hw.config import check
from ...hw.eie.config import EieConfig
from ...sim.eie.golden import Layer
from ...sim.eie.mapping import map_layers
from ...sim.formats.coded import CodedMatrix
from ...sim.golden.fixed_point import round_shift
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.golden.im2col import im2col, kernel_matrix
from ...sim.golden.tensors import check_tensors
from ..jobs import Job, golden
from .program import LayersProgram

__all__ = ["expected", "map_job", "output_shift"]


def output_shift(sums: np.ndarray, bits: int) -> int:
    """The least shift with which none of these sums saturates."""
    limit, shift = 1 << bits - 1, 0
    while not (-limit <= round_shift(sums.min(), shift, 62) and round_shift(sums.max(), shift, 62) < limit):
        shift += 1
    return shift


def expected(config: EieConfig, job: Job) -> np.ndarray:
    """The result of a job: its sums, divided by the power of two of `output_shift`, rounded half upwards."""
    sums = golden(job)
    return round_shift(sums, output_shift(sums, config.data_bits), config.data_bits)


def map_job(config: EieConfig, job: Job) -> LayersProgram:
    """Map a product, or a convolution as a product with a row for each position of the kernels; see `Engine.map`.

    What lies in the memories stays there for all rows, if it fits; if not, it is loaded again for each of them.
    """
    names = job.names
    if job.convolution is None:
        vectors, weights = check_tensors(names, (job.a, job.b), ("M x K", "K x N"))
        check(
            f"rows of {names[1]}",
            len(weights) == vectors.shape[1],
            f"the {vectors.shape[1]} of {names[0]}",
            len(weights),
        )
        shape = len(vectors), weights.shape[1]
    else:
        x, w = check_tensors(names, (job.a, job.b), ("N x H x W x C", "R x S x C / groups x K"))
        geometry = ConvolutionGeometry.of(x.shape, w.shape, **job.convolution, names=names)
        patches, kernels = im2col(x, geometry), kernel_matrix(w, geometry)
        groups, rows, depth = patches.shape
        vectors = patches.transpose(1, 0, 2).reshape(rows, groups * depth)
        weights = np.zeros((groups, depth, groups, kernels.shape[2]), w.dtype)
        weights[np.arange(groups), :, np.arange(groups)] = kernels
        weights = weights.reshape(groups * depth, groups * kernels.shape[2])
        shape = geometry.output_shape
    limit = 1 << config.data_bits - 1
    for extreme in (int(vectors.min()), int(vectors.max())):
        check(names[0], -limit <= extreme < limit, f"from {-limit} to {limit - 1}", extreme)
    layer = Layer(
        matrix=_coded(config, weights, names[1]), shift=output_shift(golden(job), config.data_bits), relu=False
    )
    return LayersProgram(
        config=config, layers=map_layers(config, [layer], reload=True), vectors=vectors.astype(np.int64), shape=shape
    )


def _coded(config: EieConfig, weights: np.ndarray, name: str) -> CodedMatrix:
    """Weights, inputs x outputs, as codes into a codebook of those that there are."""
    limit = 1 << config.data_bits - 1
    for extreme in (int(weights.min()), int(weights.max())):
        check(name, -limit <= extreme < limit, f"from {-limit} to {limit - 1}", extreme)
    codebook = np.unique(weights[weights != 0].astype(np.int64))
    rule = f"of at most {config.codes - 1} different values besides 0, as a codebook has {config.codes}"
    check(name, len(codebook) < config.codes, rule, len(codebook))
    codes = np.where(weights == 0, 0, 1 + np.searchsorted(codebook, weights))
    return CodedMatrix.encode(codes.T, np.append(0, codebook))
