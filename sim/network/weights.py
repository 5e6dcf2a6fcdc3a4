"""Constant weights and biases of layers, stored as integers or dequantized."""

import dataclasses

import numpy as np

from .errors import RefusedError
from .operation import Operation
from .states import Constant, Stored

__all__ = [
    "Weights",
    "bias_of_channels",
    "integer_bias",
    "integer_weights",
    "quantized_bias",
    "real_bias",
    "stored_weights",
]

INT32 = np.dtype(np.int32)
BIAS_TOLERANCE = 1e-2
"""By how much the scale of a bias may differ from that of sums; onnxruntime doesn't look at it."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Weights:
    """Constant weights, in ONNX's order, and their scales and zero points."""

    array: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray


def integer_weights(operation: Operation, at: int, channel_axis: int, scale_at: int | None, zero_at: int) -> Weights:
    """Weights, scale and zero point as inputs of an operator of integers."""
    array = operation.constant(at, "weights")
    if array is None or array.dtype not in (np.int8, np.uint8):
        raise RefusedError(f"weights must be int8 or uint8, not {getattr(array, 'dtype', 'missing')}")
    scales = np.ones((), np.float32) if scale_at is None else operation.scale(scale_at, "scale of weights")
    zeros = operation.zero(zero_at, array.dtype, "zero point of weights")
    return _checked(Weights(array=array, scales=scales, zeros=zeros), channel_axis)


def _checked(weights: Weights, channel_axis: int) -> Weights:
    if weights.array.ndim < 2:
        raise RefusedError(f"weights of shape {weights.array.shape}")
    channels = weights.array.shape[channel_axis]
    for name, values in (("scale", weights.scales), ("zero point", weights.zeros)):
        if values.shape not in ((), (channels,)):
            raise RefusedError(f"{name} of weights must be one or {channels}, one an output channel, not "
                               f"{values.shape}")  # fmt: skip
    return weights


def integer_bias(operation: Operation, at: int, channels: int) -> np.ndarray | None:
    """Bias of an operator of integers, one an output channel."""
    bias = operation.constant(at, "bias")
    if bias is None:
        return None
    if bias.dtype != INT32:
        raise RefusedError(f"bias must be int32, not {bias.dtype}")
    return bias_of_channels(bias, channels)


def bias_of_channels(bias: np.ndarray, channels: int) -> np.ndarray:
    """One number a channel, of what broadcasts to that."""
    if any(size != 1 for size in bias.shape[:-1]) or bias.size not in (1, channels):
        raise RefusedError(f"bias must be one number or {channels}, one an output channel, not {bias.shape}")
    return np.broadcast_to(bias.reshape(-1), (channels,))


def stored_weights(operation: Operation, channel_axis: int) -> Weights:
    """Weights that were dequantized."""
    found = operation.needed(1)
    if isinstance(found, Constant):
        raise RefusedError("its weights aren't quantized")
    if not isinstance(found, Stored):
        raise RefusedError("weights must be constant")
    if found.array.dtype not in (np.int8, np.uint8):
        raise RefusedError(f"weights must be int8 or uint8, not {found.array.dtype}")
    if found.scale.ndim and found.axis != channel_axis:
        raise RefusedError(f"weights have scales along axis {found.axis}; only {channel_axis} is supported")
    return _checked(Weights(array=found.array, scales=found.scale, zeros=found.zero), channel_axis)


def real_bias(operation: Operation, at: int, scales: np.ndarray, channels: int) -> np.ndarray | None:
    """int32 bias of what was dequantized, or quantized to the scale of sums as onnxruntime does it."""
    found = operation.input(at)
    match found:
        case None:
            return None
        case Stored() if found.array.dtype == INT32:
            if found.zero.any():
                raise RefusedError("zero point of the bias must be 0")
            if not np.allclose(found.scale, scales, rtol=BIAS_TOLERANCE, atol=0):
                raise RefusedError("scale of the bias must be that of the input times that of the weights")
            return bias_of_channels(found.array, channels)
        case Constant() | Stored():
            array = found.array if isinstance(found, Constant) else found.real
            return quantized_bias(bias_of_channels(array, channels), scales)
    raise RefusedError("bias must be constant")


def quantized_bias(bias: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Real bias in units of sums, as onnxruntime quantizes it."""
    limits = np.iinfo(INT32)
    with np.errstate(over="ignore"):
        rounded = np.rint(bias.astype(np.float32) / scales).astype(np.float64)
    if np.isnan(rounded).any():
        raise RefusedError("bias has values that are no numbers")
    return np.clip(rounded, limits.min, limits.max).astype(np.int32)
