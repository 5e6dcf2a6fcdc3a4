"""First layers with few channels: the host folds kernels into channels, so that tiles are full."""

import dataclasses

import numpy as np

from ...hw.config import check
from ...hw.snap_chip.config import SnapChipConfig
from .layers import Convolution, Tensor

__all__ = ["fold_layer", "fold_values", "folds"]


def folds(config: SnapChipConfig, layer: Convolution) -> bool:
    """Whether folding is worth it: at most a quarter of a stored tile would be used without."""
    lines, columns, depth, _ = layer.weights.shape
    return 1 < lines * columns and 4 * depth <= config.tile_channels and layer.groups == 1


def fold_layer(layer: Convolution, source: Tensor) -> tuple[Convolution, Tensor]:
    """The same layer for an input that `fold_values` makes, and that input.

    Channel ``(r * S + s) * C + c`` of a pixel is channel c of what tap (r, s) of that output pixel reads, so that the
    kernel has one pixel, and the input is about R * S / stride^2 times as large.

    Raises
    ------
    ConfigError
        If the layer has groups, or its sizes don't go together.
    """
    check("groups", layer.groups == 1, "1 where kernels are folded", layer.groups)
    height, width = layer.geometry(source).output
    lines, columns, depth, kernels = layer.weights.shape
    folded = dataclasses.replace(
        layer, weights=layer.weights.reshape(1, 1, -1, kernels), stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)
    )
    return folded, dataclasses.replace(source, height=height, width=width, channels=lines * columns * depth)


def fold_values(layer: Convolution, source: Tensor, values: np.ndarray) -> np.ndarray:
    """The input ``[lines of the output, its columns, folded channels]`` of a layer that `fold_layer` makes."""
    geometry = layer.geometry(source)
    top, bottom, left, right = geometry.padding
    padded = np.pad(values, ((top, bottom), (left, right), (0, 0)), constant_values=source.zero)
    lines, columns = (
        np.arange(geometry.output[axis])[:, None] * geometry.stride[axis]
        + np.arange(geometry.kernel[axis]) * geometry.dilation[axis]
        for axis in (0, 1)
    )
    taps = padded[lines][:, :, columns]  # lines, their taps, columns, their taps, channels
    return taps.transpose(0, 2, 1, 3, 4).reshape(*geometry.output, -1)
