"""Nodes with constant weights: convolutions and products."""

import dataclasses
from functools import cached_property

import numpy as np

from ...hw.config import check
from ..golden.requantize import multiplier
from .value import BYTES, Clipped

__all__ = ["Convolution", "Product", "Weighted"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Weighted(Clipped):
    """A product with constant weights: ``sum((source - its zero) * (weights - their zero)) + bias``, wrapped to int32.

    8-bit results are `requantize` of these sums with `factors` and the result's zero point, clipped. int32 results are
    the sums.

    Parameters
    ----------
    weights
        int8 or uint8.
    weight_scales
        float32, one or one an output channel.
    weight_zeros
        Of the weights' type, one or one an output channel.
    bias
        int32, one an output channel; or None.
    """

    weights: np.ndarray
    weight_scales: np.ndarray
    weight_zeros: np.ndarray
    bias: np.ndarray | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        name, channels = self.name, (self.channels,)
        check(f"{name}: source", self.source.is_bytes, "of 8 bits", self.source.dtype)
        check(f"{name}: weights", self.weights.dtype in BYTES, "int8 or uint8", self.weights.dtype)
        for field in ("weight_scales", "weight_zeros"):
            shape = getattr(self, field).shape
            check(f"{name}: {field}", shape in ((), channels), f"one or {channels[0]}", shape)
        if self.result.is_bytes:
            _ = self.factors  # checks that they are positive and finite
        check(f"{name}: bias", self.bias is None or self.bias.shape == channels, f"of shape {channels}",
              None if self.bias is None else self.bias.shape)  # fmt: skip

    @property
    def channels(self) -> int:
        """Output channels."""
        raise NotImplementedError

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those with padding counted."""
        return self.result.elements * self.weights.size // self.channels

    @cached_property
    def factors(self) -> np.ndarray:
        """float32 that sums are multiplied with, one or one an output channel; of 8-bit results only."""
        return multiplier(self.source.meaning[0], self.weight_scales, self.result.meaning[0])

    @property
    def centred_weights(self) -> np.ndarray:
        """Weights less their zero points, int16."""
        zeros = self.weight_zeros.astype(np.int16)
        return self.weights.astype(np.int16) - (zeros.reshape(self._along) if zeros.ndim else zeros)

    @property
    def _along(self) -> tuple[int, ...]:
        """Shape of one number an output channel that broadcasts against weights."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Weighted):
    """Of two spatial axes; `weights` are K x C / group x R x S.

    Parameters
    ----------
    strides, dilations
        Down and across.
    pads
        Zeros (that is, zero points) at the top, left, bottom and right, as ONNX orders them.
    group
        Independent convolutions.
    """

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1

    @property
    def channels(self) -> int:
        """Output channels, K."""
        return self.weights.shape[0]

    @property
    def kernel(self) -> tuple[int, int]:
        """R and S."""
        return self.weights.shape[2], self.weights.shape[3]

    @property
    def _along(self) -> tuple[int, ...]:
        return -1, 1, 1, 1


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Product(Weighted):
    """With a matrix: `weights` are as many rows as the source's last axis has elements, and a column a channel."""

    @property
    def channels(self) -> int:
        """Columns of the weights."""
        return self.weights.shape[1]

    @property
    def _along(self) -> tuple[int, ...]:
        return (-1,)
