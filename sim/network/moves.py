"""Import of what moves elements, joins them, pads them, or leaves everything as it is; and of the softmax."""

import dataclasses
from collections.abc import Callable

import numpy as np

from . import arithmetic
from .errors import RefusedError
from .floating import applied
from .graph import Host, Join, Node, Reshape, Value
from .operation import Operation, curve_of, evaluate, to_bytes, to_floats
from .states import Bytes, Constant, Curve, Floats, Padded, Pending, Real, State, Stored, shape_of
from .windows import pads_of

__all__ = ["HANDLERS", "MOVES", "behind"]

MOVES = ("Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


def _move(operation: Operation) -> list[State]:
    """The same elements in another shape or order: whose, tells what the operator makes of their numbers."""
    found = operation.needed(0)
    numbers = np.arange(int(np.prod(shape_of(found)))).reshape(shape_of(found))
    constants = {
        name: array
        for at, name in enumerate(operation.proto.input)
        if at and name and (array := operation.constant(at, f"input {at}")) is not None
    }
    arrays = {operation.proto.input[0]: numbers, **constants}
    moved = evaluate(operation.proto, operation.builder.opset, arrays)[0]
    if moved.size != numbers.size:
        raise RefusedError(f"shape {moved.shape} doesn't have the elements of {numbers.shape}")
    permutation = None
    if not np.array_equal(moved.reshape(-1), numbers.reshape(-1)):
        axes = operation.attributes.get("perm", range(numbers.ndim)[::-1])
        permutation = tuple(int(axis) for axis in axes)

    def move(value: Value, name: str) -> Value:
        result = dataclasses.replace(value, name=name, shape=moved.shape)
        return operation.builder.emit(
            Reshape(name=operation.name, operator=operation.operator, sources=(value,), result=result,
                    permutation=permutation)
        )  # fmt: skip

    match found:
        case Stored():
            return [_moved_constant(operation, found)]
        case Bytes():
            return [Bytes(move(found.value, operation.builder.name(operation.output)))]
        case Floats():
            return [Floats(move(found.value, operation.builder.name(operation.output)))]
        case Real():
            return applied(operation, exact=True)
        case Curve():
            value = move(found.value, operation.builder.inner(operation.output))
            return [dataclasses.replace(found, value=value, near=found.near and operation.operator != "Flatten")]
        case Pending():
            # onnxruntime moves QuantizeLinear and DequantizeLinear over all of them but Flatten
            exact = found.exact and operation.operator != "Flatten"
            return [behind(found, move, moved.shape, exact)]
    raise RefusedError("its input can't be moved")


def behind(found: Pending, move: Callable[[Value, str], Value], shape: tuple[int, ...], exact: bool) -> Pending:
    """What is pending, with a move behind it that makes a shape."""
    return dataclasses.replace(found, moves=(*found.moves, move), moved_shape=shape, add_bias=None, exact=exact)


def _moved_constant(operation: Operation, found: Stored) -> Stored:
    """Weights that are transposed behind their DequantizeLinear."""
    if operation.operator != "Transpose" and found.scale.ndim:
        raise RefusedError("reshapes a constant that has several scales")
    constants = {
        name: np.asarray(operation.constant(at, "shape")) for at, name in enumerate(operation.proto.input) if at
    }
    arrays = {operation.proto.input[0]: found.array, **constants}
    array = evaluate(operation.proto, operation.builder.opset, arrays)[0]
    axes = [int(axis) for axis in operation.attributes.get("perm", range(found.array.ndim)[::-1])]
    return dataclasses.replace(found, array=array, axis=axes.index(found.axis) if found.scale.ndim else 0)


def _identity(operation: Operation) -> list[State]:
    return [operation.needed(0)]


def _dropout(operation: Operation) -> list[State]:
    training = operation.constant(2, "training_mode")
    if training is not None and training.any():
        raise RefusedError("drops out in training")
    found = operation.needed(0)
    return [found, Constant(np.ones(shape_of(found), bool))]


def _pad(operation: Operation) -> list[State]:
    found = operation.needed(0)
    mode = operation.attributes.get("mode", b"constant")
    pads = operation.constant(1, "pads") if operation.input(1) is not None else operation.attributes.get("pads")
    if mode not in (b"constant", "constant") or pads is None or operation.input(3) is not None:
        raise RefusedError("only constant padding of all axes is supported")
    filled = operation.constant(2, "value")
    number = np.asarray(operation.attributes.get("value", 0) if filled is None else filled).reshape(-1)
    ends = np.asarray(pads).reshape(-1).tolist()
    inner = found.inner if isinstance(found, Padded) else found
    if not isinstance(inner, Bytes | Curve) or len(shape_of(inner)) != 4 or len(ends) != 8:
        raise RefusedError("only quantized images (N C H W) can be padded")
    zero = inner.value.zero if isinstance(inner, Bytes) else 0
    if any(ends[:2] + ends[4:6]) or number.tolist() != [zero]:
        raise RefusedError("only zeros around height and width are supported, which a convolution then adds")
    before = found.pads if isinstance(found, Padded) else (0, 0, 0, 0)
    top, left, bottom, right = (a + b for a, b in zip(before, pads_of(ends[2:4] + ends[6:]), strict=True))
    return [Padded(inner, (top, left, bottom, right))]


def _joined(operation: Operation, sources: list[Curve]) -> Pending:
    shapes = [source.value.shape for source in sources]
    if not shapes:
        raise RefusedError("it has no inputs")
    rank, axis = len(shapes[0]), operation.attributes.get("axis")
    if axis is None or not -rank <= axis < rank:
        raise RefusedError(f"attribute axis is {axis}")
    axis = int(axis) % rank
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) != 1:
        raise RefusedError(f"shapes {shapes} can't be joined along axis {axis}")
    shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])

    def build(result: Value, low: int | None, high: int | None, exact: bool) -> Node:
        if low is not None or high is not None:
            raise RefusedError("a Relu or Clip behind it must come in front of it, or behind a QuantizeLinear")
        scale, zero = result.meaning
        parts = tuple(
            to_bytes(
                operation.builder, source, operation.builder.inner(f"{result.name}_{at}"), result.dtype, scale, zero
            )
            for at, source in enumerate(sources)
        )
        return Join(name=operation.name, operator=operation.operator, sources=parts, result=result, axis=axis,
                    exact=exact)  # fmt: skip

    return Pending(operation.name, operation.operator, shape, build)


def _concat(operation: Operation) -> list[State]:
    states = [operation.needed(at) for at in range(len(operation.inputs))]
    if all(isinstance(state, Bytes) for state in states):
        curves = [curve_of(state.value) for state in states if isinstance(state, Bytes) and state.value.is_bytes]
        first = curves[0].value if curves else None
        if first is None or len(curves) != len(states):
            raise RefusedError("joins what has not 8 bits")
        if any(curve.value.meaning != first.meaning or curve.value.dtype != first.dtype for curve in curves):
            raise RefusedError("joins bytes of different scales or zero points")
        value = to_bytes(operation.builder, _joined(operation, curves), operation.output, first.dtype, *first.meaning)
        return [Bytes(value)]
    if any(isinstance(state, Floats | Real) for state in states):
        return applied(operation, exact=True)
    curves = [state for state in states if isinstance(state, Curve)]
    if len(curves) != len(states):
        raise RefusedError("not all of its inputs are quantized; put a QuantizeLinear and DequantizeLinear in front")
    return [_joined(operation, curves)]


def _qlinear_concat(operation: Operation) -> list[State]:
    zero = operation.constant(1, "zero point of the result")
    dtype = np.dtype(np.uint8) if zero is None else zero.dtype
    scale, point = operation.meaning(0, dtype, "the result")
    curves = [curve_of(operation.bytes_of(at, f"input {at}", at + 1)) for at in range(2, len(operation.inputs), 3)]
    pending = _joined(operation, curves)
    return [Bytes(to_bytes(operation.builder, pending, operation.output, dtype, scale, point))]


def _softmax(operation: Operation) -> list[State]:
    found = operation.needed(0)
    axis = _softmax_axis(operation, shape_of(found), operation.builder.opset)

    def real(name: str) -> Value:
        source = to_floats(operation.builder, found, operation.builder.inner(operation.proto.input[0]))
        result = Value(name=operation.builder.name(name), shape=source.shape, dtype=np.dtype(np.float32))
        return operation.builder.emit(
            Host(name=operation.name, operator="Softmax", sources=(source,), result=result, axis=axis, exact=False)
        )

    if isinstance(found, Curve) and found.plain:
        return [dataclasses.replace(_softmax_of_bytes(operation, found.value, axis), sums=real)]
    return [Floats(real(operation.output))]


def _softmax_axis(operation: Operation, shape: tuple[int, ...], opset: int) -> int:
    axis = int(operation.attributes.get("axis", -1 if opset >= 13 else 1)) % max(len(shape), 1)
    if opset < 13 and any(size != 1 for size in shape[axis + 1 :]):
        raise RefusedError("before opset 13 it must be along the last axis that isn't 1")
    return axis


def _softmax_of_bytes(operation: Operation, source: Value, axis: int) -> Pending:
    length = source.shape[axis]

    def build(result: Value, low: int | None, high: int | None, exact: bool) -> Node:
        if low is not None or high is not None or result.dtype != source.dtype:
            raise RefusedError("its input and result must have one type, without limits between")
        if np.floor(1 / result.meaning[0]) >= np.exp(arithmetic.SOFTMAX_ROOM) * length:
            raise RefusedError(f"scale of its result is too small for {length} values; onnxruntime overflows")
        return Host(name=operation.name, operator="Softmax", sources=(source,), result=result, axis=axis, exact=exact)

    return Pending(operation.name, operation.operator, source.shape, build)


def _qlinear_softmax(operation: Operation) -> list[State]:
    source = operation.bytes_of(0, "the input", 1)
    scale, zero = operation.meaning(3, source.dtype, "the result")
    axis = _softmax_axis(operation, source.shape, int(operation.attributes.get("opset", 13)))
    pending = _softmax_of_bytes(operation, source, axis)
    return [Bytes(to_bytes(operation.builder, pending, operation.output, source.dtype, scale, zero))]


HANDLERS = {
    "Concat": _concat,
    "Dropout": _dropout,
    "Identity": _identity,
    "Pad": _pad,
    "QLinearConcat": _qlinear_concat,
    "QLinearSoftmax": _qlinear_softmax,
    "Softmax": _softmax,
} | dict.fromkeys(MOVES, _move)  # fmt: skip
