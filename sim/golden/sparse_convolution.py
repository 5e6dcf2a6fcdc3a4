"""Sparse convolution on compressed bundles: only pairs of non-zeros are multiplied."""

import numpy as np

from ...hw.config import check
from ..formats.bundles import ActivationBundles, WeightBundles
from .geometry import ConvolutionGeometry, Padding, Steps
from .wrap import wrap

__all__ = ["sparse_convolution"]


def sparse_convolution(
    activations: ActivationBundles,
    weights: WeightBundles,
    psum_bits: int,
    stride: Steps = 1,
    padding: Padding = 0,
    dilation: Steps = 1,
    groups: int = 1,
) -> tuple[np.ndarray, int]:
    """Convolve bundle by bundle, matching channel indices as the paper's Fig. 6 does.

    Parameters
    ----------
    activations, weights
        Both cut into the same channel tiles; with `groups`, tiles divide C / groups.
    psum_bits
        Sums wrap modulo 2**psum_bits.
    stride, padding, dilation, groups
        As in `ConvolutionGeometry.of`.

    Returns
    -------
    tuple[numpy.ndarray, int]
        X x Y x K sums, and the number of pairs of non-zeros whose output exists.

    Raises
    ------
    ConfigError
        If the shapes make no convolution, or the channel tiles differ.
    FormatError
        If a bundle is malformed.
    """
    names = "activations", "weights"
    geometry = ConvolutionGeometry.of(
        (1, *activations.shape), weights.shape, stride, padding, dilation, groups, names=names
    )
    groups = geometry.groups
    tile, depth = weights.channel_tile, weights.shape[2]
    check(
        "channel_tile of activations",
        activations.channel_tile == tile,
        f"{tile}, as of weights",
        activations.channel_tile,
    )
    check("channel_tile", groups == 1 or depth % tile == 0, f"a divisor of C / groups = {depth}", tile)
    activations.runs.check()
    weights.runs.check()
    height, width, _ = activations.shape
    rows, columns, _, kernels = weights.shape
    pixel, group = activations.runs.owners(), weights.runs.owners()
    # Owners count tile by tile, so that the quotient is the tile and the remainder the place in it.
    a_channel = pixel // (height * width) * tile + activations.runs.indices
    w_channel = group // (columns * kernels * rows) * tile + weights.runs.indices
    h, w = np.divmod(pixel % (height * width), width)
    s, rest = np.divmod(group % (columns * kernels * rows), kernels * rows)
    k, r = np.divmod(rest, rows)
    a_channel_of = a_channel - a_channel % depth, a_channel % depth
    size = (*geometry.output, kernels)
    sums, pairs = np.zeros(size, np.int64), 0
    for channel in range(depth):
        mine = np.flatnonzero(w_channel == channel)
        theirs = np.flatnonzero(a_channel_of[1] == channel)
        x = h[theirs, None] + geometry.before[0] - r[mine] * geometry.dilation[0]
        y = w[theirs, None] + geometry.before[1] - s[mine] * geometry.dilation[1]
        down, across = geometry.stride
        hit = (x % down == 0) & (y % across == 0)
        x, y = x // down, y // across
        hit &= (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])
        hit &= (a_channel_of[0][theirs, None] // depth) == k[mine] // (kernels // groups)
        a, b = np.nonzero(hit)
        products = activations.runs.values[theirs[a]] * weights.runs.values[mine[b]]
        np.add.at(sums, (x[a, b], y[a, b], k[mine[b]]), products)
        pairs += len(a)
    return wrap(sums, psum_bits), pairs
