"""Networks as the compiler takes them: tensors of images, and what makes one of others."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ...hw.config import check, check_bool, check_int
from ..golden.geometry import ConvolutionGeometry, Padding, Steps
from ..golden.tensors import check_tensor
from .field_rules import TABLE_BYTES
from .layers import Layer, RawLayer

__all__ = ["Combine", "Graph", "Join", "Lookup", "Node", "Pool", "Product", "Tensor", "geometry_of"]

MOST_FLOAT = 1 << 31
"""Magnitude that factors and addends must stay below."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """Sizes and type of a tensor N x H x W x C; a matrix is one of images of a single pixel.

    Parameters
    ----------
    images, height, width, channels
        Its sizes.
    dtype
        Of its elements.
    zero
        Their zero point.
    """

    images: int
    height: int = 1
    width: int = 1
    channels: int
    dtype: np.dtype = np.dtype(np.uint8)
    zero: int = 0

    def __post_init__(self) -> None:
        for name in ("images", "height", "width", "channels"):
            check_int(name, getattr(self, name), 1)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """N, H, W, C."""
        return self.images, self.height, self.width, self.channels

    @property
    def positions(self) -> int:
        """Pixels of all images."""
        return self.images * self.height * self.width

    @property
    def pad(self) -> int:
        """The byte that stands for zero."""
        return self.zero & 0xFF


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Product:
    """A convolution, or a product with a matrix, of tensors whose channels count as lying one behind the other.

    Parameters
    ----------
    sources
        Tensors of the same type, images, height and width.
    layer
        Weights, and what becomes of sums. Rows of the weights are source by source, and of each R x S x C.
    kernel
        R and S.
    stride, padding, dilation
        As in `ConvolutionGeometry.of`; padding stands for zero.
    """

    sources: tuple[str, ...]
    layer: Layer | RawLayer
    kernel: tuple[int, int] = (1, 1)
    stride: Steps = 1
    padding: Padding = 0
    dilation: Steps = 1

    def __post_init__(self) -> None:
        _check_sources(self)
        _check_kernel(self.kernel)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """Greatest value or average of windows.

    Parameters
    ----------
    sources
        One tensor.
    kernel, stride, padding, dilation
        As in `ConvolutionGeometry.of`. What lies outside is smaller than everything else; of averages it is zero and
        counts.
    average
        ``round(sum * factor + addend)`` of the values, in place of the greatest.
    factor, addend
        float32.
    """

    sources: tuple[str]
    kernel: tuple[int, int]
    stride: Steps = 1
    padding: Padding = 0
    dilation: Steps = 1
    average: bool = False
    factor: float = 1.0
    addend: float = 0.0

    def __post_init__(self) -> None:
        _check_sources(self, 1)
        _check_kernel(self.kernel)
        check_bool("average", self.average)
        _check_floats(self, "factor", "addend")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Combine:
    """Element by element of two tensors of the same type and sizes.

    ``add``: ``round(a * factor_a + (b * factor_b + addend))``; ``multiply``: ``round((a - a's zero point) * (b - b's
    zero point) * factor_a + addend)``; ``max``: the greater one. Sums and products are rounded to float32 once each.

    Parameters
    ----------
    operation
        Which of them.
    sources
        a and b.
    factor_a, factor_b, addend
        float32.
    zero
        Zero point of the result.
    lo, hi
        Smallest and largest result; by default those of the type.
    """

    operation: Literal["add", "multiply", "max"]
    sources: tuple[str, str]
    factor_a: float = 1.0
    factor_b: float = 1.0
    addend: float = 0.0
    zero: int = 0
    lo: int | None = None
    hi: int | None = None

    def __post_init__(self) -> None:
        known = ("add", "multiply", "max")
        check("operation", self.operation in known, f"one of {', '.join(known)}", self.operation)
        _check_sources(self, 2)
        _check_floats(self, "factor_a", "factor_b", "addend")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Lookup:
    """A function of one value, as a table.

    Parameters
    ----------
    sources
        One tensor.
    table
        256 values of its type, by byte: of negative values the upper half.
    zero
        Zero point of the result.
    """

    sources: tuple[str]
    table: np.ndarray
    zero: int = 0

    def __post_init__(self) -> None:
        _check_sources(self, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Join:
    """Tensors made one: their channels one behind the other, or their images. Nothing else may read them.

    Parameters
    ----------
    sources
        Tensors that products and pools make, of the same type and zero point.
    images
        Join images, not channels.
    """

    sources: tuple[str, ...]
    images: bool = False

    def __post_init__(self) -> None:
        _check_sources(self)
        check_bool("images", self.images)


def _check_sources(node: "Node", count: int | None = None) -> None:
    sources = node.sources
    names = isinstance(sources, tuple) and all(isinstance(source, str) for source in sources)
    check("sources", names and len(sources) > 0, "a tuple of names", sources)
    check("sources", count is None or len(sources) == count, f"{count} of them", sources)


def _check_kernel(kernel: object) -> None:
    check("kernel", isinstance(kernel, tuple | list) and len(kernel) == 2, "two numbers, down and across", kernel)
    for size in kernel:  # pyrefly: ignore[not-iterable]
        check_int("kernel", size, 1)


def _check_floats(node: "Pool | Combine", *names: str) -> None:
    """Refuse what registers of float32 don't hold."""
    for name in names:
        value = float(getattr(node, name))
        small = np.finfo(np.float32).tiny <= abs(value) < MOST_FLOAT or value == 0
        check(name, bool(small), "0, or a normal float32 of a magnitude below 2**31", value)


Node = Product | Pool | Combine | Lookup | Join


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """A network.

    Parameters
    ----------
    inputs
        Tensors that come from the host, by name.
    nodes
        What makes a tensor of others, by its name, in an order in which each comes after those that it reads.
    outputs
        Tensors that go to the host.
    recurrent
        Inputs that come from the host for the first batch only; for all others they are what a node made of the batch
        before.
    read_behind
        Inputs that are read while a certain node is worked on: if that comes behind their first reader, of the batch
        before. All others are read from the beginning of the batch before on.
    """

    inputs: Mapping[str, Tensor]
    nodes: Mapping[str, Node]
    outputs: tuple[str, ...]
    recurrent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    read_behind: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check("inputs", len(self.inputs) > 0, "at least one", len(self.inputs))
        check("nodes", len(self.nodes) > 0, "at least one", len(self.nodes))
        check("outputs", isinstance(self.outputs, tuple) and len(self.outputs) > 0, "a tuple of names", self.outputs)
        tensors = self.tensors
        for name in self.outputs:
            check("outputs", name in self.nodes, f"of {', '.join(self.nodes)}", name)
        for name, source in self.recurrent.items():
            check("recurrent", name in self.inputs and source in self.nodes, "an input and a node", (name, source))
            same = tensors[name] == tensors[source]
            check(f"recurrent {name}", same, f"like {source}, {tensors[source]}", tensors[name])
        for name, node in self.read_behind.items():
            check("read_behind", name in self.inputs and node in self.nodes, "an input and a node", (name, node))
        readers = [source for node in self.nodes.values() for source in node.sources]
        for name, node in self.nodes.items():
            for source in node.sources if isinstance(node, Join) else ():
                alone = readers.count(source) == 1 and source not in self.outputs + tuple(self.recurrent.values())
                made = isinstance(self.nodes.get(source), Product | Pool)
                check(f"sources of {name}", alone and made, "made by a product or pool, read by nothing else", source)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name.

        Raises
        ------
        ConfigError
            If a node reads what there isn't yet, or what doesn't fit together.
        """
        found = dict(self.inputs)
        for name, node in self.nodes.items():
            check("nodes", name not in found, "of names that differ", name)
            for source in node.sources:
                check(f"sources of {name}", source in found, f"one of {', '.join(found)}", source)
            found[name] = _result(name, node, [found[source] for source in node.sources])
        return found

    def reads_before(self, name: str) -> bool:
        """Whether an input is read while the batch before is worked on."""
        if name not in self.read_behind:
            return True
        order = list(self.nodes)
        first = min((order.index(one) for one, node in self.nodes.items() if name in node.sources), default=0)
        return order.index(self.read_behind[name]) >= first

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a batch."""
        return sum(
            self.tensors[name].positions * node.layer.weights.size
            for name, node in self.nodes.items()
            if isinstance(node, Product)
        )

    @property
    def weights(self) -> int:
        """All of them, those that nodes share once."""
        layers = {id(node.layer): node.layer for node in self.nodes.values() if isinstance(node, Product)}
        return sum(layer.weights.size for layer in layers.values())

    def check_input(self, field: str, name: str, values: object) -> np.ndarray:
        """Return `values` if they are this input, as N x H x W x C; else raise what is wrong with `field`."""
        tensor = self.inputs[name]
        array = check_tensor(field, values, "N x H x W x C", {tensor.dtype})
        check(field, array.shape == tensor.shape, " x ".join(map(str, tensor.shape)), array.shape)
        return array


def geometry_of(node: Product | Pool, sources: Sequence[Tensor]) -> ConvolutionGeometry:
    """Sizes of the windows of a node that reads certain tensors."""
    images, height, width, _ = sources[0].shape
    channels = sum(source.channels for source in sources)
    kernels = node.layer.weights.shape[1] if isinstance(node, Product) else 1
    shapes = (images, height, width, channels), (*node.kernel, channels, kernels)
    return ConvolutionGeometry.of(*shapes, node.stride, node.padding, node.dilation)


def _result(name: str, node: Node, sources: Sequence[Tensor]) -> Tensor:
    """The tensor that a node makes."""
    first, *others = sources
    match node:
        case Product():
            for other in others:
                same = other.shape[:3] == first.shape[:3] and other.dtype == first.dtype
                check(f"sources of {name}", same, "of the same type, images, height and width", other)
            geometry = geometry_of(node, sources)
            rows, columns = node.layer.weights.shape
            check(f"{name}: rows of weights", rows == geometry.product[1], f"the {geometry.product[1]} columns of its "
                  "input", rows)  # fmt: skip
            if isinstance(node.layer, RawLayer):
                for source in sources:
                    check(f"{name}: zero point of a raw layer's input", source.zero == 0, "0", source.zero)
            for source in sources:
                check(f"sources of {name}", source.dtype.itemsize == 1, "of 8 bits", source.dtype)
            height, width = geometry.output
            return Tensor(
                images=first.images, height=height, width=width, channels=columns, dtype=node.layer.dtype,
                zero=node.layer.zero,
            )  # fmt: skip
        case Pool():
            height, width = geometry_of(node, sources).output
            return dataclasses.replace(first, height=height, width=width)
        case Combine():
            other = dataclasses.replace(others[0], zero=first.zero)
            check(f"sources of {name}", other == first, f"alike: {first}", others[0])
            limits = np.iinfo(first.dtype)
            low, high = int(limits.min), int(limits.max)
            check_int(f"zero of {name}", node.zero, low, high)
            lowest = check_int(f"lo of {name}", low if node.lo is None else node.lo, low, high)
            check_int(f"hi of {name}", high if node.hi is None else node.hi, lowest, high)
            return dataclasses.replace(first, zero=node.zero)
        case Lookup():
            table = check_tensor(f"table of {name}", node.table, "256", {first.dtype})
            check(f"table of {name}", len(table) == TABLE_BYTES, "of 256 values", len(table))
            return dataclasses.replace(first, zero=node.zero)
        case Join():
            field = "images" if node.images else "channels"
            for other in others:
                alike = dataclasses.replace(other, **{field: getattr(first, field)}) == first
                check(f"sources of {name}", alike, f"alike but in {field}: {first}", other)
            total: Any = sum(getattr(source, field) for source in sources)
            return dataclasses.replace(first, **{field: total})
