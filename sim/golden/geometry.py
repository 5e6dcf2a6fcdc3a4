"""Sizes of a convolution: what stride, padding, dilation and groups make of two shapes."""

import dataclasses
from collections.abc import Sequence
from typing import Self, TypedDict

import numpy as np

from ...hw.config import check, check_int, plain
from ...hw.errors import ConfigError, wrong_type
from .tensors import check_elements

__all__ = ["ConvolutionGeometry", "ConvolutionSteps", "Padding", "Steps", "axis_steps", "side_padding"]

Steps = int | Sequence[int]
"""One number for both axes, or one down and one across: (y, x)."""

Padding = int | Sequence[int]
"""One number for all sides, one down and one across, or one a side: (top, bottom, left, right)."""


class ConvolutionSteps(TypedDict, total=False):
    """Keyword arguments of a convolution; see `ConvolutionGeometry.of`."""

    stride: Steps
    padding: Padding
    dilation: Steps
    groups: int


def axis_steps(field: str, value: Steps) -> tuple[int, int]:
    """Return the numbers down and across that a stride or dilation stands for.

    Parameters
    ----------
    field
        What to call it in the error.
    value
        One number, or (y, x); each at least 1.

    Raises
    ------
    TypeError
        If it is not an integer or a sequence of them.
    ConfigError
        If there are not two, or one is less than 1.
    """
    y, x = _integers(field, value, 1, (2,), "an integer or two of them (y, x)")
    return y, x


def side_padding(value: Padding, field: str = "padding") -> tuple[int, int, int, int]:
    """Return the zeros at the top, bottom, left and right that a padding stands for.

    This is the only place that knows the order of sides; (1, 0, 2, 1), on the command line ``--padding 1,0,2,1``, is
    top 1, bottom 0, left 2 and right 1. (ONNX has another order, the two first sides before the two last ones.)

    Parameters
    ----------
    value
        One number for all sides, (y, x), or (top, bottom, left, right); each at least 0.
    field
        What to call it in the error.

    Raises
    ------
    TypeError
        If it is not an integer or a sequence of them.
    ConfigError
        If there are not two or four, or one is negative.
    """
    rule = "an integer, two of them (y, x) or four (top, bottom, left, right)"
    values = _integers(field, value, 0, (2, 4), rule)
    top, bottom, left, right = values if len(values) == 4 else np.repeat(values, 2).tolist()
    return top, bottom, left, right


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvolutionGeometry:
    """A convolution's checked sizes.

    Attributes
    ----------
    batch, channels, kernels
        N, C and K; C and K count all groups together.
    kernel, output
        R x S and X x Y.
    stride, dilation
        Steps down and across.
    padding
        Zeros added at the top, bottom, left and right.
    groups
        Independent convolutions of C / groups channels to K / groups kernels.
    """

    batch: int
    channels: int
    kernels: int
    kernel: tuple[int, int]
    output: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int

    @classmethod
    def of(
        cls,
        x_shape: Sequence[int],
        w_shape: Sequence[int],
        stride: Steps = 1,
        padding: Padding = 0,
        dilation: Steps = 1,
        groups: int = 1,
        *,
        names: tuple[str, str] = ("x", "w"),
    ) -> Self:
        """Check the sizes of a convolution and derive the output's.

        Parameters
        ----------
        x_shape, w_shape
            N, H, W, C and R, S, C / groups, K.
        stride, dilation
            See `axis_steps`.
        padding
            See `side_padding`.
        groups
            Divides C and K.
        names
            What to call the two tensors in errors.

        Raises
        ------
        TypeError
            If a parameter is not an integer or a sequence of them.
        ConfigError
            If a parameter is out of range, the sizes don't match, or what they make has too many elements.
        """
        x, w = names
        batch, height, width, channels = x_shape
        *kernel, depth, kernels = w_shape
        steps, spread = axis_steps("stride", stride), axis_steps("dilation", dilation)
        sides = top, bottom, left, right = side_padding(padding)
        groups = check_int("groups", groups, 1)
        check("groups", channels % groups == 0, f"a divisor of the {channels} channels of {x}", groups)
        check("groups", kernels % groups == 0, f"a divisor of the {kernels} kernels of {w}", groups)
        rule = f"{channels // groups}, the channels of {x} / groups (R x S x C / groups x K)"
        check(f"channels of {w}", depth == channels // groups, rule, depth)
        padded = (height + top + bottom, width + left + right)
        reach = tuple(d * (size - 1) + 1 for d, size in zip(spread, kernel, strict=True))
        fits = reach[0] <= padded[0] and reach[1] <= padded[1]
        if not fits:
            kernel_text, input_text = (" x ".join(map(str, sizes)) for sizes in (reach, padded))
            names_of = "dilated kernel" if spread != (1, 1) else "kernel", "padded input" if any(sides) else "input"
            raise ConfigError(f"{names_of[0]} must be at most the {names_of[1]}, {input_text}, not {kernel_text}")
        output = (padded[0] - reach[0]) // steps[0] + 1, (padded[1] - reach[1]) // steps[1] + 1
        check_elements(f"padded {x}", (batch, *padded, channels))
        check_elements("result", (batch, *output, kernels))
        return cls(
            batch=batch,
            channels=channels,
            kernels=kernels,
            kernel=(kernel[0], kernel[1]),
            output=output,
            stride=steps,
            padding=sides,
            dilation=spread,
            groups=groups,
        )

    @property
    def before(self) -> tuple[int, int]:
        """Zeros before the first input down and across."""
        top, _, left, _ = self.padding
        return top, left

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """N, X, Y, K."""
        return self.batch, *self.output, self.kernels

    @property
    def product(self) -> tuple[int, int, int]:
        """M, K and N of the matrix product that each group is."""
        r, s = self.kernel
        x, y = self.output
        return self.batch * x * y, r * s * self.channels // self.groups, self.kernels // self.groups

    def padded_shape(self, x_shape: Sequence[int]) -> tuple[int, int, int, int]:
        """N, H, W and C with the zeros around each image."""
        batch, height, width, channels = x_shape
        top, bottom, left, right = self.padding
        return batch, height + top + bottom, width + left + right, channels

    def pad(self, x: np.ndarray) -> np.ndarray:
        """Add the zeros around each image of `x` (N, H, W, C)."""
        top, bottom, left, right = self.padding
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def _integers(field: str, value: Steps, low: int, counts: tuple[int, ...], rule: str) -> list[int]:
    """Repeat one integer, or check a sequence of as many as there may be."""
    value = value.tolist() if isinstance(value, np.ndarray) else plain(value)
    if isinstance(value, int):
        return [check_int(field, value, low)] * counts[0]
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise wrong_type(field, rule, value)
    check(field, len(value) in counts, rule, value)
    return [check_int(field, entry, low) for entry in value]
