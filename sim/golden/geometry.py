"""Sizes of a convolution: what stride, padding, dilation and groups make of two shapes."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from ...hw.config import check, check_int

__all__ = ["ConvolutionGeometry", "Steps"]

Steps = int | tuple[int, ...] | list[int]
"""One number for every direction, or one each."""


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
        Zeros added at the top, left, bottom and right (the order of ONNX).
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
        padding: Steps = 0,
        dilation: Steps = 1,
        groups: int = 1,
    ) -> Self:
        """Check the sizes of a convolution and derive the output's.

        Parameters
        ----------
        x_shape, w_shape
            N, H, W, C and R, S, C / groups, K.
        stride, dilation
            One number, or (down, across).
        padding
            One number, or (top, left, bottom, right).
        groups
            Divides C and K.

        Raises
        ------
        TypeError
            If a parameter is not an integer or a sequence of them.
        ConfigError
            If a parameter is out of range, or the sizes don't match.
        """
        batch, height, width, channels = x_shape
        *kernel, depth, kernels = w_shape
        steps = _integers("stride", stride, 2, 1)
        top, left, bottom, right = _integers("padding", padding, 4, 0)
        spread = _integers("dilation", dilation, 2, 1)
        check_int("groups", groups, 1)
        check("groups", channels % groups == 0, f"a divisor of the {channels} channels of x", groups)
        check("groups", kernels % groups == 0, f"a divisor of the {kernels} kernels of w", groups)
        check("channels of w", depth == channels // groups, f"channels / groups = {channels // groups}", depth)
        padded = (height + top + bottom, width + left + right)
        reach = tuple(d * (size - 1) + 1 for d, size in zip(spread, kernel, strict=True))
        fits = reach[0] <= padded[0] and reach[1] <= padded[1]
        check("dilated kernel", fits, f"at most the padded input {padded}", reach)
        return cls(
            batch=batch,
            channels=channels,
            kernels=kernels,
            kernel=(kernel[0], kernel[1]),
            output=((padded[0] - reach[0]) // steps[0] + 1, (padded[1] - reach[1]) // steps[1] + 1),
            stride=(steps[0], steps[1]),
            padding=(top, left, bottom, right),
            dilation=(spread[0], spread[1]),
            groups=groups,
        )

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
        top, left, bottom, right = self.padding
        return batch, height + top + bottom, width + left + right, channels

    def pad(self, x: np.ndarray) -> np.ndarray:
        """Add the zeros around each image of `x` (N, H, W, C)."""
        top, left, bottom, right = self.padding
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def _integers(field: str, value: Steps, count: int, low: int) -> tuple[int, ...]:
    """Repeat one integer `count` times, or check a sequence of `count` of them."""
    values = (value,) * count if isinstance(value, int) else value
    rule = f"an integer or {count} of them"
    if not isinstance(values, tuple | list):
        raise TypeError(f"{field} must be {rule}, not {value!r}")
    check(field, len(values) == count, rule, value)
    for entry in values:
        check_int(field, entry, low)
    return tuple(values)
