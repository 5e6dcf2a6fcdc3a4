"""A node of a file while it is imported, and what all operators need."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from ..golden.requantize import quantize
from .errors import RefusedError
from .graph import Floating, Host, Lookup, Node, Reshape, Value
from .states import Bytes, Constant, Curve, Floats, Pending, Real, State, Stored, shape_of

__all__ = ["Builder", "Operation", "curve_of", "evaluate", "to_bytes", "to_floats"]


def evaluate(proto: onnx.NodeProto, opset: int, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What an operator makes of constants, by onnx's own reference."""
    with np.errstate(all="ignore"):
        try:
            found = ReferenceEvaluator(proto, opsets={"": opset}).run(None, dict(arrays))
        except Exception as error:  # of any kind: it is whatever numpy raises where shapes don't fit
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RefusedError(f"can't be computed: {text}") from error
    return [np.asarray(array) for array in found]


class Builder:
    """Nodes of a network that is being made, and names that are taken.

    Parameters
    ----------
    opset
        Version of ONNX's operators.
    names
        Of the file's tensors.
    """

    def __init__(self, opset: int, names: set[str]) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self._taken = names
        self._made: set[str] = set()

    def name(self, wanted: str) -> str:
        """A name of a value, as near to the one that is wanted as others allow."""
        name, count = wanted, 1
        while name in self._made:
            count += 1
            name = f"{wanted}_{count}"
        self._made.add(name)
        return name

    def inner(self, of: str) -> str:
        """A name of a value that the file has none for, as it has only floats there."""
        wanted = f"{of}_quantized"
        while wanted in self._taken:
            wanted += "_"
        return self.name(wanted)

    def emit(self, node: Node) -> Value:
        """Append a node."""
        self.nodes.append(node)
        return node.result


@dataclasses.dataclass(frozen=True, eq=False)
class Operation:
    """A node of a file, with what is known of its inputs.

    Parameters
    ----------
    builder
        Of the network.
    proto
        The node.
    name, operator
        For errors and tables.
    inputs
        None for those that are left out.
    attributes
        By name.
    """

    builder: Builder
    proto: onnx.NodeProto
    name: str
    operator: str
    inputs: tuple[State | None, ...]
    attributes: Mapping[str, Any]

    @property
    def output(self) -> str:
        """Name of the first output."""
        return self.proto.output[0]

    def input(self, at: int) -> State | None:
        """One of the inputs; None if it is left out."""
        return self.inputs[at] if at < len(self.inputs) else None

    def needed(self, at: int) -> State:
        """An input that must be there."""
        found = self.input(at)
        if found is None:
            raise RefusedError(f"input {at} is missing")
        return found

    def constant(self, at: int, what: str) -> np.ndarray | None:
        """An input that must be constant, or None."""
        found = self.input(at)
        match found:
            case None:
                return None
            case Constant():
                return found.array
            case Stored():
                return found.real
        raise RefusedError(f"{what} must be constant")

    def scale(self, at: int, what: str = "scale") -> np.ndarray:
        """An input that is one float32, or a row of them."""
        found = self.constant(at, what)
        if found is None:
            raise RefusedError(f"{what} is missing")
        if found.dtype != np.float32 or found.ndim > 1:
            raise RefusedError(f"{what} must be float32, one or one a channel, not {found.dtype} of shape "
                               f"{found.shape}")  # fmt: skip
        normal = np.isfinite(found) & (found >= np.finfo(np.float32).tiny)
        if not normal.all():
            raise RefusedError(f"{what} must be a positive normal float32, not {found[~normal].flat[0]}")
        return found.reshape(()) if found.size == 1 else found

    def zero(self, at: int, dtype: np.dtype, what: str = "zero point") -> np.ndarray:
        """An input that is one zero point of a type, or a row of them; 0 if it is left out."""
        found = self.constant(at, what)
        if found is None:
            return np.zeros((), dtype)
        if found.dtype != dtype or found.ndim > 1:
            raise RefusedError(f"{what} must be {dtype}, one or one a channel, not {found.dtype} of shape "
                               f"{found.shape}")  # fmt: skip
        return found.reshape(()) if found.size == 1 else found

    def meaning(self, at: int, dtype: np.dtype, what: str) -> tuple[np.float32, int]:
        """One scale, and one zero point in the next input."""
        scale, zero = self.scale(at, f"scale of {what}"), self.zero(at + 1, dtype, f"zero point of {what}")
        if scale.ndim or zero.ndim:
            raise RefusedError(f"{what} must have one scale and one zero point")
        return np.float32(scale), int(zero)

    def bytes_of(self, at: int, what: str, scale_at: int | None = None) -> Value:
        """An input of 8 bits, with the scale and zero point that this operator gives it."""
        found = self.needed(at)
        if not isinstance(found, Bytes) or not found.value.is_bytes:
            raise RefusedError(f"{what} must be an 8-bit tensor that isn't constant")
        value = found.value
        if scale_at is None:
            return value
        return self.reinterpret(value, *self.meaning(scale_at, value.dtype, what))

    def reinterpret(self, value: Value, scale: np.float32, zero: int) -> Value:
        """The same bytes with another meaning."""
        if (value.scale, value.zero) == (scale, zero):
            return value
        name = self.builder.name(f"{value.name}_as_read_by_{self.name}")
        result = dataclasses.replace(value, name=name, scale=scale, zero=zero)
        return self.builder.emit(Reshape(name=self.name, operator=self.operator, sources=(value,), result=result))


def curve_of(value: Value) -> Curve:
    """What an 8-bit value means."""
    scale, zero = value.meaning
    integers = np.arange(256, dtype=np.uint8).view(value.dtype).astype(np.int32)
    return Curve(value, (integers - zero).astype(np.float32) * scale)


def to_bytes(builder: Builder, state: State, name: str, dtype: np.dtype, scale: np.float32, zero: int) -> Value:
    """The 8-bit value that a QuantizeLinear makes of floats.

    Raises
    ------
    RefusedError
        If they can't be quantized.
    """
    wanted = Value(name="", shape=shape_of(state), dtype=dtype, scale=scale, zero=zero)
    match state:
        case Curve():
            same = (state.value.dtype, state.value.scale, state.value.zero) == (dtype, scale, zero)
            if state.plain and same:
                return state.value
            table = quantize(state.floats, scale, zero, dtype)
            return builder.emit(
                Lookup(
                    name=state.name or name,
                    operator="+".join(state.operators) or "QuantizeLinear",
                    sources=(state.value,),
                    result=dataclasses.replace(wanted, name=builder.name(name)),
                    table=table,
                    exact=state.exact,
                )
            )
        case Floats():
            result = dataclasses.replace(wanted, name=builder.name(name))
            return builder.emit(Host(name=name, operator="QuantizeLinear", sources=(state.value,), result=result))
        case Real():
            return builder.emit(_floating(state, dataclasses.replace(wanted, name=builder.name(name))))
        case Pending():
            return _build(builder, state, name, wanted)
    raise RefusedError("reads what can't be quantized here")


def _floating(state: Real, result: Value) -> Floating:
    return Floating(name=state.name, operator="+".join(state.operators), sources=state.sources, result=result,
                    function=state.function, exact=state.exact)  # fmt: skip


def _build(builder: Builder, state: Pending, name: str, wanted: Value) -> Value:
    """The node whose result is quantized, and what moves it afterwards."""
    least, most = wanted.limits
    scale, zero = wanted.meaning
    # what onnxruntime leaves out, as the type's limits do it
    redundant = bool(state.low <= (least - zero) * scale and state.high >= (most - zero) * scale)
    low, high = (int(quantize(limit, scale, zero, wanted.dtype)) for limit in (state.low, state.high))
    low, high = None if low == least else low, None if high == most else high
    first = builder.inner(state.name) if state.moves else builder.name(name)
    result = dataclasses.replace(wanted, name=first, shape=state.shape)
    node = state.build(result, low, high, state.exact and redundant)
    value = builder.emit(node)
    for move in state.moves[:-1]:
        value = move(value, builder.inner(state.name))
    for move in state.moves[-1:]:
        value = move(value, builder.name(name))
    return value


def to_floats(builder: Builder, state: State, name: str) -> Value:
    """The float32 value on the host that a graph's output or an operator of the host needs.

    Raises
    ------
    RefusedError
        If there are no such floats.
    """
    match state:
        case Floats():
            return state.value
        case Curve(plain=True):
            result = Value(name=builder.name(name), shape=state.value.shape, dtype=np.dtype(np.float32))
            return builder.emit(Host(name=name, operator="DequantizeLinear", sources=(state.value,), result=result))
        case Real():
            result = Value(name=builder.name(name), shape=state.shape, dtype=np.dtype(np.float32))
            return builder.emit(_floating(state, result))
        case Pending(sums=sums, moves=()) if sums and np.isneginf(state.low) and np.isposinf(state.high):
            return sums(name)
    raise RefusedError("its floats are needed, but no QuantizeLinear follows it")
