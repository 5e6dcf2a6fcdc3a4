"""Layers of a network as the compiler takes them, with tensors by name."""

import dataclasses

import numpy as np

from ...hw.config import check, check_bool, check_int
from ..golden.geometry import ConvolutionGeometry, Padding, Steps
from ..golden.tensors import check_tensors

__all__ = ["Convolution", "Layer", "MaxPool", "Residual", "Tensor", "fully_connected", "global_average"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor of 8-bit values.

    Parameters
    ----------
    height, width, channels
        Lines, columns, channels.
    zero
        Zero point.
    signed
        Whether values are int8, not uint8.
    """

    height: int
    width: int
    channels: int
    zero: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        for field in ("height", "width", "channels"):
            check_int(field, getattr(self, field), 1, 1 << 12)
        check_bool("signed", self.signed)
        check_int("zero", self.zero, *self.limits)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lines, columns, channels."""
        return self.height, self.width, self.channels

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest value."""
        return (-128, 127) if self.signed else (0, 255)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Residual:
    """A tensor that is added to the requantized sums: ``clip(round(sum_factor * sum + (factor * residual + offset)))``.

    Parameters
    ----------
    tensor
        Its name; of the same shape as the output.
    sum_factor, factor, offset
        float32; see `residual_terms` of the golden model.
    zero, low, high
        Zero point and ends of the output.
    """

    tensor: str
    sum_factor: float
    factor: float
    offset: float
    zero: int
    low: int
    high: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Convolution:
    """A convolution, its sums requantized, and optionally a residual added.

    Parameters
    ----------
    source, target
        Names of input and output.
    weights
        R x S x C / groups x K, int8, zero point 0.
    bias
        int32 by kernel.
    factors
        float32 by kernel.
    stride, padding, dilation, groups
        As in `ConvolutionGeometry.of`.
    zero, low, high
        Zero point and ends of the requantized sums: those of the output unless there is a residual.
    signed
        Whether these, residual and output are int8, not uint8.
    """

    source: str
    target: str
    weights: np.ndarray
    bias: np.ndarray
    factors: np.ndarray
    stride: Steps = 1
    padding: Padding = 0
    dilation: Steps = 1
    groups: int = 1
    zero: int = 0
    low: int = 0
    high: int = 255
    signed: bool = False
    residual: Residual | None = None

    def geometry(self, source: Tensor) -> ConvolutionGeometry:
        """Sizes, checked, as are the types of all arrays."""
        names, layouts = ("weights", "bias"), ("R x S x C / groups x K", "K")
        check_tensors(names[:1], (self.weights,), layouts[:1], {np.dtype(np.int8)})
        check_tensors(names[1:], (self.bias,), layouts[1:], {np.dtype(np.int32)})
        kernels = self.weights.shape[3]
        check("bias", self.bias.shape == (kernels,), f"of shape {(kernels,)}", self.bias.shape)
        factors = np.asarray(self.factors, np.float32)
        check("factors", factors.shape == (kernels,), f"of shape {(kernels,)}", factors.shape)
        check("factors", bool((np.isfinite(factors) & (factors > 0)).all()), "positive and finite", self.factors)
        return ConvolutionGeometry.of(
            (1, *source.shape), self.weights.shape, self.stride, self.padding, self.dilation, self.groups,
            names=(self.source, "weights"),
        )  # fmt: skip

    def output(self, source: Tensor) -> Tensor:
        """The output, for this input."""
        _, height, width, channels = self.geometry(source).output_shape
        zero = self.residual.zero if self.residual else self.zero
        return Tensor(height=height, width=width, channels=channels, zero=zero, signed=self.signed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaxPool:
    """Maximum over a window; padding doesn't count.

    Parameters
    ----------
    source, target
        Names of input and output.
    kernel, stride
        Down and across.
    padding
        As in `side_padding`.
    """

    source: str
    target: str
    kernel: tuple[int, int]
    stride: Steps = 1
    padding: Padding = 0

    def geometry(self, source: Tensor) -> ConvolutionGeometry:
        """Sizes, checked: those of a depthwise convolution."""
        shape = (*self.kernel, 1, source.channels)
        return ConvolutionGeometry.of(
            (1, *source.shape), shape, self.stride, self.padding, 1, source.channels, names=(self.source, "kernel")
        )

    def output(self, source: Tensor) -> Tensor:
        """The output, for this input."""
        _, height, width, _ = self.geometry(source).output_shape
        return dataclasses.replace(source, height=height, width=width)


Layer = Convolution | MaxPool


def fully_connected(tensor: Tensor, weights: np.ndarray, **fields) -> Convolution:
    """A matrix product with the whole input: the convolution over its map.

    Parameters
    ----------
    tensor
        The input.
    weights
        Inputs (line, column, channel) x K, int8.
    fields
        Of `Convolution`.
    """
    check("weights", len(weights) == np.prod(tensor.shape), f"of {int(np.prod(tensor.shape))} rows", len(weights))
    return Convolution(weights=weights.reshape(*tensor.shape, -1), **fields)


def global_average(tensor: Tensor, scale: float, target_scale: float, **fields) -> Convolution:
    """Average of all pixels by channel, as ``QLinearGlobalAveragePool``: a depthwise convolution with ones.

    Parameters
    ----------
    tensor
        The input.
    scale, target_scale
        Of input and output.
    fields
        Of `Convolution`.
    """
    height, width, channels = tensor.shape
    factor = np.float32(scale) / (np.float32(target_scale) * np.float32(height * width))
    return Convolution(
        weights=np.ones((height, width, 1, channels), np.int8), bias=np.zeros(channels, np.int32),
        factors=np.full(channels, factor), groups=channels, signed=tensor.signed, **fields,
    )  # fmt: skip
