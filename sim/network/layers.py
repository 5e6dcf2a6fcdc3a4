"""Import of convolutions and products with constant weights."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .errors import RefusedError
from .graph import Convolution, Host, Product, Value, Weighted
from .operation import Operation
from .states import Bytes, Constant, Curve, Padded, Pending, State, Stored
from .windows import windows

__all__ = ["HANDLERS"]

INT32 = np.dtype(np.int32)
BIAS_TOLERANCE = 1e-2
"""By how much the scale of a bias may differ from that of sums; onnxruntime doesn't look at it."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Weights:
    """Constant weights, in ONNX's order, and their scales and zero points."""

    array: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray


Make = Callable[..., Weighted]
"""Makes a node of its result, bias and limits."""


def _conv_node(
    operation: Operation, source: Value, weights: _Weights, extra: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> tuple[tuple[int, ...], Make]:
    """Shape of a convolution's result, and what makes the node."""
    array = weights.array
    if array.ndim != 4:
        raise RefusedError(f"weights of {array.ndim} axes; only images (N C H W) are supported")
    group = int(operation.attributes.get("group", 1))
    where = windows(operation, source.shape, (array.shape[2], array.shape[3]), extra)
    images, channels, *_ = source.shape
    if group < 1 or array.shape[1] * group != channels or array.shape[0] % group:
        raise RefusedError(f"weights {array.shape} and group {group} don't fit {channels} channels")
    shape = (images, array.shape[0], *where.output)
    steps = {"strides": where.strides, "pads": where.pads, "dilations": where.dilations, "group": group}
    return shape, _maker(Convolution, operation, source, weights, steps)


def _product_node(operation: Operation, source: Value, weights: _Weights) -> tuple[tuple[int, ...], Make]:
    """Shape of a product's result, and what makes the node."""
    array = weights.array
    if array.ndim != 2:
        raise RefusedError(f"weights of {array.ndim} axes; only matrices are supported")
    if not source.shape or source.shape[-1] != len(array):
        raise RefusedError(f"weights of {len(array)} rows don't fit an input of shape {source.shape}")
    return (*source.shape[:-1], array.shape[1]), _maker(Product, operation, source, weights, {})


def _maker(
    kind: type[Weighted], operation: Operation, source: Value, weights: _Weights, more: Mapping[str, Any]
) -> Make:
    def make(result: Value, bias: np.ndarray | None, low: int | None, high: int | None, exact: bool) -> Weighted:
        return kind(
            name=operation.name, operator=operation.operator, sources=(source,), result=result, exact=exact, low=low,
            high=high, weights=weights.array, weight_scales=weights.scales, weight_zeros=weights.zeros, bias=bias,
            **more,
        )  # fmt: skip

    return make


# operators of integers


def _weights(operation: Operation, at: int, channel_axis: int, scale_at: int | None, zero_at: int) -> _Weights:
    """Weights, scale and zero point as inputs of an operator of integers."""
    array = operation.constant(at, "weights")
    if array is None or array.dtype not in (np.int8, np.uint8):
        raise RefusedError(f"weights must be int8 or uint8, not {getattr(array, 'dtype', 'missing')}")
    scales = np.ones((), np.float32) if scale_at is None else operation.scale(scale_at, "scale of weights")
    zeros = operation.zero(zero_at, array.dtype, "zero point of weights")
    return _checked(_Weights(array=array, scales=scales, zeros=zeros), channel_axis)


def _checked(weights: _Weights, channel_axis: int) -> _Weights:
    if weights.array.ndim < 2:
        raise RefusedError(f"weights of shape {weights.array.shape}")
    channels = weights.array.shape[channel_axis]
    for name, values in (("scale", weights.scales), ("zero point", weights.zeros)):
        if values.shape not in ((), (channels,)):
            raise RefusedError(f"{name} of weights must be one or {channels}, one an output channel, not "
                               f"{values.shape}")  # fmt: skip
    return weights


def _integer_bias(operation: Operation, at: int, channels: int) -> np.ndarray | None:
    bias = operation.constant(at, "bias")
    if bias is None:
        return None
    if bias.dtype != INT32:
        raise RefusedError(f"bias must be int32, not {bias.dtype}")
    return _of_channels(bias, channels)


def _of_channels(bias: np.ndarray, channels: int) -> np.ndarray:
    """One number a channel, of what broadcasts to that."""
    if any(size != 1 for size in bias.shape[:-1]) or bias.size not in (1, channels):
        raise RefusedError(f"bias must be one number or {channels}, one an output channel, not {bias.shape}")
    return np.broadcast_to(bias.reshape(-1), (channels,))


def _result(operation: Operation, shape: tuple[int, ...], scale_at: int, dtype: np.dtype) -> Value:
    """The 8-bit result of an operator of integers, whose type is that of its zero point."""
    zero = operation.constant(scale_at + 1, "zero point of the result")
    kind = dtype if zero is None else zero.dtype
    scale, point = operation.meaning(scale_at, kind, "the result")
    return Value(name=operation.builder.name(operation.output), shape=shape, dtype=kind, scale=scale, zero=point)


def _sums(operation: Operation, shape: tuple[int, ...]) -> Value:
    return Value(name=operation.builder.name(operation.output), shape=shape, dtype=INT32)


def _emit(operation: Operation, make: Make, result: Value, bias: np.ndarray | None) -> list[State]:
    return [Bytes(operation.builder.emit(make(result, bias, None, None, True)))]


def _qlinear_conv(operation: Operation) -> list[State]:
    source = operation.bytes_of(0, "the input", 1)
    weights = _weights(operation, 3, 0, 4, 5)
    shape, make = _conv_node(operation, source, weights)
    bias = _integer_bias(operation, 8, shape[1])
    return _emit(operation, make, _result(operation, shape, 6, np.dtype(np.uint8)), bias)


def _conv_integer(operation: Operation) -> list[State]:
    weights = _weights(operation, 1, 0, None, 3)
    shape, make = _conv_node(operation, _integer_source(operation), weights)
    return _emit(operation, make, _sums(operation, shape), None)


def _integer_source(operation: Operation) -> Value:
    """The input of an operator without scales; its zero point is in the third one."""
    value = operation.bytes_of(0, "the input")
    zero = operation.zero(2, value.dtype, "zero point of the input")
    if zero.ndim:
        raise RefusedError("the input must have one zero point")
    return operation.reinterpret(value, value.meaning[0], int(zero))


def _qlinear_matmul(operation: Operation) -> list[State]:
    source = operation.bytes_of(0, "the input", 1)
    shape, make = _product_node(operation, source, _weights(operation, 3, 1, 4, 5))
    return _emit(operation, make, _result(operation, shape, 6, np.dtype(np.uint8)), None)


def _matmul_integer(operation: Operation) -> list[State]:
    weights = _weights(operation, 1, 1, None, 3)
    shape, make = _product_node(operation, _integer_source(operation), weights)
    return _emit(operation, make, _sums(operation, shape), None)


def _qgemm(operation: Operation) -> list[State]:
    source = operation.bytes_of(0, "the input", 1)
    transposed = _gemm_form(operation, source)
    weights = _transposed(_weights(operation, 3, 0 if transposed else 1, 4, 5), transposed)
    shape, make = _product_node(operation, source, weights)
    bias = _integer_bias(operation, 6, shape[1])
    if operation.input(7) is None:
        raise RefusedError("without a scale of the result its result is float")
    return _emit(operation, make, _result(operation, shape, 7, source.dtype), bias)


def _transposed(weights: _Weights, transposed: bool) -> _Weights:
    return dataclasses.replace(weights, array=weights.array.T) if transposed else weights


def _gemm_form(operation: Operation, source: Value) -> bool:
    """Whether weights are transposed."""
    if len(source.shape) != 2:
        raise RefusedError(f"its input of shape {source.shape} is no matrix")
    for name, allowed in (("transA", 0), ("alpha", 1), ("beta", 1)):
        if (value := operation.attributes.get(name, allowed)) != allowed:
            raise RefusedError(f"attribute {name} is {value}; only {allowed} is supported")
    return bool(operation.attributes.get("transB", 0))


# operators of floats, of inputs and weights that were dequantized


def _dequantized(operation: Operation) -> tuple[Value, tuple[int, int, int, int]]:
    """The 8-bit value under the input, and padding in front of it."""
    found, pads = operation.needed(0), (0, 0, 0, 0)
    if isinstance(found, Padded):
        found, pads = found.inner, found.pads
    if isinstance(found, Curve) and found.plain:
        return found.value, pads
    raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")


def _unpadded(operation: Operation) -> Value:
    source, pads = _dequantized(operation)
    if any(pads):
        raise RefusedError("reads a padded image; only convolutions can")
    return source


def _stored(operation: Operation, channel_axis: int) -> _Weights:
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
    return _checked(_Weights(array=found.array, scales=found.scale, zeros=found.zero), channel_axis)


def _bias(operation: Operation, at: int, scales: np.ndarray, channels: int) -> np.ndarray | None:
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
            return _of_channels(found.array, channels)
        case Constant() | Stored():
            array = found.array if isinstance(found, Constant) else found.real
            return _quantized_bias(_of_channels(array, channels), scales)
    raise RefusedError("bias must be constant")


def _quantized_bias(bias: np.ndarray, scales: np.ndarray) -> np.ndarray:
    limits = np.iinfo(INT32)
    with np.errstate(over="ignore"):
        rounded = np.rint(bias.astype(np.float32) / scales).astype(np.float64)
    if np.isnan(rounded).any():
        raise RefusedError("bias has values that are no numbers")
    return np.clip(rounded, limits.min, limits.max).astype(np.int32)


def _pending(
    operation: Operation, source: Value, shape: tuple[int, ...], make: Make, weights: _Weights,
    bias: np.ndarray | None, axis: int, exact: bool,
) -> Pending:  # fmt: skip
    """A layer whose result's scale a QuantizeLinear behind it says."""
    scales = source.meaning[0] * weights.scales

    def build(result: Value, low: int | None, high: int | None, right: bool) -> Weighted:
        # onnxruntime has operators of integers for these types only
        types = source.dtype == result.dtype and (source.dtype == np.uint8 or weights.array.dtype == np.int8)
        return make(result, bias, low, high, right and types)

    def sums(name: str) -> Value:
        builder = operation.builder
        inner = Value(name=builder.inner(name), shape=shape, dtype=INT32)
        value = builder.emit(make(inner, bias, None, None, exact))
        result = Value(name=builder.name(name), shape=shape, dtype=np.dtype(np.float32))
        return builder.emit(
            Host(name=operation.name, operator="DequantizeLinear", sources=(value,), result=result, scales=scales,
                 axis=axis)
        )  # fmt: skip

    def add_bias(more: np.ndarray) -> Pending:
        added = _quantized_bias(_of_channels(more, shape[axis]), scales)
        return _pending(operation, source, shape, make, weights, added, axis, exact)

    return Pending(
        operation.name, operation.operator, shape, build, sums, exact=exact,
        add_bias=add_bias if bias is None and axis == len(shape) - 1 else None,
    )  # fmt: skip


def _conv(operation: Operation) -> list[State]:
    source, pads = _dequantized(operation)
    weights = _stored(operation, 0)
    shape, make = _conv_node(operation, source, weights, pads)
    bias = _bias(operation, 2, source.meaning[0] * weights.scales, shape[1])
    return [_pending(operation, source, shape, make, weights, bias, 1, True)]


def _gemm(operation: Operation) -> list[State]:
    source = _unpadded(operation)
    transposed = _gemm_form(operation, source)
    weights = _transposed(_stored(operation, 0 if transposed else 1), transposed)
    shape, make = _product_node(operation, source, weights)
    bias = _bias(operation, 2, source.meaning[0] * weights.scales, shape[1])
    return [_pending(operation, source, shape, make, weights, bias, 1, True)]


def _matmul(operation: Operation) -> list[State]:
    source = _unpadded(operation)
    weights = _stored(operation, 1)
    shape, make = _product_node(operation, source, weights)
    return [_pending(operation, source, shape, make, weights, None, len(shape) - 1, True)]


HANDLERS = {
    "QLinearConv": _qlinear_conv,
    "ConvInteger": _conv_integer,
    "QLinearMatMul": _qlinear_matmul,
    "MatMulInteger": _matmul_integer,
    "QGemm": _qgemm,
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
