"""Biases and factors of the kernels as they lie in memory, and the order of kernels that all images share."""

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..formats.runs import FormatError
from .records import refuse_difference

__all__ = ["SCALE_BYTES", "decode_scales", "encode_scales", "kernel_order", "scale_beats"]

SCALE_BYTES = 8
"""Bytes of a kernel's bias and factor."""

_SCALE = np.dtype([("bias", "<i4"), ("factor", "<f4")])


def kernel_order(config: SnapChipConfig, kernels: int, out_tiles: int) -> np.ndarray:
    """Channel of the output that each kernel makes, ``[rounds, cores, kernels]``.

    Kernel k of core n in round h of a stored tile is channel ``core_kernels * n + kernels * h + k`` of that tile.
    """
    channels = np.arange(out_tiles * config.tile_channels)
    split = channels.reshape(out_tiles, config.cores, config.core_kernels // kernels, kernels)
    return split.transpose(0, 2, 1, 3).reshape(-1, config.cores, kernels)


def scale_beats(config: SnapChipConfig, out_tiles: int) -> int:
    """Beats of the biases and factors of all kernels."""
    return -(-out_tiles * config.tile_channels * SCALE_BYTES // config.bus.bytes)


def encode_scales(config: SnapChipConfig, kernels: int, bias: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Bytes of biases (int32) and factors (float32), given by channel of the output, for rounds of so many kernels."""
    order = kernel_order(config, kernels, len(bias) // config.tile_channels).ravel()
    scales = np.zeros(len(bias), _SCALE)
    scales["bias"], scales["factor"] = bias[order], factor[order]
    return np.pad(scales.view(np.uint8), (0, -scales.nbytes % config.bus.bytes))


def decode_scales(
    config: SnapChipConfig, kernels: int, out_tiles: int, data: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Biases and factors by channel of the output.

    Raises
    ------
    FormatError
        With the kernel whose factor is not positive and finite, or the byte of padding that isn't 0.
    """
    order = kernel_order(config, kernels, out_tiles).ravel()
    size = scale_beats(config, out_tiles) * config.bus.bytes
    if len(data) != size:
        raise FormatError(f"scales must be of {size} bytes, not {len(data)}")
    scales = np.ascontiguousarray(data[: len(order) * SCALE_BYTES]).view(_SCALE)
    wrong = ~(np.isfinite(scales["factor"]) & (scales["factor"] > 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise FormatError(f"scales: factor of kernel {at} must be positive and finite, not {scales['factor'][at]}")
    bias, factor = np.zeros(len(order), np.int32), np.zeros(len(order), np.float32)
    bias[order], factor[order] = scales["bias"], scales["factor"]
    refuse_difference("scales", encode_scales(config, kernels, bias, factor), data)
    return bias, factor
