"""Quantized networks as all machines take them: values, and nodes that make one value of others."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Literal

import numpy as np

from ...hw.config import check
from ..golden.requantize import multiplier
from ..golden.residual_add import residual_terms
from .value import Clipped, Node, Value
from .weighted import Convolution, Product, Weighted

__all__ = [
    "Add",
    "Convolution",
    "Floating",
    "Host",
    "Join",
    "Lookup",
    "Multiply",
    "Network",
    "Node",
    "Pick",
    "Pool",
    "Product",
    "Reshape",
    "Value",
    "Weighted",
]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Combined(Clipped):
    """A node that reads two 8-bit tensors of its result's type."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check(f"{self.name}: sources", len(self.sources) == 2, "two", len(self.sources))
        for source in self.sources:
            check(f"{self.name}: sources", source.dtype == self.result.dtype, f"{self.result.dtype}", source.dtype)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Add(_Combined):
    """Sum of two 8-bit tensors, as ``QLinearAdd``; shapes broadcast."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.terms  # checks that they are finite

    @cached_property
    def terms(self) -> tuple[np.float32, np.float32, np.float32]:
        """Factors of both and the constant, as of `residual_terms`."""
        (a_scale, a), (b_scale, b), (y_scale, y) = (value.meaning for value in (*self.sources, self.result))
        return residual_terms(a_scale, a, b_scale, b, y_scale, y)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Multiply(_Combined):
    """Product of two 8-bit tensors, element by element, as ``QLinearMul``; shapes broadcast."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.factor  # checks that it is positive and finite

    @cached_property
    def factor(self) -> np.float32:
        """What the product of integers, less their zero points, is multiplied with."""
        return np.float32(multiplier(*(value.meaning[0] for value in (*self.sources, self.result))))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Clipped):
    """Windows of two spatial axes.

    Parameters
    ----------
    kind
        ``max``: of type, scale and zero point of the source. ``average``: the average of real values.
        ``global``: the average of all pixels; its arithmetic differs from that of ``average``.
    kernel, strides, dilations
        Down and across.
    pads
        At the top, left, bottom and right; some of the last two may be there because a size was rounded up.
    count_pads
        Whether averages are always of as many values as a window has.
    """

    kind: Literal["max", "average", "global"]
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    count_pads: bool = False


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Lookup(Node):
    """A function of one 8-bit value.

    Parameters
    ----------
    table
        256 values of the result's type, by byte: of negative values the upper half.
    """

    table: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        right = self.table.shape == (256,) and self.table.dtype == self.result.dtype
        check(f"{self.name}: table", right, f"256 of {self.result.dtype}", (self.table.shape, self.table.dtype))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Join(Node):
    """Tensors of one type, scale and zero point, one behind the other.

    Parameters
    ----------
    axis
        Along which; not negative.
    """

    axis: int


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Node):
    """The same elements in another shape or order, or (if neither changes) with another scale or zero point.

    Parameters
    ----------
    permutation
        Axes of the source in the order in which they are before the shape changes; None to leave them.
    """

    permutation: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pick(Node):
    """Elements of a tensor, some of them perhaps several times, in another shape; and zeros.

    Parameters
    ----------
    order
        For each element of the result the number of the source's; -1 is the zero point.
    """

    order: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        order = self.order
        check(f"{self.name}: order", order.shape == self.result.shape, f"of shape {self.result.shape}", order.shape)
        inside = bool((order >= -1).all() and (order < self.source.elements).all())
        check(
            f"{self.name}: order",
            inside,
            f"of numbers from -1 to {self.source.elements - 1}",
            (order.min(), order.max()),
        )


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Floating(Node):
    """What onnxruntime computes in float32, and the host too: a machine has no floats.

    Parameters
    ----------
    function
        Of the sources' arrays, 8-bit ones as they are, makes float32; an 8-bit result is quantized afterwards.
    """

    function: Callable[..., np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Host(Node):
    """What no machine does: ``QuantizeLinear``, ``DequantizeLinear``, and ``Softmax`` of floats or of 8-bit values.

    Parameters
    ----------
    scales
        Of int32 sums that become floats: float32, one or one an element of the axis. 8-bit values have theirs.
    axis
        Of scales, and of a softmax; not negative.
    """

    scales: np.ndarray | None = None
    axis: int = 0


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """A network.

    Parameters
    ----------
    name
        Of the graph.
    inputs, outputs
        In the order of the file; an input may be float32, with a `Host` node that quantizes it.
    nodes
        In an order in which each comes after those that it reads.
    """

    name: str = ""
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        known = {value.name: value for value in self.inputs}
        check("inputs", len(known) == len(self.inputs) > 0, "at least one, of names that differ", list(known))
        for node in self.nodes:
            for source in node.sources:
                check(f"sources of {node.name}", known.get(source.name) == source, "inputs or made before", source.name)
            check(f"result of {node.name}", node.result.name not in known, "of a name that differs", node.result.name)
            known[node.result.name] = node.result
        check("outputs", len(self.outputs) > 0, "at least one", self.outputs)
        for output in self.outputs:
            check("outputs", known.get(output.name) == output, f"of {', '.join(known)}", output.name)

    @property
    def values(self) -> dict[str, Value]:
        """All values by name."""
        return {value.name: value for value in (*self.inputs, *(node.result for node in self.nodes))}

    def readers(self, value: Value) -> list[Node]:
        """Nodes that read a value."""
        return [node for node in self.nodes if value in node.sources]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all convolutions and products."""
        return sum(node.macs for node in self.nodes if isinstance(node, Weighted))
