"""Import of QuantizeLinear and DequantizeLinear."""

import numpy as np

from .errors import RefusedError
from .graph import Host, Value
from .operation import Operation, curve_of, to_bytes
from .states import Bytes, Constant, Curve, Floats, Padded, State, Stored

__all__ = ["HANDLERS"]

FLOAT32 = np.dtype(np.float32)


def _quantize(operation: Operation) -> list[State]:
    found = operation.needed(0)
    zero = operation.constant(2, "zero point")
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if kind not in (np.int8, np.uint8):
        raise RefusedError(f"quantizes to {kind}; only int8 and uint8 are supported")
    if operation.attributes.get("output_dtype", 0) not in (0, 2, 3) or operation.attributes.get("block_size", 0):
        raise RefusedError("attributes output_dtype and block_size aren't supported")
    scale, point = operation.meaning(1, kind, "the result")
    if isinstance(found, Padded):
        return [_quantized_pad(found, kind, scale, point)]
    return [Bytes(to_bytes(operation.builder, found, operation.output, kind, scale, point))]


def _quantized_pad(found: Padded, kind: np.dtype, scale: np.float32, zero: int) -> Padded:
    value = found.inner.value
    if isinstance(found.inner, Curve) and (value.dtype, value.scale, value.zero) == (kind, scale, zero):
        return Padded(Bytes(value), found.pads)
    raise RefusedError("a padded image must be quantized as the image was")


def _dequantize(operation: Operation) -> list[State]:
    found = operation.needed(0)
    if operation.attributes.get("block_size", 0):
        raise RefusedError("attribute block_size isn't supported")
    if isinstance(found, Constant):
        return [_stored(operation, found.array)]
    padded = found if isinstance(found, Padded) else None
    inner = found.inner if isinstance(found, Padded) else found
    if not isinstance(inner, Bytes):
        raise RefusedError("its input must be integers")
    if not inner.value.is_bytes:
        return [_dequantized_sums(operation, inner.value)]
    curve = curve_of(operation.reinterpret(inner.value, *operation.meaning(1, inner.value.dtype, "the input")))
    return [Padded(curve, padded.pads) if padded else curve]


def _stored(operation: Operation, array: np.ndarray) -> Stored:
    if array.dtype not in (np.int8, np.uint8, np.int32):
        raise RefusedError(f"dequantizes {array.dtype}; only int8, uint8 and int32 are supported")
    scale, zero = operation.scale(1), operation.zero(2, array.dtype)
    axis = int(operation.attributes.get("axis", 1))
    axis += array.ndim if axis < 0 else 0
    if zero.shape not in ((), scale.shape):
        raise RefusedError(f"there are {scale.size} scales, but {zero.size} zero points")
    if scale.ndim and array.ndim == 1:
        axis = 0
    if scale.ndim and (axis >= array.ndim or scale.shape != array.shape[axis : axis + 1]):
        raise RefusedError(f"{len(scale)} scales don't fit axis {axis} of {array.shape}")
    return Stored(array, scale, zero, axis)


def _dequantized_sums(operation: Operation, value: Value) -> Floats:
    scales = operation.scale(1)
    if operation.zero(2, value.dtype).any():
        raise RefusedError("zero point of sums must be 0")
    axis = int(operation.attributes.get("axis", 1)) % max(len(value.shape), 1)
    if scales.ndim and len(scales) != value.shape[axis]:
        raise RefusedError(f"{len(scales)} scales don't fit axis {axis} of {value.shape}")
    result = Value(name=operation.builder.name(operation.output), shape=value.shape, dtype=FLOAT32)
    node = Host(name=operation.name, operator="DequantizeLinear", sources=(value,), result=result, scales=scales,
                axis=axis)  # fmt: skip
    return Floats(operation.builder.emit(node))


# functions of one value


HANDLERS = {"QuantizeLinear": _quantize, "DequantizeLinear": _dequantize}
