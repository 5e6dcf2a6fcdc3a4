"""Import of what takes the greatest or the average of some elements."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .arithmetic import under_windows
from .errors import RefusedError
from .floating import applied
from .graph import Node, Pool, Reshape, Value
from .moves import behind
from .operation import Operation, to_bytes
from .states import Bytes, Curve, Floats, Pending, Real, State, Unknown, shape_of
from .windows import windows

__all__ = ["HANDLERS"]


def _pool_node(
    operation: Operation, source: Value, kind: Literal["max", "average", "global"]
) -> tuple[tuple[int, ...], Callable[[Value, int | None, int | None, bool], Node]]:
    """Shape of a pool's result, and what makes the node."""
    if len(source.shape) != 4:
        raise RefusedError(f"of {len(source.shape)} axes; only images (N C H W) are supported")
    steps: dict[str, Any]
    if kind == "global":
        shape = *source.shape[:2], 1, 1
        steps = {"kernel": source.shape[2:]}
    else:
        where = windows(operation, source.shape)
        if kind == "average" and where.dilations != (1, 1):
            raise RefusedError("attribute dilations isn't supported in averages")
        if any(pad >= size for pad, size in zip(where.pads[:2], where.kernel, strict=True)):
            raise RefusedError("its padding is as large as its kernel")
        for axis in (0, 1):
            if (where.output[axis] - 1) * where.strides[axis] - where.pads[axis] >= source.shape[2 + axis]:
                raise RefusedError("it has windows outside of the image")
        shape = *source.shape[:2], *where.output
        steps = {"kernel": where.kernel, "strides": where.strides, "pads": where.pads, "dilations": where.dilations}
    counted = bool(operation.attributes.get("count_include_pad", 0))

    def make(result: Value, low: int | None, high: int | None, exact: bool) -> Node:
        exact = exact and source.dtype == result.dtype
        return Pool(name=operation.name, operator=operation.operator, sources=(source,), result=result, kind=kind,
                    low=low, high=high, exact=exact, count_pads=counted, **steps)  # fmt: skip

    return shape, make


def _max_pool(operation: Operation) -> list[State]:
    found = operation.needed(0)
    indices = Unknown("indices of greatest values aren't supported")
    if isinstance(found, Pending):
        return [_greatest_of_pending(operation, found), indices]
    if isinstance(found, Floats | Real):
        return [*_greatest_of_floats(operation, shape_of(found)), indices]
    if not isinstance(found, Bytes | Curve) or not found.value.is_bytes:
        raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
    shape, make = _pool_node(operation, found.value, "max")
    name = operation.builder.name(operation.output) if isinstance(found, Bytes) else (
        operation.builder.inner(operation.output)
    )  # fmt: skip
    if isinstance(found, Curve):
        ordered = found.floats[np.argsort(np.arange(256, dtype=np.uint8).view(found.value.dtype), kind="stable")]
        if (np.diff(ordered) < 0).any():
            raise RefusedError("the function in front of it falls; put a QuantizeLinear and DequantizeLinear between")
    result = dataclasses.replace(found.value, name=name, shape=shape)
    value = operation.builder.emit(make(result, None, None, True))
    return [Bytes(value) if isinstance(found, Bytes) else dataclasses.replace(found, value=value), indices]


def _greatest_of_floats(operation: Operation, shape: tuple[int, ...]) -> list[State]:
    where = windows(operation, shape)

    def compute(x: np.ndarray) -> np.ndarray:
        return np.stack(list(under_windows(where, where.output, x, -np.inf))).max(0)

    return applied(operation, exact=True, own=compute)


def _greatest_of_pending(operation: Operation, found: Pending) -> Pending:
    """A maximum whose QuantizeLinear comes behind it; in front of it does the same."""
    stand_in = Value(name=operation.output, shape=shape_of(found), dtype=np.dtype(np.float32))
    shape, _ = _pool_node(operation, stand_in, "max")

    def move(value: Value, name: str) -> Value:
        result = dataclasses.replace(value, name=name, shape=shape)
        return operation.builder.emit(_pool_node(operation, value, "max")[1](result, None, None, True))

    return behind(found, move, shape, found.exact)


def _average(kind: Literal["average", "global"]) -> Callable[[Operation], list[State]]:
    def handle(operation: Operation) -> list[State]:
        found = operation.needed(0)
        if not isinstance(found, Curve) or not found.plain:
            raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
        shape, make = _pool_node(operation, found.value, kind)
        return [Pending(operation.name, operation.operator, shape, make)]

    return handle


def _qlinear_average(kind: Literal["average", "global"]) -> Callable[[Operation], list[State]]:
    def handle(operation: Operation) -> list[State]:
        if operation.attributes.get("channels_last", 0):
            raise RefusedError("attribute channels_last isn't supported")
        source = operation.bytes_of(0, "the input", 1)
        scale, zero = operation.meaning(3, source.dtype, "the result")
        shape, make = _pool_node(operation, source, kind)
        pending = Pending(operation.name, operation.operator, shape, make)
        return [Bytes(to_bytes(operation.builder, pending, operation.output, source.dtype, scale, zero))]

    return handle


def _reduce_mean(operation: Operation) -> list[State]:
    """The average of images, which onnxruntime computes in floats."""
    found = operation.needed(0)
    axes = operation.constant(1, "axes") if operation.input(1) is not None else operation.attributes.get("axes")
    if not isinstance(found, Curve) or not found.plain or len(found.value.shape) != 4:
        raise RefusedError("only averages of quantized images (N C H W) are supported")
    if axes is None or sorted(int(axis) % 4 for axis in np.asarray(axes).reshape(-1)) != [2, 3]:
        raise RefusedError("only averages over height and width are supported")
    shape, make = _pool_node(operation, found.value, "global")
    pending = Pending(operation.name, operation.operator, shape, make, exact=False)
    if operation.attributes.get("keepdims", 1):
        return [pending]

    def flatten(value: Value, name: str) -> Value:
        result = dataclasses.replace(value, name=name, shape=shape[:2])
        return operation.builder.emit(
            Reshape(name=operation.name, operator=operation.operator, sources=(value,), result=result)
        )

    return [dataclasses.replace(pending, moves=(flatten,), moved_shape=shape[:2])]


HANDLERS = {
    "GlobalAveragePool": _average("global"),
    "AveragePool": _average("average"),
    "MaxPool": _max_pool,
    "QLinearAveragePool": _qlinear_average("average"),
    "QLinearGlobalAveragePool": _qlinear_average("global"),
    "ReduceMean": _reduce_mean,
}
