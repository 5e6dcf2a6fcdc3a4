"""Convolution as matrix products."""

import numpy as np

from .geometry import ConvolutionGeometry

__all__ = ["im2col", "kernel_matrix"]


def im2col(x: np.ndarray, geometry: ConvolutionGeometry) -> np.ndarray:
    """Lay out the pixels under the kernel at each output position as a row.

    Parameters
    ----------
    x
        N x H x W x C, any dtype.

    Returns
    -------
    numpy.ndarray
        groups x (N * X * Y) x (R * S * C / groups).
    """
    spread, step = geometry.dilation, geometry.stride
    reach = tuple(d * (size - 1) + 1 for d, size in zip(spread, geometry.kernel, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(geometry.pad(x), reach, axis=(1, 2))
    windows = windows[:, :: step[0], :: step[1], :, :: spread[0], :: spread[1]]
    images, down, across, channels, r, s = windows.shape
    grouped = windows.reshape(images, down, across, geometry.groups, channels // geometry.groups, r, s)
    m, k, _ = geometry.product
    return grouped.transpose(3, 0, 1, 2, 5, 6, 4).reshape(geometry.groups, m, k)


def kernel_matrix(w: np.ndarray, geometry: ConvolutionGeometry) -> np.ndarray:
    """Lay out the kernels `w` (R x S x C / groups x K) as groups x (R * S * C / groups) x (K / groups)."""
    _, k, n = geometry.product
    return w.reshape(k, geometry.groups, n).transpose(1, 0, 2)
