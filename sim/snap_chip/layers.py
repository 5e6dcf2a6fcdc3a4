"""Layers of a network as the compiler takes them, with tensors by name."""

import dataclasses

import numpy as np

from ...hw.config import check, check_bool, check_int, plain
from ...hw.errors import wrong_type
from ..golden.geometry import ConvolutionGeometry, Padding, Steps, axis_steps
from ..golden.tensors import check_tensors

__all__ = [
    "MOST_CHANNELS", "MOST_PIXELS", "Convolution", "Layer", "MaxPool", "Residual", "Tensor", "fully_connected",
    "global_average",
]  # fmt: skip

MOST_PIXELS, MOST_CHANNELS = (1 << 12) - 1, 1 << 12
"""Lines or columns, and channels, of a tensor at most."""


def _limits(signed: bool) -> tuple[int, int]:
    """Least and greatest value of the type."""
    return (-128, 127) if signed else (0, 255)


def _check_type(field: str, value: object, kind: type, rule: str) -> None:
    if not isinstance(value, kind):
        raise wrong_type(field, rule, value)


def _float32(field: str, values: object) -> np.ndarray:
    """Numbers rounded to float32: those that are too large become infinite, those that are too small 0."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise wrong_type(field, "numbers", values)
    with np.errstate(over="ignore", under="ignore"):
        return array.astype(np.float32)


def _check_values(signed: bool, zero: int, low: int | None, high: int | None, owner: str = "") -> tuple[int, int]:
    """Ends of values of a type, by default all of it, once they and the zero point were checked."""
    least, most = _limits(signed)
    ends = least if low is None else low, most if high is None else high
    why = "as signed" if signed else "as not signed"
    for name, value in (("zero", zero), ("low", ends[0]), ("high", ends[1])):
        if not isinstance(plain(value), int) or isinstance(plain(value), bool):
            raise wrong_type(owner + name, "an integer", value)
        check(owner + name, value >= least, f"at least {least}, {why}", value)
        check(owner + name, value <= most, f"at most {most}, {why}", value)
    check(f"{owner}high", ends[0] <= ends[1], f"at least {ends[0]}, as {owner}low", ends[1])
    return ends


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
        for field, most in (("height", MOST_PIXELS), ("width", MOST_PIXELS), ("channels", MOST_CHANNELS)):
            check_int(field, getattr(self, field), 1, most)
        check_bool("signed", self.signed)
        check_int("zero", self.zero, *self.limits)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lines, columns, channels."""
        return self.height, self.width, self.channels

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest value."""
        return _limits(self.signed)


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
        Zero point and ends of the output; by default all of its type.
    """

    tensor: str
    sum_factor: float
    factor: float
    offset: float
    zero: int
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        _check_type("residual.tensor", self.tensor, str, "a name")
        for name in ("sum_factor", "factor", "offset"):
            value = getattr(self, name)
            there = _float32(f"residual.{name}", value)
            check(f"residual.{name}", there.shape == (), "a single number", value)
            if name == "offset":
                check("residual.offset", bool(np.isfinite(there)), "finite in float32", value)
            else:
                check(
                    f"residual.{name}", bool(np.isfinite(there) & (there > 0)), "positive and finite in float32", value
                )


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
        Zero point and ends of the requantized sums: those of the output unless there is a residual. By default all of
        the type.
    signed
        Whether these, residual and output are int8, not uint8.
    diagonal
        Whether the layer runs in diagonal mode, for which the chip needs a global accumulator; None: if that is faster.
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
    low: int | None = None
    high: int | None = None
    signed: bool = False
    residual: Residual | None = None
    diagonal: bool | None = None

    def __post_init__(self) -> None:
        _check_type("source", self.source, str, "a name")
        _check_type("target", self.target, str, "a name")
        check_bool("signed", self.signed)
        if self.residual is not None:
            _check_type("residual", self.residual, Residual, "a Residual or None")
        if self.diagonal is not None:
            check_bool("diagonal", self.diagonal)
        _ = self.limits, self.residual_limits

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest requantized sum."""
        return _check_values(self.signed, self.zero, self.low, self.high)

    @property
    def residual_limits(self) -> tuple[int, int]:
        """Least and greatest output after a residual was added."""
        if (more := self.residual) is None:
            return self.limits
        return _check_values(self.signed, more.zero, more.low, more.high, "residual.")

    def geometry(self, source: Tensor) -> ConvolutionGeometry:
        """Sizes, checked, as are the types of all arrays."""
        names, layouts = ("weights", "bias"), ("R x S x C / groups x K", "K")
        check_tensors(names[:1], (self.weights,), layouts[:1], {np.dtype(np.int8)})
        check_tensors(names[1:], (self.bias,), layouts[1:], {np.dtype(np.int32)})
        kernels = self.weights.shape[3]
        check("bias", self.bias.shape == (kernels,), f"of shape {(kernels,)}", self.bias.shape)
        factors = self.float32_factors
        check("factors", factors.shape == (kernels,), f"of shape {(kernels,)}", factors.shape)
        wrong = ~(np.isfinite(factors) & (factors > 0))
        value = np.asarray(self.factors)[wrong][:1].tolist()
        check("factors", not wrong.any(), "positive and finite in float32", *value or [None])
        return ConvolutionGeometry.of(
            (1, *source.shape), self.weights.shape, self.stride, self.padding, self.dilation, self.groups,
            names=(self.source, "weights"),
        )  # fmt: skip

    @property
    def float32_factors(self) -> np.ndarray:
        """Factors as the chip has them."""
        return _float32("factors", self.factors)

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
        One number, or one down and one across.
    padding
        As in `side_padding`.
    """

    source: str
    target: str
    kernel: Steps
    stride: Steps = 1
    padding: Padding = 0

    def __post_init__(self) -> None:
        _check_type("source", self.source, str, "a name")
        _check_type("target", self.target, str, "a name")

    def geometry(self, source: Tensor) -> ConvolutionGeometry:
        """Sizes, checked: those of a depthwise convolution."""
        shape = (*axis_steps("kernel", self.kernel), 1, source.channels)
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
