"""Import of what works element by element on two tensors, or on one and a constant."""

import dataclasses
from collections.abc import Callable

import numpy as np

from . import arithmetic
from .errors import RefusedError
from .floating import applied, is_real
from .functions import EXACT, curve
from .graph import Add, Lookup, Multiply, Node, Value
from .operation import Operation, evaluate, to_bytes
from .states import Bytes, Constant, Curve, Pending, State, Stored, shape_of

__all__ = ["HANDLERS"]

BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu")

Operand = Value | tuple[np.ndarray, np.float32, int]
"""An 8-bit value, or a constant with its scale and zero point."""


def _binary(operation: Operation) -> list[State]:
    if operation.operator in ("Max", "Min") and len(operation.inputs) != 2:
        return applied(operation, exact=True)
    a, b = operation.needed(0), operation.needed(1)
    if len(operation.inputs) != 2:
        raise RefusedError(f"of {len(operation.inputs)} inputs; only two are supported")
    if operation.operator == "Add":
        for one, at in ((a, 1), (b, 0)):
            if isinstance(one, Pending) and one.add_bias and isinstance(operation.needed(at), Constant | Stored):
                array = operation.constant(at, "bias")
                assert array is not None
                return [one.add_bias(array)]
    if operation.operator in ("Add", "Mul", "Sum"):
        operands = _operand(a), _operand(b)
        if None not in operands:
            return [_combined(operation, *operands)]  # pyrefly: ignore[bad-argument-type]  # None was excluded
    if _of_one(a, b):
        return [_of_constants(operation, a, b)]
    if not is_real(a) and not is_real(b):
        raise RefusedError("neither of its inputs is quantized; put a QuantizeLinear and DequantizeLinear in front")
    _broadcast(shape_of(a), shape_of(b))
    # onnxruntime adds and multiplies integers, if both are
    integers = operation.operator in ("Add", "Mul") and isinstance(a, Stored) != isinstance(b, Stored)
    return applied(operation, exact=operation.operator in EXACT and not integers)


def _of_one(a: State, b: State) -> bool:
    """Whether a table has the result for each byte of one value."""
    if isinstance(a, Curve) and isinstance(b, Curve):
        return a.value == b.value
    curve, other = (a, b) if isinstance(a, Curve) else (b, a)
    return isinstance(curve, Curve) and isinstance(other, Constant | Stored) and _array(other).size == 1


def _array(state: Constant | Stored) -> np.ndarray:
    return state.array if isinstance(state, Constant) else state.real


def _operand(state: State) -> Operand | None:
    match state:
        case Curve(plain=True):
            return state.value
        case Stored() if state.array.size == 1 and state.array.dtype in (np.int8, np.uint8):
            return state.array, np.float32(state.scale.item()), int(state.zero.item())
    return None


def _of_constants(operation: Operation, a: State, b: State) -> Curve:
    """A function of one value with constants, or with another function of the same value."""
    found = a if isinstance(a, Curve) else b
    assert isinstance(found, Curve)
    arrays, exact = {}, True
    for name, state in zip(operation.proto.input, (a, b), strict=True):
        if isinstance(state, Curve):
            arrays[name], exact = state.floats, exact and state.exact
        elif isinstance(state, Constant | Stored):
            arrays[name] = _array(state).reshape(())
    floats = evaluate(operation.proto, operation.builder.opset, arrays)[0]
    return dataclasses.replace(curve(operation, found, floats), exact=exact and operation.operator in EXACT)


def _combined(operation: Operation, a: Operand, b: Operand) -> State:
    """A sum or product that a QuantizeLinear quantizes."""
    first, second = (one.shape if isinstance(one, Value) else one[0].shape for one in (a, b))
    shape = _broadcast(first, second)
    if _first_repeats(first, second):
        a, b = b, a  # as onnxruntime does, whose sums round the second one first

    def build(result: Value, low: int | None, high: int | None, exact: bool) -> Node:
        return _combination(operation, a, b, result, low, high, exact)

    return Pending(operation.name, operation.operator, shape, build, exact=operation.operator != "Sum")


def _broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(first, second)
    except ValueError:
        raise RefusedError("shapes of its inputs don't broadcast") from None


def _first_repeats(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether single values of the first operand meet rows of the second, or only single values of both meet.

    The innermost axis decides, but for axes of size 1 in both while both have further ones.
    """
    pairs = list(zip((1, *first)[::-1], (1, *second)[::-1], strict=False))[: max(1, min(len(first), len(second)))]
    inner = next((pair for pair in pairs if max(pair) > 1), (0, 1))
    return inner[0] < inner[1]


def _combination(
    operation: Operation, a: Operand, b: Operand, result: Value, low: int | None, high: int | None, exact: bool
) -> Node:
    kind = Multiply if "Mul" in operation.operator else Add
    for one in (a, b):
        dtype = one.dtype if isinstance(one, Value) else one[0].dtype
        if dtype != result.dtype:
            raise RefusedError(f"inputs and result must have one type, not {dtype} and {result.dtype}")

    def node(sources: tuple[Value, ...], result: Value) -> Add | Multiply:
        return kind(name=operation.name, operator=operation.operator, sources=sources, result=result, low=low,
                    high=high, exact=exact)  # fmt: skip

    value = a if isinstance(a, Value) else b
    if isinstance(a, Value) and isinstance(b, Value):
        return node((a, b), result)
    if not isinstance(value, Value):
        raise RefusedError("both of its inputs are constant")
    return _table(node, a, b, value, result, exact)


def _table(
    make: Callable[..., Add | Multiply], a: Operand, b: Operand, value: Value, result: Value, exact: bool
) -> Lookup:
    """A sum or product with a constant, as a table: of all bytes with it."""
    sources, arrays = [], []
    for at, one in enumerate((a, b)):
        if isinstance(one, Value):
            sources.append(dataclasses.replace(one, shape=(256,)))
            arrays.append(np.arange(256, dtype=np.uint8).view(one.dtype))
        else:
            array, scale, zero = one
            sources.append(Value(name=f"constant {at}", shape=(1,), dtype=array.dtype, scale=scale, zero=zero))
            arrays.append(array.reshape(1))
    node = make(tuple(sources), dataclasses.replace(result, shape=(256,)))
    table = arithmetic.add(node, *arrays) if isinstance(node, Add) else arithmetic.multiply(node, *arrays)
    return Lookup(name=node.name, operator=node.operator, sources=(value,), result=result, table=table, exact=exact)


def _qlinear_binary(operation: Operation) -> list[State]:
    a, b = (_qlinear_operand(operation, at) for at in (0, 3))
    dtype = a.dtype if isinstance(a, Value) else a[0].dtype
    scale, zero = operation.meaning(6, dtype, "the result")
    pending = _combined(operation, a, b)
    return [Bytes(to_bytes(operation.builder, pending, operation.output, dtype, scale, zero))]


def _qlinear_operand(operation: Operation, at: int) -> Operand:
    found = operation.needed(at)
    if isinstance(found, Constant):
        if found.array.size != 1 or found.array.dtype not in (np.int8, np.uint8):
            raise RefusedError(
                f"combines with a constant of shape {found.array.shape}; only single bytes are supported"
            )
        return found.array, *operation.meaning(at + 1, found.array.dtype, "the constant")
    return operation.bytes_of(at, f"input {at}", at + 1)


HANDLERS = {
    "QLinearAdd": _qlinear_binary,
    "QLinearMul": _qlinear_binary,
    "Sum": _binary,
} | dict.fromkeys(BINARY, _binary)  # fmt: skip
