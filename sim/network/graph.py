"""Quantized networks as all machines take them: values, and nodes that make one value of others."""

import dataclasses
import math
from functools import cached_property
from typing import Literal

import numpy as np

from ...hw.config import check, check_int
from ..golden.requantize import multiplier
from ..golden.residual_add import residual_terms

__all__ = [
    "Add",
    "Convolution",
    "Host",
    "Join",
    "Lookup",
    "Multiply",
    "Network",
    "Node",
    "Pool",
    "Product",
    "Reshape",
    "Value",
    "Weighted",
]

BYTES = (np.dtype(np.int8), np.dtype(np.uint8))
DTYPES = (*BYTES, np.dtype(np.int32), np.dtype(np.float32))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """A tensor that flows through a network.

    Parameters
    ----------
    name
        Unique in the network; inputs and outputs have the names of the file.
    shape
        In ONNX's order: N C H W, or N F, or any other.
    dtype
        int8 or uint8; int32 for sums that nobody scales down; float32 on the host.
    scale, zero
        What 8-bit values mean: ``(value - zero) * scale``. None and 0 for other types.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    scale: np.float32 | None = None
    zero: int = 0

    def __post_init__(self) -> None:
        for size in self.shape:
            check_int(f"{self.name}: sizes", size, 1)
        check(f"{self.name}: dtype", self.dtype in DTYPES, f"one of {', '.join(map(str, DTYPES))}", self.dtype)
        if self.is_bytes:
            normal = self.scale is not None and np.finfo(np.float32).tiny <= self.scale < np.inf
            check(f"{self.name}: scale", bool(normal), "a positive normal float32", self.scale)
            check_int(f"{self.name}: zero point", self.zero, *self.limits)
        else:
            check(f"{self.name}: scale", self.scale is None and self.zero == 0, "of 8-bit values only", self.scale)

    @property
    def is_bytes(self) -> bool:
        """Whether elements have 8 bits."""
        return self.dtype in BYTES

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        found = np.iinfo(self.dtype)
        return int(found.min), int(found.max)

    @property
    def meaning(self) -> tuple[np.float32, int]:
        """Scale and zero point of 8-bit values."""
        assert self.scale is not None
        return self.scale, self.zero

    @property
    def elements(self) -> int:
        """How many there are."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """What makes a value of others.

    Parameters
    ----------
    name
        Of the node of the file that it comes from, for tables and errors.
    operator
        Of that node.
    sources
        What it reads.
    result
        What it makes.
    exact
        Whether onnxruntime gives the same integers. Where it computes in float what a machine computes in integers,
        results near ties may differ by 1.
    """

    name: str
    operator: str
    sources: tuple[Value, ...]
    result: Value
    exact: bool = True

    def __post_init__(self) -> None:
        check(f"{self.name}: sources", len(self.sources) > 0, "at least one", self.sources)

    @property
    def source(self) -> Value:
        """The first thing that it reads; the only one of most nodes."""
        return self.sources[0]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Clipped(Node):
    """A node whose 8-bit results are clipped.

    Parameters
    ----------
    low, high
        Smallest and largest result, of a Relu or Clip that was folded in; None for those of the type. `clip` has both.
    """

    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        (low, high), (least, most) = self.clip, self.result.limits
        check(f"{self.name}: clip", least <= low <= high <= most, f"within {least} and {most}", self.clip)

    @property
    def clip(self) -> tuple[int, int]:
        """Smallest and largest result."""
        least, most = self.result.limits
        return least if self.low is None else self.low, most if self.high is None else self.high


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Weighted(_Clipped):
    """A product with constant weights: ``sum((source - its zero) * (weights - their zero)) + bias``, wrapped to int32.

    8-bit results are `requantize` of these sums with `factors` and the result's zero point, clipped. int32 results are
    the sums.

    Parameters
    ----------
    weights
        int8 or uint8.
    weight_scales
        float32, one or one an output channel.
    weight_zeros
        Of the weights' type, one or one an output channel.
    bias
        int32, one an output channel; or None.
    """

    weights: np.ndarray
    weight_scales: np.ndarray
    weight_zeros: np.ndarray
    bias: np.ndarray | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        name, channels = self.name, (self.channels,)
        check(f"{name}: source", self.source.is_bytes, "of 8 bits", self.source.dtype)
        check(f"{name}: weights", self.weights.dtype in BYTES, "int8 or uint8", self.weights.dtype)
        for field in ("weight_scales", "weight_zeros"):
            shape = getattr(self, field).shape
            check(f"{name}: {field}", shape in ((), channels), f"one or {channels[0]}", shape)
        if self.result.is_bytes:
            _ = self.factors  # checks that they are positive and finite
        check(f"{name}: bias", self.bias is None or self.bias.shape == channels, f"of shape {channels}",
              None if self.bias is None else self.bias.shape)  # fmt: skip

    @property
    def channels(self) -> int:
        """Output channels."""
        raise NotImplementedError

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those with padding counted."""
        return self.result.elements * self.weights.size // self.channels

    @cached_property
    def factors(self) -> np.ndarray:
        """float32 that sums are multiplied with, one or one an output channel; of 8-bit results only."""
        return multiplier(self.source.meaning[0], self.weight_scales, self.result.meaning[0])

    @property
    def centred_weights(self) -> np.ndarray:
        """Weights less their zero points, int16."""
        zeros = self.weight_zeros.astype(np.int16)
        return self.weights.astype(np.int16) - (zeros.reshape(self._along) if zeros.ndim else zeros)

    @property
    def _along(self) -> tuple[int, ...]:
        """Shape of one number an output channel that broadcasts against weights."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Weighted):
    """Of two spatial axes; `weights` are K x C / group x R x S.

    Parameters
    ----------
    strides, dilations
        Down and across.
    pads
        Zeros (that is, zero points) at the top, left, bottom and right, as ONNX orders them.
    group
        Independent convolutions.
    """

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1

    @property
    def channels(self) -> int:
        """Output channels, K."""
        return self.weights.shape[0]

    @property
    def kernel(self) -> tuple[int, int]:
        """R and S."""
        return self.weights.shape[2], self.weights.shape[3]

    @property
    def _along(self) -> tuple[int, ...]:
        return -1, 1, 1, 1


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Product(Weighted):
    """With a matrix: `weights` are as many rows as the source's last axis has elements, and a column a channel."""

    @property
    def channels(self) -> int:
        """Columns of the weights."""
        return self.weights.shape[1]

    @property
    def _along(self) -> tuple[int, ...]:
        return (-1,)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Combined(_Clipped):
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
class Pool(_Clipped):
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
