"""Import of convolutions and products with constant weights."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .errors import RefusedError
from .graph import Convolution, Host, Pick, Product, Reshape, Value, Weighted
from .moves import behind
from .operation import Operation
from .states import Bytes, Constant, Curve, Padded, Pending, State, Stored, shape_of
from .weights import Weights, bias_of_channels, integer_bias, integer_weights, quantized_bias, real_bias, stored_weights
from .windows import pads_of, pair_of, windows

__all__ = ["HANDLERS"]

INT32 = np.dtype(np.int32)
Make = Callable[..., Weighted]
"""Makes a node of its result, bias and limits."""


def _conv_node(
    operation: Operation, source: Value, weights: Weights, extra: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> tuple[tuple[int, ...], Make]:
    """Shape of a convolution's result, and what makes the node."""
    array = weights.array
    if array.ndim != 4:
        raise RefusedError(f"weights of {array.ndim} axes; only images (N C H W) and lines (N C L) are supported")
    group = int(operation.attributes.get("group", 1))
    where = windows(operation, source.shape, (array.shape[2], array.shape[3]), extra)
    images, channels, *_ = source.shape
    if group < 1 or array.shape[1] * group != channels or array.shape[0] % group:
        raise RefusedError(f"weights {array.shape} and group {group} don't fit {channels} channels")
    shape = (images, array.shape[0], *where.output)
    steps = {"strides": where.strides, "pads": where.pads, "dilations": where.dilations, "group": group}
    return shape, _maker(Convolution, operation, source, weights, steps)


def _product_node(operation: Operation, source: Value, weights: Weights) -> tuple[tuple[int, ...], Make]:
    """Shape of a product's result, and what makes the node."""
    array = weights.array
    if array.ndim != 2:
        raise RefusedError(f"weights of {array.ndim} axes; only matrices are supported")
    if not source.shape or source.shape[-1] != len(array):
        raise RefusedError(f"weights of {len(array)} rows don't fit an input of shape {source.shape}")
    return (*source.shape[:-1], array.shape[1]), _maker(Product, operation, source, weights, {})


def _maker(
    kind: type[Weighted], operation: Operation, source: Value, weights: Weights, more: Mapping[str, Any]
) -> Make:
    def make(result: Value, bias: np.ndarray | None, low: int | None, high: int | None, exact: bool) -> Weighted:
        return kind(
            name=operation.name, operator=operation.operator, sources=(source,), result=result, exact=exact, low=low,
            high=high, weights=weights.array, weight_scales=weights.scales, weight_zeros=weights.zeros, bias=bias,
            **more,
        )  # fmt: skip

    return make


# operators of integers


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
    weights = integer_weights(operation, 3, 0, 4, 5)
    shape, make = _conv_node(operation, source, weights)
    bias = integer_bias(operation, 8, shape[1])
    return _emit(operation, make, _result(operation, shape, 6, np.dtype(np.uint8)), bias)


def _conv_integer(operation: Operation) -> list[State]:
    weights = integer_weights(operation, 1, 0, None, 3)
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
    shape, make = _product_node(operation, source, integer_weights(operation, 3, 1, 4, 5))
    return _emit(operation, make, _result(operation, shape, 6, np.dtype(np.uint8)), None)


def _matmul_integer(operation: Operation) -> list[State]:
    weights = integer_weights(operation, 1, 1, None, 3)
    shape, make = _product_node(operation, _integer_source(operation), weights)
    return _emit(operation, make, _sums(operation, shape), None)


def _qgemm(operation: Operation) -> list[State]:
    source = operation.bytes_of(0, "the input", 1)
    transposed = _gemm_form(operation, source)
    weights = _transposed(integer_weights(operation, 3, 0 if transposed else 1, 4, 5), transposed)
    shape, make = _product_node(operation, source, weights)
    bias = integer_bias(operation, 6, shape[1])
    if operation.input(7) is None:
        raise RefusedError("without a scale of the result its result is float")
    return _emit(operation, make, _result(operation, shape, 7, source.dtype), bias)


def _transposed(weights: Weights, transposed: bool) -> Weights:
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


def _pending(
    operation: Operation, source: Value, shape: tuple[int, ...], make: Make, weights: Weights,
    bias: np.ndarray | None, axis: int, integers: bool,
) -> Pending:  # fmt: skip
    """A layer whose result's scale a QuantizeLinear behind it says.

    Without one, onnxruntime makes floats of sums of `integers`, or computes in floats.
    """
    scales = source.meaning[0] * weights.scales

    def build(result: Value, low: int | None, high: int | None, right: bool) -> Weighted:
        # onnxruntime has operators of integers for these types only
        types = source.dtype == result.dtype and (source.dtype == np.uint8 or weights.array.dtype == np.int8)
        return make(result, bias, low, high, right and types)

    def sums(name: str) -> Value:
        builder = operation.builder
        inner = Value(name=builder.inner(name), shape=shape, dtype=INT32)
        value = builder.emit(make(inner, bias, None, None, True))
        result = Value(name=builder.name(name), shape=shape, dtype=np.dtype(np.float32))
        return builder.emit(
            Host(name=operation.name, operator="DequantizeLinear", sources=(value,), result=result, scales=scales,
                 axis=axis, exact=integers)
        )  # fmt: skip

    def add_bias(more: np.ndarray) -> Pending:
        added = quantized_bias(bias_of_channels(more, shape[axis]), scales)
        return _pending(operation, source, shape, make, weights, added, axis, False)

    return Pending(
        operation.name, operation.operator, shape, build, sums,
        add_bias=add_bias if bias is None and axis == len(shape) - 1 else None,
    )  # fmt: skip


def _conv(operation: Operation) -> list[State]:
    source, pads = _dequantized(operation)
    weights = stored_weights(operation, 0)
    shape, make = _conv_node(operation, source, weights, pads)
    bias = real_bias(operation, 2, source.meaning[0] * weights.scales, shape[1])
    return [_pending(operation, source, shape, make, weights, bias, 1, False)]


def _gemm(operation: Operation) -> list[State]:
    source = _unpadded(operation)
    transposed = _gemm_form(operation, source)
    weights = _transposed(stored_weights(operation, 0 if transposed else 1), transposed)
    shape, make = _product_node(operation, source, weights)
    bias = real_bias(operation, 2, source.meaning[0] * weights.scales, shape[1])
    integers = not isinstance(operation.input(2), Constant)
    return [_pending(operation, source, shape, make, weights, bias, 1, integers)]


def _matmul(operation: Operation) -> list[State]:
    source = _unpadded(operation)
    weights = stored_weights(operation, 1)
    shape, make = _product_node(operation, source, weights)
    return [_pending(operation, source, shape, make, weights, None, len(shape) - 1, True)]


def _conv_transpose(operation: Operation) -> list[State]:
    """A convolution of an image between whose pixels are zeros, with mirrored kernels; onnxruntime adds up floats."""
    source, weights = _unpadded(operation), stored_weights(operation, 1)
    kernels, attributes = weights.array, operation.attributes
    if kernels.ndim != 4 or len(source.shape) != 4:
        raise RefusedError(f"weights of {kernels.ndim} axes; only images (N C H W) are supported")
    if "output_shape" in attributes or attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise RefusedError("attributes output_shape and auto_pad aren't supported")
    group, channels = int(attributes.get("group", 1)), source.shape[1]
    if group < 1 or len(kernels) != channels or channels % group:
        raise RefusedError(f"weights {kernels.shape} and group {group} don't fit {channels} channels")
    strides, dilations = (pair_of(name, attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
    if pair_of("kernel_shape", attributes.get("kernel_shape", kernels.shape[2:])) != kernels.shape[2:]:
        raise RefusedError(
            f"attribute kernel_shape is {attributes['kernel_shape']}, but the weights are {kernels.shape}"
        )
    ends, more = pads_of(attributes.get("pads", (0, 0, 0, 0))), attributes.get("output_padding", (0, 0))
    if len(more) != 2 or any(not 0 <= one < stride for one, stride in zip(more, strides, strict=True)):
        raise RefusedError(f"attribute output_padding is {more}; only two numbers less than the strides are supported")
    places = []
    for axis, size in enumerate(source.shape[2:]):
        reach = dilations[axis] * (kernels.shape[2 + axis] - 1)
        before, after = reach - ends[axis], reach - ends[axis + 2] + more[axis]
        at = np.arange(-before, (size - 1) * strides[axis] + 1 + after)
        real = (at >= 0) & (at % strides[axis] == 0) & (at // strides[axis] < size)
        places.append(np.where(real, at // strides[axis], -1))
    if min(map(len, places)) == 0:
        raise RefusedError("nothing is left of its image")
    numbers = np.arange(source.elements).reshape(source.shape)[:, :, places[0]][:, :, :, places[1]]
    order = np.where((places[0][:, None] < 0) | (places[1] < 0), -1, numbers)
    result = dataclasses.replace(source, name=operation.builder.inner(operation.output), shape=order.shape)
    spread = operation.builder.emit(
        Pick(name=operation.name, operator=operation.operator, sources=(source,), result=result, order=order)
    )
    count, depth = kernels.shape[1], channels // group
    mirrored = kernels[:, :, ::-1, ::-1].reshape(group, depth, count, *kernels.shape[2:]).swapaxes(1, 2)
    mirrored = np.ascontiguousarray(mirrored).reshape(group * count, depth, *kernels.shape[2:])
    along = {
        name: np.tile(array, group) if array.ndim else array
        for name, array in (("scales", weights.scales), ("zeros", weights.zeros))
    }
    weights = dataclasses.replace(weights, array=mirrored, **along)
    inner = dataclasses.replace(operation, attributes={"group": group, "dilations": dilations})
    shape, make = _conv_node(inner, spread, weights)
    bias = real_bias(operation, 2, source.meaning[0] * weights.scales, shape[1])
    return [dataclasses.replace(_pending(operation, spread, shape, make, weights, bias, 1, False), exact=False)]


# convolutions of lines: of images of one line


def _of_lines(handle: Callable[[Operation], list[State]], at: int) -> Callable[[Operation], list[State]]:
    """The same operator also for N C L, with weights K C S in input `at`."""

    def handle_lines(operation: Operation) -> list[State]:
        weights, found = operation.input(at), operation.needed(0)
        if not isinstance(weights, Constant | Stored) or weights.array.ndim != 3 or len(shape_of(found)) != 3:
            return handle(operation)
        if not isinstance(found, Bytes | Curve):
            raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
        builder, inputs = operation.builder, list(operation.inputs)

        def reshaped(value: Value, name: str, shape: tuple[int, ...]) -> Value:
            result = dataclasses.replace(value, name=name, shape=shape)
            return builder.emit(
                Reshape(name=operation.name, operator=operation.operator, sources=(value,), result=result)
            )

        images, channels, length = found.value.shape
        image = reshaped(found.value, builder.inner(operation.proto.input[0]), (images, channels, 1, length))
        inputs[0] = dataclasses.replace(found, value=image)
        inputs[at] = dataclasses.replace(weights, array=weights.array[:, :, None])
        attributes = dict(operation.attributes)
        for name in ("kernel_shape", "strides", "dilations"):
            if name in attributes:
                attributes[name] = [1, *attributes[name]]
        if "pads" in attributes:
            attributes["pads"] = [end for one in attributes["pads"] for end in (0, one)]
        proto = type(operation.proto)()
        proto.CopyFrom(operation.proto)
        proto.output[0] = builder.inner(operation.output)
        (state,) = handle(dataclasses.replace(operation, proto=proto, inputs=tuple(inputs), attributes=attributes))
        images, kernels, _, length = shape_of(state)
        shape = images, kernels, length
        if isinstance(state, Pending):
            return [behind(state, lambda value, name: reshaped(value, name, shape), shape, state.exact)]
        assert isinstance(state, Bytes)
        return [Bytes(reshaped(state.value, builder.name(operation.output), shape))]

    return handle_lines


HANDLERS = {
    "QLinearConv": _of_lines(_qlinear_conv, 3),
    "ConvInteger": _of_lines(_conv_integer, 1),
    "ConvTranspose": _conv_transpose,
    "QLinearMatMul": _qlinear_matmul,
    "MatMulInteger": _matmul_integer,
    "QGemm": _qgemm,
    "Conv": _of_lines(_conv, 1),
    "Gemm": _gemm,
    "MatMul": _matmul,
}
