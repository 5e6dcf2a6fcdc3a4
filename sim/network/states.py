"""What is known of a tensor of a file while it is imported."""

import dataclasses
from collections.abc import Callable

import numpy as np

from .errors import RefusedError
from .graph import Node, Value

__all__ = [
    "Bytes",
    "Constant",
    "Curve",
    "Floats",
    "Padded",
    "Pending",
    "Real",
    "State",
    "Stored",
    "Unknown",
    "shape_of",
]


@dataclasses.dataclass(frozen=True, eq=False)
class Constant:
    """Known before anything runs."""

    array: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """A constant of integers that was dequantized.

    Parameters
    ----------
    array
        Integers.
    scale, zero
        One each, or one an element of axis `axis`.
    axis
        Not negative; of no meaning with one scale.
    """

    array: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    axis: int

    @property
    def real(self) -> np.ndarray:
        """What the integers mean, float32."""
        along = [1] * self.array.ndim
        if self.scale.ndim:
            along[self.axis] = -1
        return (self.array.astype(np.int64) - self.zero.astype(np.int64).reshape(along)).astype(
            np.float32
        ) * self.scale.reshape(along)


@dataclasses.dataclass(frozen=True, eq=False)
class Bytes:
    """An integer value of the network: of 8 bits, or sums of 32."""

    value: Value


@dataclasses.dataclass(frozen=True, eq=False)
class Floats:
    """A float32 value of the network, on the host."""

    value: Value


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Floats that are a function of an 8-bit value, element by element.

    Parameters
    ----------
    value
        What they are a function of.
    floats
        256 float32, by byte.
    plain
        Whether they are what the value means, as a DequantizeLinear gives it.
    exact
        Whether onnxruntime has the same floats.
    near
        Whether the DequantizeLinear is right in front for onnxruntime too, which fuses it with what reads it.
    operators, name
        What was done since, and the last node that did it.
    """

    value: Value
    floats: np.ndarray
    plain: bool = True
    exact: bool = True
    near: bool = True
    operators: tuple[str, ...] = ()
    name: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Real:
    """Floats that are computed of several values, or of each together with others; see `graph.Floating`.

    Parameters
    ----------
    sources
        What they are computed of; nothing for constants.
    function
        Of the sources' arrays makes float32.
    shape
        Of the floats.
    exact
        Whether onnxruntime has the same floats.
    operators, name
        Those that `function` computes, and the last node of them.
    """

    sources: tuple[Value, ...]
    function: Callable[..., np.ndarray]
    shape: tuple[int, ...]
    exact: bool = True
    operators: tuple[str, ...] = ()
    name: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Pending:
    """Floats of a node that is only known when a QuantizeLinear says what they become.

    Parameters
    ----------
    name, operator
        Of the node.
    shape
        Of the floats.
    build
        Makes the node of its 8-bit result, smallest and largest value (or None), and whether it is exact.
    sums
        Makes floats of it on the host; None if nothing does.
    low, high
        Real limits that Relu and Clip have set.
    moves
        What moves the result's elements afterwards: of a value and a name makes a value.
    add_bias
        The same with a constant added, one or one a channel; None if there can't be one.
    exact
        Whether onnxruntime computes it in integers too.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    build: Callable[[Value, int | None, int | None, bool], Node]
    sums: Callable[[str], Value] | None = None
    low: float = -np.inf
    high: float = np.inf
    moves: tuple[Callable[[Value, str], Value], ...] = ()
    moved_shape: tuple[int, ...] | None = None
    add_bias: "Callable[[np.ndarray], Pending] | None" = None
    exact: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Padded:
    """An image with zeros around it, that only a convolution takes.

    Parameters
    ----------
    inner
        The image: an 8-bit value, or what it means.
    pads
        At the top, left, bottom and right.
    """

    inner: Bytes | Curve
    pads: tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Unknown:
    """What there isn't.

    Parameters
    ----------
    reason
        Why those that read it are refused; empty if a node made it that is refused already.
    """

    reason: str = ""


State = Constant | Stored | Bytes | Floats | Curve | Real | Pending | Padded | Unknown


def shape_of(state: State) -> tuple[int, ...]:
    """Its shape."""
    match state:
        case Constant() | Stored():
            return state.array.shape
        case Bytes() | Floats() | Curve():
            return state.value.shape
        case Real():
            return state.shape
        case Pending():
            return state.shape if state.moved_shape is None else state.moved_shape
    raise RefusedError("of unknown shape")
