"""Bottleneck blocks of ResNet-50 as layers of the chip: 1x1, 3x3, and 1x1 to which the block's input is added."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ...hw.config import check
from ..golden.convolution import convolution
from ..golden.requantize import requantize
from ..golden.residual_add import residual_add, residual_terms
from ..workloads.layers import LayerShape, random_tensors
from .layers import Convolution, Residual, Tensor

__all__ = ["INPUT", "OUTPUTS", "Bottleneck", "random_bottleneck", "scale_sums"]

INPUT, OUTPUTS = "x", ("a", "b", "y")
"""Names of a block's input, and of what its layers make."""

SPREAD, MIDDLE = 32, 128
"""Standard deviation of requantized sums, and zero point of those that the input is added to."""

INPUT_SCALE, OUTPUT_SCALE = 0.25, 0.3
"""Of a block's input and output, in units of the last layer's sums: few of the outputs saturate, but some do."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Bottleneck:
    """A block with random weights and a random input.

    Parameters
    ----------
    layers
        For the compiler: each is the source of the next, and the last adds the first one's.
    values
        The block's input and all outputs by name, uint8, from the maths alone.
    macs
        Products of two values that are not 0.
    """

    layers: Sequence[Convolution]
    values: dict[str, np.ndarray]
    macs: int

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The tensor that no layer makes."""
        height, width, channels = self.values[INPUT].shape
        return {INPUT: Tensor(height=height, width=width, channels=channels)}

    @property
    def densities(self) -> dict[str, float]:
        """Share of values that are not 0, by name of tensor."""
        return {name: float(np.mean(values != 0)) for name, values in self.values.items()}


def random_bottleneck(shapes: Sequence[LayerShape], densities: tuple[float, float], seed: int) -> Bottleneck:
    """Draw weights and input, and choose biases so that every rectified output is about as dense as the input.

    Parameters
    ----------
    shapes
        Of three layers; the last one's output is as large as the first one's input.
    densities
        Of activations and weights.
    seed
        Of the first layer; the others have the next ones.

    Raises
    ------
    ConfigError
        If the layers make no block.
    """
    first, _ = random_tensors(shapes[0], *densities, seed, bits=8)
    x = first.astype(np.uint8)
    layers, values, source, macs = [], {INPUT: x}, INPUT, 0
    for number, (shape, target) in enumerate(zip(shapes, OUTPUTS, strict=True)):
        entry = values[source]
        check(f"input of {shape.name}", shape.x_shape == entry.shape, f"of shape {entry.shape}", shape.x_shape)
        weights = random_tensors(shape, *densities, seed + number, bits=8)[1].astype(np.int8)
        sums, pairs = (
            convolution(a[None], w, **shape.steps)[0]
            for a, w in ((entry, weights), ((entry != 0).view(np.int8), (weights != 0).view(np.int8)))
        )
        macs += int(pairs.sum())
        last = target == OUTPUTS[-1]
        check(f"output of {shape.name}", not last or sums.shape == x.shape, f"of shape {x.shape}", sums.shape)
        scale, values[target] = scale_sums(sums, densities[0], (INPUT, x) if last else None)
        layers.append(Convolution(source=source, target=target, weights=weights, **scale, **shape.steps))
        source = target
    return Bottleneck(layers=layers, values=values, macs=macs)


def scale_sums(
    sums: np.ndarray,
    density: float,
    added: tuple[str, np.ndarray] | None = None,
    pool: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[dict, np.ndarray]:
    """Choose a layer's scales so that of each kernel the greatest outputs are positive, the others 0.

    Of a single pixel it is the greatest of all kernels.

    Parameters
    ----------
    sums
        Lines x columns x kernels.
    density
        Share of outputs that are positive.
    added
        Name and values of what is added, if anything is.
    pool
        What the outputs are pooled by, if that is what has the density.

    Returns
    -------
    dict, numpy.ndarray
        Fields of the `Convolution`, and its outputs, uint8.
    """
    axes = (0, 1) if sums.shape[0] * sums.shape[1] > 1 else None
    spread = np.broadcast_to(sums.std(axes), sums.shape[2:])
    factors = (SPREAD / np.maximum(spread, 1)).astype(np.float32)  # of a kernel without weights too
    residual = 0 if added is None else INPUT_SCALE * added[1]
    scaled = (pool(sums) if pool else sums) * factors + residual
    # what is at least a half is rounded to a positive number
    bias = np.rint((0.5 - np.quantile(scaled, 1 - density, axis=axes)) / factors).astype(np.int32)
    fields = {"bias": bias, "factors": factors}
    if added is None:
        return fields, requantize(sums + bias, factors)
    terms = residual_terms(1, MIDDLE, INPUT_SCALE, 0, OUTPUT_SCALE, 0)
    sum_factor, factor, offset = map(float, terms)
    more = Residual(tensor=added[0], zero=0, sum_factor=sum_factor, factor=factor, offset=offset)
    output = residual_add(requantize(sums + bias, factors, MIDDLE), added[1], terms, 0, 255).astype(np.uint8)
    return fields | {"zero": MIDDLE, "residual": more}, output
