"""First layers with few channels: the host folds the lines of a kernel into channels, so that tiles are fuller."""

import dataclasses

import numpy as np

from ...hw.config import check
from ...hw.snap_chip.config import SnapChipConfig
from .layers import Convolution, Tensor

__all__ = ["fold_layer", "fold_values", "folds"]


def folds(config: SnapChipConfig, layer: Convolution) -> bool:
    """Whether folding is worth it: what becomes channels still fits a stored tile."""
    lines, _, depth, _ = layer.weights.shape
    return 1 < lines and lines * depth <= config.tile_channels and layer.groups == 1


def fold_layer(layer: Convolution, source: Tensor) -> tuple[Convolution, Tensor]:
    """The same layer for an input that `fold_values` makes, and that input.

    Channel ``r * C + c`` of line x is channel c of the line that tap r of output line x reads.

    Raises
    ------
    ConfigError
        If the layer has groups, or its sizes don't go together.
    """
    check("groups", layer.groups == 1, "1 where lines are folded", layer.groups)
    geometry = layer.geometry(source)
    lines, columns, depth, kernels = layer.weights.shape
    _, _, left, right = geometry.padding
    folded = dataclasses.replace(
        layer,
        weights=layer.weights.transpose(1, 0, 2, 3).reshape(1, columns, lines * depth, kernels),
        stride=(1, geometry.stride[1]), padding=(0, 0, left, right), dilation=(1, geometry.dilation[1]),
    )  # fmt: skip
    return folded, dataclasses.replace(source, height=geometry.output[0], channels=lines * depth)


def fold_values(layer: Convolution, source: Tensor, values: np.ndarray) -> np.ndarray:
    """The input ``[lines of the output, columns, folded channels]`` of a layer that `fold_layer` makes."""
    geometry = layer.geometry(source)
    top, bottom, _, _ = geometry.padding
    padded = np.pad(values, ((top, bottom), (0, 0), (0, 0)), constant_values=source.zero)
    line = np.arange(geometry.output[0])[:, None] * geometry.stride[0]
    taps = padded[line + np.arange(geometry.kernel[0]) * geometry.dilation[0]]  # lines, taps, columns, channels
    return taps.transpose(0, 2, 1, 3).reshape(geometry.output[0], source.width, -1)
