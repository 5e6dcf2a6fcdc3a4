"""Compressed fully connected layers: the nine of the EIE paper, and random tensors with their densities."""

import dataclasses

import numpy as np

from ...hw.config import check, check_int, check_number
from ..formats.coded import CodedMatrix

__all__ = ["COMPRESSED_LAYERS", "CompressedLayer", "random_compressed"]

CHUNK = 1 << 22
"""Weights that are drawn together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressedLayer:
    """A layer, and what the paper says of it (Tables III and IV).

    Parameters
    ----------
    name
        ``network/layer``.
    inputs, outputs
        Sizes.
    w_density, ia_density
        Shares of weights and of activations that are not zero.
    theoretical_us, actual_us
        Microseconds on 64 PEs at 800 MHz, fillers counted as work: if all were busy all the time, and as they are.
    """

    name: str
    inputs: int
    outputs: int
    w_density: float
    ia_density: float
    theoretical_us: float = 0.0
    actual_us: float = 0.0

    @property
    def products(self) -> float:
        """Products of two non-zeros to expect."""
        return self.inputs * self.outputs * self.w_density * self.ia_density

    @property
    def actual_over_ideal(self) -> float:
        """The paper's cycles by those in which 64 PEs could do the products alone."""
        return self.actual_us * 800 / (self.products / 64)


def _layer(name: str, inputs: int, outputs: int, w: float, ia: float, theory: float, actual: float) -> CompressedLayer:
    return CompressedLayer(
        name=name, inputs=inputs, outputs=outputs, w_density=w, ia_density=ia, theoretical_us=theory, actual_us=actual
    )


COMPRESSED_LAYERS = [
    _layer("alexnet/fc6", 9216, 4096, 0.09, 0.351, 28.1, 30.3),
    _layer("alexnet/fc7", 4096, 4096, 0.09, 0.353, 11.7, 12.2),
    _layer("alexnet/fc8", 4096, 1000, 0.25, 0.375, 8.9, 9.9),
    _layer("vgg16/fc6", 25088, 4096, 0.04, 0.183, 28.1, 34.4),
    _layer("vgg16/fc7", 4096, 4096, 0.04, 0.375, 7.9, 8.7),
    _layer("vgg16/fc8", 4096, 1000, 0.23, 0.411, 7.3, 8.4),
    _layer("neuraltalk/we", 4096, 600, 0.10, 1.0, 5.2, 8.0),
    _layer("neuraltalk/wd", 600, 8791, 0.11, 1.0, 13.0, 13.9),
    _layer("neuraltalk/lstm", 1201, 2400, 0.11, 1.0, 6.5, 7.5),
]
"""The paper's benchmark. The theoretical time of ``vgg16/fc6`` equals that of ``alexnet/fc6``, likely a slip. Of the
LSTM it is the matrix alone."""


def random_compressed(
    layer: CompressedLayer,
    seed: int,
    *,
    codes: int = 16,
    bits: int = 16,
    row_spread: float = 0.13,
    column_spread: float = 0.10,
) -> tuple[CodedMatrix, np.ndarray]:
    """Random weights and activations whose elements are zero independently of each other.

    Parameters
    ----------
    layer
        Sizes and densities.
    seed
        Of the generator; the same tensors on every machine.
    codes
        Weights of the codebook, of which code 0 is 0 and the others are not.
    bits
        Width of the numbers, two's complement.
    row_spread, column_spread
        Coefficients of variation of the rows' and the columns' densities, as pruned layers have them.

    Returns
    -------
    tuple[CodedMatrix, numpy.ndarray]
        Weights, and activations; where some are zero, the others are positive, as a ReLU gives them.
    """
    check_int("seed", seed, 0)
    check_int("codes", codes, 2, 256)
    check_int("bits", bits, 2, 16)
    check("codes", codes <= 1 << bits, f"at most {1 << bits}, as there are {bits} bits", codes)
    check_number("w_density", layer.w_density, 0, 1)
    check_number("ia_density", layer.ia_density, 0, 1)
    generator, limit = np.random.default_rng(seed), 1 << bits - 1
    rows, columns = (
        np.clip(generator.normal(1, spread, size), 0.3, 2)
        for spread, size in ((row_spread, layer.outputs), (column_spread, layer.inputs))
    )
    rows *= layer.w_density / rows.mean()
    columns /= columns.mean()
    owners, indices = [], []
    for first in range(0, layer.inputs, step := max(1, CHUNK // layer.outputs)):
        part = columns[first : first + step, None] * rows[None, :]
        column, row = np.nonzero(generator.random(part.shape, np.float32) < part)
        owners.append(column + first)
        indices.append(row)
    pointers = np.append(0, np.cumsum(np.bincount(np.concatenate(owners), minlength=layer.inputs)))
    codebook = np.append(0, generator.choice(np.delete(np.arange(-limit, limit), limit), codes - 1, replace=False))
    matrix = CodedMatrix(
        layer.outputs, pointers, np.concatenate(indices), generator.integers(1, codes, pointers[-1], np.uint8), codebook
    )
    low = 1 if layer.ia_density < 1 else -limit
    values = generator.integers(low, limit, layer.inputs)
    values[values == 0] = 1
    return matrix, values * (generator.random(layer.inputs) < layer.ia_density)
