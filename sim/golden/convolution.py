"""Exact integer convolution."""

import numpy as np

from ...hw.config import check
from .geometry import ConvolutionGeometry, Padding, Steps
from .matmul import matmul
from .tensors import check_tensors, magnitude

__all__ = ["convolution"]


def convolution(
    x: np.ndarray,
    w: np.ndarray,
    stride: Steps = 1,
    padding: Padding = 0,
    dilation: Steps = 1,
    groups: int = 1,
    *,
    names: tuple[str, str] = ("x", "w"),
) -> np.ndarray:
    """Convolve integer images exactly, as the sum over the kernel's positions.

    ``y[n, i, j, k] = sum over r, s, c of x[n, i * stride + r * dilation - top, ..., c] * w[r, s, c, k]``:
    the cross-correlation that neural networks call convolution. Zero points are the caller's to subtract.

    Parameters
    ----------
    x
        Input activations, N x H x W x C.
    w
        Weights, R x S x C / groups x K. Group g is channels and kernels g * C / groups and g * K / groups on.
    stride, padding, dilation, groups, names
        As in `ConvolutionGeometry.of`.

    Returns
    -------
    numpy.ndarray
        N x X x Y x K, int64.

    Raises
    ------
    TypeError
        If an operand is not an integer array, or a parameter is not an integer.
    ConfigError
        If ranks, sizes or parameters don't make a convolution, or a sum might leave int64.
    """
    x, w = check_tensors(names, (x, w), ("N x H x W x C", "R x S x C / groups x K"))
    geometry = ConvolutionGeometry.of(x.shape, w.shape, stride, padding, dilation, groups, names=names)
    m, k, n = geometry.product
    bound = k * magnitude(x) * magnitude(w)
    check(f"R * S * C / groups * max|{names[0]}| * max|{names[1]}|", bound < 1 << 63, "less than 2**63", bound)
    padded = geometry.pad(x)
    depth = geometry.channels // groups
    result = np.zeros((m, geometry.kernels), np.int64)
    for r, s in np.ndindex(geometry.kernel):
        down, across = (
            slice(at * spread, at * spread + (size - 1) * step + 1, step)
            for at, spread, size, step in zip((r, s), geometry.dilation, geometry.output, geometry.stride, strict=True)
        )
        pixels = padded[:, down, across].reshape(m, geometry.channels)
        for g in range(groups):
            kernels = slice(g * n, (g + 1) * n)
            result[:, kernels] += matmul(pixels[:, g * depth : (g + 1) * depth], w[r, s, :, kernels])
    return result.reshape(geometry.output_shape)
