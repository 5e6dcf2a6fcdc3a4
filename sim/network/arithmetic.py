"""What nodes of networks compute, beyond convolutions and products: exactly what onnxruntime does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..golden.geometry import ConvolutionGeometry
from ..golden.residual_add import residual_add
from .graph import Add, Multiply, Pool, Value

if TYPE_CHECKING:
    from .windows import Windows

__all__ = [
    "add",
    "average",
    "global_average",
    "greatest",
    "multiply",
    "pool_geometry",
    "quantized_softmax",
    "under_windows",
]

SOFTMAX_ROOM = 5.0
"""Sums of exponentials stay below the greatest float32 by this power of e."""


def add(node: Add, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum of two tensors, as ``QLinearAdd``."""
    return residual_add(a, b, node.terms, *node.clip).astype(node.result.dtype)


def multiply(node: Multiply, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Product of two tensors, as ``QLinearMul``: product and sum with the zero point are rounded to float32."""
    first, second = (value.astype(np.int32) - source.zero for value, source in zip((a, b), node.sources, strict=True))
    real = (first * second).astype(np.float32) * node.factor + np.float32(node.result.zero)
    return _rounded(real, *node.clip, node.result)


def pool_geometry(node: Pool) -> ConvolutionGeometry:
    """Sizes of the windows of a pool."""
    images, channels, height, width = node.source.shape
    top, left, bottom, right = node.pads
    return ConvolutionGeometry.of(
        (images, height, width, channels), (*node.kernel, channels, 1), node.strides, (top, bottom, left, right),
        node.dilations,
    )  # fmt: skip


def greatest(node: Pool, x: np.ndarray) -> np.ndarray:
    """Maximum of windows; what lies outside is smaller than everything."""
    windows = _windows(node, x, node.source.limits[0])
    result = next(windows).copy()
    for window in windows:
        np.maximum(result, window, out=result)
    return np.clip(result, *node.clip)


def average(node: Pool, x: np.ndarray) -> np.ndarray:
    """Average of windows, as ``QLinearAveragePool``: real values are added in float32, row by row of the window."""
    scale, zero = node.source.meaning
    real = (x.astype(np.int32) - zero).astype(np.float32) * scale
    windows = _windows(node, real, 0)
    total = np.zeros(node.result.shape, np.float32)
    for window in windows:
        total += window
    if node.count_pads:
        count = np.float32(node.kernel[0] * node.kernel[1])
    else:
        count = sum(_windows(node, np.ones((1, 1, *x.shape[2:]), np.float32), 0))
    y_scale, y_zero = node.result.meaning
    return _rounded(total / count / y_scale + np.float32(y_zero), *node.clip, node.result)


def global_average(node: Pool, x: np.ndarray) -> np.ndarray:
    """Average of images, as ``QLinearGlobalAveragePool``: integers are added."""
    scale, zero = node.source.meaning
    pixels = x.shape[2] * x.shape[3]
    sums = x.sum((2, 3), np.int64, keepdims=True) - zero * pixels
    y_scale, y_zero = node.result.meaning
    factor = scale / (y_scale * np.float32(pixels))
    real = sums.astype(np.float32) * factor
    low, high = node.clip
    return _rounded(real, low - y_zero, high - y_zero, node.result, y_zero)


def quantized_softmax(x: np.ndarray, source: Value, result: Value, axis: int) -> np.ndarray:
    """Softmax of 8-bit values, as ``QLinearSoftmax``: by a table of exponentials, and the greatest value at its end."""
    scale, length = float(source.meaning[0]), x.shape[axis]
    most = np.log(float(np.finfo(np.float32).max / np.float32(length)))
    shift = max(0.0, most - SOFTMAX_ROOM) / scale
    table = np.exp((np.arange(256) - 255 + shift) * scale).astype(np.float32)
    values = np.moveaxis(x, axis, -1).astype(np.int64)
    powers = table[values - values.max(-1, keepdims=True) + 255]
    total = np.zeros(powers.shape[:-1], np.float32)
    for at in range(length):
        total += powers[..., at]
    y_scale, y_zero = result.meaning
    parts = powers * np.floor(np.float32(1) / y_scale) / total[..., np.newaxis]
    return np.moveaxis(np.clip(np.rint(parts) + y_zero, *result.limits).astype(result.dtype), -1, axis)


def _windows(node: Pool, x: np.ndarray, outside: int) -> Iterator[np.ndarray]:
    return under_windows(node, node.result.shape[2:], x, outside)


def under_windows(
    where: "Pool | Windows", sizes: tuple[int, ...], x: np.ndarray, outside: float
) -> Iterator[np.ndarray]:
    """What lies under each position of the window, row by row, N C X Y.

    Parameters
    ----------
    where
        Kernel, strides, padding and dilations.
    sizes
        X and Y.
    x
        N C H W.
    outside
        What the padding is.
    """
    top, left, bottom, right = where.pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=outside)
    for r, s in np.ndindex(where.kernel):
        down, across = (
            slice(at * spread, at * spread + (size - 1) * step + 1, step)
            for at, spread, size, step in zip((r, s), where.dilations, sizes, where.strides, strict=True)
        )
        yield padded[:, :, down, across]


def _rounded(real: np.ndarray, low: int, high: int, result: Value, zero: int = 0) -> np.ndarray:
    return (np.rint(np.clip(real, low, high)) + zero).astype(result.dtype)
