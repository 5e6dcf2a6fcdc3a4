"""Import of what onnxruntime computes in float32, and machines leave to the host."""

from collections.abc import Callable, Sequence

import numpy as np

from .errors import RefusedError
from .operation import Operation, evaluate
from .states import Bytes, Constant, Curve, Floats, Real, State, Stored, shape_of

__all__ = ["HANDLERS", "applied", "is_real"]


def is_real(state: State | None) -> bool:
    """Whether its floats are known once the network's values are."""
    return isinstance(state, Curve | Floats | Real)


def _real(state: State) -> Real:
    """Floats as a function of values of the network."""
    match state:
        case Real():
            return state
        case Floats():
            return Real((state.value,), lambda x: x, state.value.shape)
        case Curve():
            floats = state.floats
            return Real((state.value,), lambda x: floats[x.view(np.uint8)], state.value.shape, exact=state.exact,
                        operators=state.operators)  # fmt: skip
        case Constant() | Stored():
            array = state.array if isinstance(state, Constant) else state.real
            return Real((), lambda: array, array.shape)
        case Bytes():
            raise RefusedError("its input isn't dequantized")
    raise RefusedError("one of its inputs isn't quantized; put a QuantizeLinear and DequantizeLinear in front")


def applied(operation: Operation, exact: bool, own: Callable[..., np.ndarray] | None = None) -> list[State]:
    """What an operator makes of floats; shapes are found by trying.

    Parameters
    ----------
    exact
        Whether it has the same floats as onnxruntime.
    own
        Computes it; by default onnx's reference does.
    """
    names = [name for name in operation.proto.input if name]
    reals = [_real(state) for state in operation.inputs if state is not None]

    def reference(*floats: np.ndarray) -> np.ndarray:
        return evaluate(operation.proto, operation.builder.opset, dict(zip(names, floats, strict=True)))[0]

    compute = own or reference
    with np.errstate(all="ignore"):
        shape = compute(*(_trial(one) for one in reals)).shape
    return [
        Real(
            tuple(value for one in reals for value in one.sources), _nested(compute, reals), shape,
            exact=exact and all(one.exact for one in reals),
            operators=(*(name for one in reals for name in one.operators), operation.operator), name=operation.name,
        )
    ]  # fmt: skip


def _trial(real: Real) -> np.ndarray:
    """Numbers in place of values that nobody knows yet; constants as they are."""
    return np.ones(real.shape, np.float32) if real.sources else real.function()


def _nested(outer: Callable[..., np.ndarray], reals: Sequence[Real]) -> Callable[..., np.ndarray]:
    def compute(*arrays: np.ndarray) -> np.ndarray:
        floats, at = [], 0
        for one in reals:
            floats.append(one.function(*arrays[at : at + len(one.sources)]))
            at += len(one.sources)
        return outer(*floats)

    return compute


def _normalize(operation: Operation) -> list[State]:
    """Local response normalization; that of onnx's reference (1.23) takes images for channels."""
    attributes = operation.attributes
    size, bias = int(attributes["size"]), np.float32(attributes.get("bias", 1))
    alpha, beta = np.float32(attributes.get("alpha", 1e-4)), np.float32(attributes.get("beta", 0.75))
    if size < 1 or size % 2 == 0:
        raise RefusedError(f"attribute size is {size}; only odd ones are supported")

    def compute(x: np.ndarray) -> np.ndarray:
        before, channels = (size - 1) // 2, x.shape[1]
        squares = np.pad(x * x, [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
        total = np.zeros_like(x)
        for at in range(size):
            total += squares[:, at : at + channels]
        return x * (bias + alpha / np.float32(size) * total) ** -beta

    if len(shape := shape_of(operation.needed(0))) != 4:
        raise RefusedError(f"of {len(shape)} axes; only images (N C H W) are supported")
    return applied(operation, exact=False, own=compute)


def _greatest(operation: Operation) -> list[State]:
    return applied(operation, exact=True)


def _average(operation: Operation) -> list[State]:
    """What adds up values, in an order that is onnxruntime's affair."""
    return applied(operation, exact=False)


HANDLERS = {
    "BatchNormalization": _average,
    "LayerNormalization": _average,
    "LRN": _normalize,
    "ReduceMax": _greatest,
    "ReduceMin": _greatest,
}
