"""Import of what works element by element: quantizing, functions of one value, sums and products of two."""

import dataclasses
from collections.abc import Callable

import numpy as np

from . import arithmetic
from .activations import sigmoid, tanh
from .errors import RefusedError
from .graph import Add, Host, Lookup, Multiply, Node, Value
from .operation import Operation, curve_of, evaluate, to_bytes
from .states import Bytes, Constant, Curve, Floats, Padded, Pending, State, Stored

__all__ = ["HANDLERS"]

FLOAT32 = np.dtype(np.float32)

EXACT = {
    "Abs", "Add", "Ceil", "Clip", "Div", "Floor", "HardSigmoid", "LeakyRelu", "Max", "Min", "Mul", "Neg", "PRelu",
    "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh", "ThresholdedRelu",
}  # fmt: skip
"""Functions that have the same float32 here as in onnxruntime."""

UNARY = EXACT - {"Add", "Div", "Max", "Min", "Mul", "Sub", "PRelu"} | {
    "Celu", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "Log", "Mish", "Selu", "Sin", "Cos", "Softplus", "Softsign",
}  # fmt: skip
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu")


# from floats to bytes and back


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
    if zero.ndim and not scale.ndim:
        raise RefusedError("there are several zero points, but one scale")
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


def _unary(operation: Operation) -> list[State]:
    found = operation.needed(0)
    if operation.operator in ("Relu", "Clip") and isinstance(found, Pending):
        return [_limited(operation, found)]
    if not isinstance(found, Curve):
        raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
    own = {"Sigmoid": sigmoid, "Tanh": tanh}.get(operation.operator)
    if own:
        return [_curve(operation, found, own(found.floats))]
    constants = {
        name: array
        for at, name in enumerate(operation.proto.input)
        if at and name and (array := operation.constant(at, f"input {at}")) is not None
    }
    arrays = {operation.proto.input[0]: found.floats, **constants}
    return [_curve(operation, found, evaluate(operation.proto, operation.builder.opset, arrays)[0])]


def _curve(operation: Operation, source: Curve, floats: np.ndarray) -> Curve:
    if floats.shape != source.floats.shape or np.isnan(floats).any():
        raise RefusedError("it isn't a function of single values, or has none for some")
    return Curve(
        source.value,
        floats.astype(np.float32),
        plain=False,
        exact=source.exact and operation.operator in EXACT,
        operators=(*source.operators, operation.operator),
        name=operation.name,
    )


def _limited(operation: Operation, found: Pending) -> Pending:
    """A Relu or Clip behind a node that isn't quantized yet."""
    if operation.operator == "Relu":
        low, high = 0.0, np.inf
    else:
        limits = [operation.attributes.get(name) for name in ("min", "max")]
        for at in (1, 2):
            if (array := operation.constant(at, "limits")) is not None:
                limits[at - 1] = array.item() if array.size == 1 else np.nan
        low, high = (
            end if limit is None else float(limit) for end, limit in zip((-np.inf, np.inf), limits, strict=True)
        )
        if not low <= high:
            raise RefusedError(f"limits {low} and {high} are none")
    return dataclasses.replace(found, low=min(max(found.low, low), high), high=max(min(found.high, high), low))


def _qlinear_curve(function: Callable[[Operation, np.ndarray], np.ndarray]) -> Callable[[Operation], list[State]]:
    def handle(operation: Operation) -> list[State]:
        value = operation.bytes_of(0, "the input", 1)
        scale, zero = operation.meaning(3, value.dtype, "the result")
        curve = curve_of(value)
        curve = dataclasses.replace(curve, floats=function(operation, curve.floats), plain=False, name=operation.name,
                                    operators=(operation.operator,))  # fmt: skip
        return [Bytes(to_bytes(operation.builder, curve, operation.output, value.dtype, scale, zero))]

    return handle


def _leaky(operation: Operation, x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, x * np.float32(operation.attributes.get("alpha", 0.01)))


# two values

Operand = Value | tuple[np.ndarray, np.float32, int]
"""An 8-bit value, or a constant with its scale and zero point."""


def _binary(operation: Operation) -> list[State]:
    a, b = operation.needed(0), operation.needed(1)
    if operation.operator == "Add":
        for one, at in ((a, 1), (b, 0)):
            if isinstance(one, Pending) and one.add_bias and isinstance(operation.needed(at), Constant | Stored):
                array = operation.constant(at, "bias")
                assert array is not None
                return [one.add_bias(array)]
    if operation.operator in ("Add", "Mul", "Sum"):
        operands = _operand(a), _operand(b)
        if None not in operands:
            return [_combined(operation, *operands)]  # pyright: ignore[reportArgumentType]  # None was excluded
    return [_of_constants(operation, a, b)]


def _operand(state: State) -> Operand | None:
    match state:
        case Curve(plain=True):
            return state.value
        case Stored() if state.array.size == 1 and state.array.dtype in (np.int8, np.uint8):
            return state.array, np.float32(state.scale.item()), int(state.zero.item())
    return None


def _of_constants(operation: Operation, a: State, b: State) -> Curve:
    """A function of one value with constants, or with another function of the same value."""
    curve = a if isinstance(a, Curve) else b
    if not isinstance(curve, Curve):
        raise RefusedError("neither of its inputs is quantized; put a QuantizeLinear and DequantizeLinear in front")
    arrays, exact = {}, True
    for name, state in zip(operation.proto.input, (a, b), strict=True):
        match state:
            case Curve():
                if state.value != curve.value:
                    raise RefusedError("its two inputs must be quantized right in front of it")
                arrays[name], exact = state.floats, exact and state.exact
            case Constant() | Stored():
                array = state.array if isinstance(state, Constant) else state.real
                if array.size != 1:
                    raise RefusedError(f"combines with a constant of shape {array.shape}; only single numbers are "
                                       "supported")  # fmt: skip
                arrays[name] = array.reshape(())
            case _:
                raise RefusedError("one of its inputs isn't quantized; put a QuantizeLinear and DequantizeLinear in "
                                   "front")  # fmt: skip
    floats = evaluate(operation.proto, operation.builder.opset, arrays)[0]
    return dataclasses.replace(_curve(operation, curve, floats), exact=exact and operation.operator in EXACT)


def _combined(operation: Operation, a: Operand, b: Operand) -> State:
    """A sum or product that a QuantizeLinear quantizes."""
    first, second = (one.shape if isinstance(one, Value) else one[0].shape for one in (a, b))
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        raise RefusedError("shapes of its inputs don't broadcast") from None
    if _first_repeats(first, second):
        a, b = b, a  # as onnxruntime does, whose sums round the second one first

    def build(result: Value, low: int | None, high: int | None, exact: bool) -> Node:
        return _combination(operation, a, b, result, low, high, exact)

    return Pending(operation.name, operation.operator, shape, build, exact=operation.operator != "Sum")


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
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "QLinearAdd": _qlinear_binary,
    "QLinearMul": _qlinear_binary,
    "QLinearSigmoid": _qlinear_curve(lambda _, x: sigmoid(x)),
    "QLinearLeakyRelu": _qlinear_curve(_leaky),
    "Sum": _binary,
} | dict.fromkeys(UNARY, _unary) | dict.fromkeys(BINARY, _binary)  # fmt: skip
