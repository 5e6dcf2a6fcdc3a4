"""What an engine is asked to compute: a product or a convolution of two tensors."""

import dataclasses
from typing import TYPE_CHECKING

from ..hw.config import check_int, check_number

if TYPE_CHECKING:
    import numpy as np

    from ..sim.golden.geometry import ConvolutionSteps
    from ..sim.workloads.layers import LayerShape

__all__ = ["Job", "check_pauses", "golden", "layer_job"]

MOST_STALL = 0.99
"""Probability of a pause at most: with more, a job would hardly end."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Job:
    """A product or a convolution; a `ConfigError` if it is so large that no machine simulates it.

    Parameters
    ----------
    name
        What it is called in tables and messages.
    a
        Activations: M x K of a product, N x H x W x C of a convolution.
    b
        Weights: K x N of a product, R x S x C / groups x K of a convolution.
    convolution
        Stride, padding, dilation and groups, or None for a product.
    wraps
        Accept sums that wrap around in the engine's accumulators.
    names
        What errors call the two tensors.
    """

    name: str
    a: "np.ndarray"
    b: "np.ndarray"
    convolution: "ConvolutionSteps | None" = None
    wraps: bool = False
    names: tuple[str, str] = ("a", "b")

    def __post_init__(self) -> None:
        from ..sim.golden.tensors import check_elements

        for name, tensor in zip(self.names, (self.a, self.b), strict=True):
            check_elements(name, tensor.shape)
        if self.convolution is None:  # that of a convolution depends on its steps, and is checked with them
            check_elements("result", [*self.a.shape[:-1], *self.b.shape[1:]])


def check_pauses(stall: object, seed: object, names: tuple[str, str] = ("stall", "seed")) -> tuple[float, int]:
    """Return the probability that a stream pauses in a cycle, and the seed of the pauses, if they are such.

    Raises
    ------
    ConfigError
        With one of `names`: if the probability is not from 0 to 0.99, or the seed not an integer of at least 0.
    """
    return check_number(names[0], stall, 0, MOST_STALL), check_int(names[1], seed, 0)


def golden(job: Job) -> "np.ndarray":
    """Result of the golden model, int64: what the maths says, whatever runs it."""
    from ..sim.golden.convolution import convolution
    from ..sim.golden.matmul import matmul

    return matmul(job.a, job.b) if job.convolution is None else convolution(job.a, job.b, **job.convolution)


def layer_job(
    layer: "LayerShape", ia_density: float = 1.0, w_density: float = 1.0, *, bits: int = 8, seed: int = 1
) -> Job:
    """Make a job of a layer with random sparse tensors; a fully connected layer is a product of one row.

    Parameters
    ----------
    layer
        Sizes.
    ia_density, w_density
        Probability that an activation and a weight is not zero.
    bits
        Width of the numbers; up to 8 they are int8, else int16.
    seed
        Of the random numbers.

    Raises
    ------
    TypeError, ConfigError
        For sizes that make no convolution, and densities out of range.
    """
    import numpy as np

    from ..sim.workloads.layers import random_tensors

    x, w = random_tensors(layer, ia_density, w_density, seed, min(bits, 16))
    if bits <= 8:
        x, w = x.astype(np.int8), w.astype(np.int8)
    name = f"{layer.name} {layer.text} at density {ia_density:g}/{w_density:g}"
    if layer.fully_connected:
        return Job(name=name, a=x.reshape(1, -1), b=w.reshape(w.shape[2:]))
    return Job(name=name, a=x[None], b=w, convolution=layer.steps)
