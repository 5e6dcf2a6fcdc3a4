"""Networks from files as programs of the TPU."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ...hw.errors import ConfigError
from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...sim.golden.fused import fused
from ...sim.golden.requantize import requantize
from ...sim.network import graph as network
from ...sim.network.graph import Network, Value
from ...sim.tpu.graph import Combine, Graph, Join, Lookup, Pool, Product, Tensor
from ...sim.tpu.graph import Node as TpuNode
from ...sim.tpu.layers import Layer, RawLayer
from ..network.formulas import average_factors, average_results, product_terms
from ..network.plan import Builder, LaterError, MachinePart, Plan, RefusalError, make_plan
from ..network.views import View
from .part import Part, compile_parts

__all__ = ["plan_network"]

T = TypeVar("T")


def plan_network(config: TpuConfig, given: Network) -> Plan:
    """What of a network the TPU does; see `Engine.plan_network`."""
    return make_plan(given, "the TPU", functools.partial(GraphBuilder, config, given))


class GraphBuilder(Builder):
    """A graph while it is made. Nodes have the names of the values that they make, and further ones behind these."""

    def __init__(self, config: TpuConfig, whole: Network) -> None:
        super().__init__()
        self.config, self.whole = config, whole
        self.given: dict[str, Value] = {}
        self.inputs: dict[str, Tensor] = {}
        self.made: dict[str, TpuNode] = {}
        self.tensors: dict[str, Tensor] = {}
        self.last: dict[str, str] = {}  # by name of value: the last of the nodes that make it
        self.corrections: dict[str, np.ndarray] = {}  # by tensor: what the host adds to sums of 32 bits
        self.cuts: dict[str, str] = {}  # by tensor: the join that cuts it into slices

    def add_input(self, value: Value) -> None:
        height, width, channels = View.of(value).sizes
        if not value.is_bytes:
            raise RefusalError(f"{value.name} is {value.dtype}")
        self.given[value.name] = value
        self.inputs[value.name] = self.tensors[value.name] = Tensor(
            images=value.shape[0], height=height, width=width, channels=channels, dtype=value.dtype, zero=value.zero
        )

    def add(self, node: network.Node) -> View:
        match node:
            case network.Convolution():
                view = self._convolution(node)
            case network.Product():
                view = self._product(node)
            case network.Add() | network.Multiply():
                view = self._combine(node)
            case network.Pool():
                view = self._pool(node)
            case network.Lookup():
                view = self._lookup(node)
            case network.Join():
                view = self._join(node)
            case _:
                raise RefusalError("it computes in float")
        self.last[node.result.name] = list(self.made)[-1]
        return view

    def reshape(self, node: network.Reshape) -> View:
        source, result = node.source, node.result
        if source.shape == result.shape and node.permutation is None and source.dtype == result.dtype:
            view = self.view(source)
            self.last[result.name] = self._table(result.name, view.tensor, _identity(source.dtype), result.zero)
            return view.renamed(result.name)
        return super().reshape(node)

    def _convolution(self, node: network.Convolution) -> View:
        view = self.view(node.source)
        if not view.is_image(node.source.shape):
            raise LaterError
        kernels, depth, lines, columns = node.weights.shape
        whole = np.zeros((lines, columns, depth * node.group, kernels), np.int16)
        centred = node.centred_weights.transpose(2, 3, 1, 0)
        for group in range(node.group):
            rows, part = (slice(group * size, (group + 1) * size) for size in (depth, kernels // node.group))
            whole[:, :, rows, part] = centred[..., part]
        top, left, bottom, right = node.pads
        return self._weighted(
            node, view.tensor, whole.reshape(-1, kernels), padding=(top, bottom, left, right),
            kernel=(lines, columns), stride=node.strides, dilation=node.dilations,
        )  # fmt: skip

    def _product(self, node: network.Product) -> View:
        view, shape, weights = self.view(node.source), node.source.shape, node.centred_weights
        if view.has_rows(shape):
            return self._weighted(node, view.tensor, weights)
        if len(shape) != 2:
            raise LaterError
        return self._weighted(node, view.tensor, view.rows(weights), kernel=view.sizes[:2])

    def _weighted(self, node: network.Weighted, source: str, weights: np.ndarray, **windows) -> View:
        """A product with weights, rows in the order of the source's channels."""
        sources, weights = (source,), weights.astype(np.int16)
        if weights.min() >= -128 and weights.max() <= 127:
            weights = weights.astype(np.int8)
        elif weights.min() >= 0 and weights.max() <= 255:
            weights = weights.astype(np.uint8)
        else:  # of 9 bits: two products
            first = weights.clip(-128, 127)
            weights, sources = np.concatenate([first, weights - first]).astype(np.int8), (source, source)
        bias = np.zeros(node.channels, np.int32) if node.bias is None else node.bias.astype(np.int32)
        name, result = node.result.name, node.result
        if result.is_bytes:
            factors = np.broadcast_to(node.factors, node.channels).astype(np.float32)
            layer = _checked(
                Layer, weights=weights, bias=bias, factors=factors, kind=str(result.dtype), zero=result.zero,
                lo=node.clip[0], hi=node.clip[1],
            )  # fmt: skip
        else:
            zero = node.source.zero
            if zero and any(windows.get("padding", ())):
                raise RefusalError("sums of 32 bits of a padded input need its zero point to be 0")
            if zero:
                plain = self._table(f"{name} input", source, _identity(node.source.dtype), 0)
                sources = tuple(plain for _ in sources)
                bias = bias - (zero * weights.astype(np.int64).sum(0))
            layer = RawLayer(weights=weights)
            self.corrections[name] = bias
        made = self._make(name, _checked(Product, sources=sources, layer=layer, **windows))
        return View.of(result).renamed(made)

    def _combine(self, node: network.Add | network.Multiply) -> View:
        a, b = node.sources
        if a.shape != b.shape:
            raise RefusalError(f"shapes {a.shape} and {b.shape} differ")
        views = [self.view(one) for one in node.sources]
        if not views[0].alike(views[1]):
            raise LaterError
        result, (low, high) = node.result, node.clip
        if isinstance(node, network.Add):
            names = "factor_a", "factor_b", "addend"
            operation, factors = "add", dict(zip(names, map(float, node.terms), strict=True))
        else:
            operation, factors = "multiply", product_terms(node)
            if factors is None:
                raise RefusalError("results near ties would differ by 1")
        names = [view.tensor for view in views]
        if self.cuts.get(names[0]) != self.cuts.get(names[1]):
            names = [self._copy(f"{result.name} {side}", name) for side, name in zip("ab", names, strict=True)]
        made = _checked(
            Combine, operation=operation, sources=tuple(names), zero=result.zero, lo=low, hi=high, **factors
        )
        return views[0].renamed(self._make(result.name, made, self.cuts.get(names[0], "")))

    def _pool(self, node: network.Pool) -> View:
        view, result, source = self.view(node.source), node.result, node.source
        if not view.is_image(source.shape):
            raise LaterError
        top, left, bottom, right = node.pads
        windows = {
            "kernel": node.kernel, "stride": node.strides, "padding": (top, bottom, left, right),
            "dilation": node.dilations,
        }  # fmt: skip
        name, clips = result.name, node.clip != result.limits
        if node.kind == "max":
            pooled = self._make(f"{name} pooled" if clips else name, _checked(Pool, sources=(view.tensor,), **windows))
            return View.of(result).renamed(self._clip(node, pooled, clips))
        sums, results = average_results(node)
        low, high = source.limits
        for factor in average_factors(node):
            addend = np.float32(result.zero - np.float64(factor) * math.prod(node.kernel) * source.zero)
            raw = sums + math.prod(node.kernel) * source.zero
            found = np.rint(fused(raw, factor, addend)).clip(low, high).clip(*node.clip)
            if np.array_equal(found, results):
                more = clips or result.zero != source.zero
                pool = _checked(
                    Pool, sources=(view.tensor,), average=True, factor=float(factor), addend=float(addend), **windows
                )
                pooled = self._make(f"{name} pooled" if more else name, pool)
                return View.of(result).renamed(self._clip(node, pooled, more))
            if np.array_equal(requantize(sums, factor, result.zero, result.dtype).clip(*node.clip), results):
                return self._sum(node, view.tensor, factor, windows)
        raise RefusalError("averages near ties would differ by 1")

    def _sum(self, node: network.Pool, source: str, factor: np.float32, windows: Mapping[str, Any]) -> View:
        """An average as a convolution with ones, which rounds as onnxruntime does."""
        channels = node.source.shape[1]
        layer = _checked(
            Layer, weights=np.tile(np.eye(channels, dtype=np.int8), (math.prod(node.kernel), 1)),
            bias=np.zeros(channels, np.int32), factors=np.full(channels, factor), kind=str(node.result.dtype),
            zero=node.result.zero, lo=node.clip[0], hi=node.clip[1],
        )  # fmt: skip
        product = _checked(Product, sources=(source,), layer=layer, **windows)
        return View.of(node.result).renamed(self._make(node.result.name, product))

    def _clip(self, node: network.Pool, pooled: str, needed: bool) -> str:
        """What a pool gave, clipped and with the zero point of its result."""
        if not needed:
            return pooled
        dtype = node.result.dtype
        table = _identity(dtype).astype(np.int16).clip(*node.clip).astype(dtype)
        return self._table(node.result.name, pooled, table, node.result.zero)

    def _lookup(self, node: network.Lookup) -> View:
        view = self.view(node.source)
        if node.table.dtype != node.source.dtype:
            raise RefusalError(f"a table from {node.source.dtype} to {node.table.dtype}")
        return view.renamed(self._table(node.result.name, view.tensor, node.table, node.result.zero))

    def _join(self, node: network.Join) -> View:
        views, rank = [self.view(one) for one in node.sources], len(node.result.shape)
        images = all(view.is_image(one.shape) for view, one in zip(views, node.sources, strict=True))
        rows = all(view.has_rows(one.shape) for view, one in zip(views, node.sources, strict=True))
        if not (images and node.axis == 1) and not (rows and node.axis == rank - 1):
            if node.axis == 1 or (node.axis == rank - 1 and rank != 4):
                raise LaterError
            raise RefusalError(f"it joins along axis {node.axis}")
        for view in views[:-1]:
            if view.sizes[2] % GRANULE_BYTES:
                raise RefusalError(f"{view.sizes[2]} channels before others, which are no multiple of {GRANULE_BYTES}")
        names = [
            view.tensor
            if self._alone(one, view) and node.sources.count(one) == 1
            else self._copy(f"{node.result.name} part {part}", view.tensor)
            for part, (one, view) in enumerate(zip(node.sources, views, strict=True))
        ]
        name = self._make(node.result.name, Join(sources=tuple(names)), node.result.name)
        return View.of(node.result).renamed(name)

    def _alone(self, value: Value, view: View) -> bool:
        """Whether a tensor may lie in what it is joined to: it is made for nothing else."""
        made = isinstance(self.made.get(value.name), Product | Pool) and view.tensor == value.name
        return made and len(self.whole.readers(value)) == 1 and value not in self.whole.outputs

    def _copy(self, name: str, source: str) -> str:
        """The same tensor in a place of its own."""
        return self._make(name, Pool(sources=(source,), kernel=(1, 1)))

    def _table(self, name: str, source: str, table: np.ndarray, zero: int) -> str:
        return self._make(name, Lookup(sources=(source,), table=table, zero=zero), self.cuts.get(source, ""))

    def _make(self, name: str, node: TpuNode, cut: str = "") -> str:
        if isinstance(node, Join):
            self.tensors[name] = self._joined(node)
        else:
            inputs = {source: self.tensors[source] for source in node.sources}
            try:
                self.tensors[name] = Graph(inputs=inputs, nodes={name: node}, outputs=(name,)).tensors[name]
            except ConfigError as error:
                raise RefusalError(str(error)) from None
        self.made[name], self.cuts[name] = node, cut
        return name

    def _joined(self, node: TpuNode) -> Tensor:
        tensors = [self.tensors[source] for source in node.sources]
        return dataclasses.replace(tensors[0], channels=sum(tensor.channels for tensor in tensors))

    def finish(self, results: Sequence[Value]) -> MachinePart:
        outputs = tuple(dict.fromkeys(self.views[value.name].tensor for value in results))
        wanted = set(outputs)
        for name, node in reversed(self.made.items()):
            wanted |= set(node.sources) if name in wanted else set()
        inputs = {name: tensor for name, tensor in self.inputs.items() if name in wanted}
        nodes = {name: node for name, node in self.made.items() if name in wanted}
        return Part(self, tuple(results), compile_parts(self.config, inputs, nodes, outputs))


def _checked(what: Callable[..., T], /, **fields: Any) -> T:
    """Make something of the graph; what it refuses, the machine can't do."""
    try:
        return what(**fields)
    except ConfigError as error:
        raise RefusalError(str(error)) from None


def _identity(dtype: np.dtype) -> np.ndarray:
    """A table of what it is given."""
    return np.arange(256, dtype=np.uint8).view(dtype)
