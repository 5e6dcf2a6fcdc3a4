"""Import of functions of one value."""

import dataclasses
from collections.abc import Callable

import numpy as np

from .activations import sigmoid, tanh
from .errors import RefusedError
from .floating import applied
from .operation import Operation, curve_of, evaluate, to_bytes
from .states import Bytes, Curve, Floats, Pending, Real, State

__all__ = ["EXACT", "HANDLERS", "curve"]

EXACT = {
    "Abs", "Add", "Ceil", "Clip", "Div", "Floor", "HardSigmoid", "LeakyRelu", "Max", "Min", "Mul", "Neg", "PRelu",
    "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh", "ThresholdedRelu",
}  # fmt: skip
"""Functions that have the same float32 here as in onnxruntime."""

UNARY = EXACT - {"Add", "Div", "Max", "Min", "Mul", "Sub", "PRelu"} | {
    "Celu", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "Log", "Mish", "Selu", "Sin", "Cos", "Softplus", "Softsign",
}  # fmt: skip


def _unary(operation: Operation) -> list[State]:
    found = operation.needed(0)
    if operation.operator in ("Relu", "Clip") and isinstance(found, Pending):
        return [_limited(operation, found)]
    if isinstance(found, Real | Floats):
        return applied(operation, operation.operator in EXACT - {"Sigmoid", "Tanh"})
    if not isinstance(found, Curve):
        raise RefusedError("its input isn't quantized; put a QuantizeLinear and DequantizeLinear in front")
    own = {"Sigmoid": sigmoid, "Tanh": tanh}.get(operation.operator)
    if own:
        return [curve(operation, found, own(found.floats))]
    constants = {
        name: array
        for at, name in enumerate(operation.proto.input)
        if at and name and (array := operation.constant(at, f"input {at}")) is not None
    }
    arrays = {operation.proto.input[0]: found.floats, **constants}
    return [curve(operation, found, evaluate(operation.proto, operation.builder.opset, arrays)[0])]


def curve(operation: Operation, source: Curve, floats: np.ndarray) -> Curve:
    """What an operator makes of a curve, if its floats are a curve again."""
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


HANDLERS = {
    "QLinearSigmoid": _qlinear_curve(lambda _, x: sigmoid(x)),
    "QLinearLeakyRelu": _qlinear_curve(_leaky),
} | dict.fromkeys(UNARY, _unary)  # fmt: skip
