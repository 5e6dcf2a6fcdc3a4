"""Networks from files as lists of layers of the SNAP chip."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.golden.requantize import requantize
from ...sim.golden.residual_add import residual_terms
from ...sim.network import graph as network
from ...sim.network.graph import Network, Value
from ...sim.snap_chip.compiler import check_layers
from ...sim.snap_chip.folding import fold_layer, fold_values, folds
from ...sim.snap_chip.layers import Convolution, Layer, MaxPool, Residual, Tensor
from ...sim.snap_chip.limits import check_geometry, check_tensor
from ..network.formulas import average_factors, average_results, sums_commute, table_factor
from ..network.plan import Builder, LaterError, MachinePart, Plan, RefusalError, make_plan
from ..network.views import View
from .part import Listed, Part

__all__ = ["plan_network"]


def plan_network(config: SnapChipConfig, given: Network) -> Plan:
    """What of a network the chip does; see `Engine.plan_network`."""
    return make_plan(given, "the SNAP chip", functools.partial(ListBuilder, config, given))


class ListBuilder(Builder):
    """A list of layers for one image while it is made. Where no value has more than two axes, images are pixels."""

    def __init__(self, config: SnapChipConfig, whole: Network) -> None:
        super().__init__()
        self.config, self.whole = config, whole
        self.rows = all(len(value.shape) == 2 for value in whole.values.values())
        self.width = min(whole.nodes[0].source.shape[0], config.banks) if self.rows else 1
        self.inputs: dict[str, tuple[Value, Callable[[np.ndarray], np.ndarray]]] = {}
        self.tensors: dict[str, Tensor] = {}
        self.listed: list[Listed] = []

    @property
    def runs(self) -> int:
        """How often the list runs: once for each image that isn't a pixel."""
        return 1 if self.rows else self.images or 1

    def add_input(self, value: Value) -> None:
        if not value.is_bytes:
            raise RefusalError(f"{value.name} is {value.dtype}")
        self.tensors[value.name] = self._tensor(value)
        self.inputs[value.name] = value, lambda values: self.pixels(View.of(value).pack(values), value.zero)

    def _tensor(self, value: Value) -> Tensor:
        height, width, channels = View.of(value).sizes
        if self.rows:
            height, width = -(-value.shape[0] // self.width), self.width
        try:
            found = Tensor(
                height=height, width=width, channels=channels, zero=value.zero, signed=value.dtype == np.int8
            )
            check_tensor(self.config, value.name, found)
        except ConfigError as error:
            raise RefusalError(str(error)) from None
        return found

    def pixels(self, packed: np.ndarray, zero: int) -> np.ndarray:
        """Images x lines x columns x channels as the chip gets them: images as pixels, if they are."""
        if not self.rows:
            return packed
        rows = packed.reshape(len(packed), -1)
        filled = np.pad(rows, ((0, -len(rows) % self.width), (0, 0)), constant_values=zero)
        return filled.reshape(1, -1, self.width, rows.shape[1])

    def add(self, node: network.Node) -> View:
        match node:
            case network.Convolution():
                return self._convolution(node)
            case network.Product():
                return self._product(node)
            case network.Add():
                return self._sum(node)
            case network.Pool():
                return self._pool(node)
            case network.Lookup():
                return self._lookup(node)
            case network.Join():
                return self._join(node)
        raise RefusalError("the chip multiplies by constants alone" if isinstance(node, network.Multiply) else "float")

    def reshape(self, node: network.Reshape) -> View:
        source, result = node.source, node.result
        if source.shape == result.shape and node.permutation is None and source.dtype == result.dtype:
            view = self.view(source)
            self._each(node, view.tensor, bias=source.zero - result.zero)
            return view.renamed(result.name)
        return super().reshape(node)

    def _convolution(self, node: network.Convolution) -> View:
        view = self.view(node.source)
        if not view.is_image(node.source.shape):
            raise LaterError
        top, left, bottom, right = node.pads
        return self._weighted(
            node, view.tensor, node.centred_weights.transpose(2, 3, 1, 0), stride=node.strides,
            padding=(top, bottom, left, right), dilation=node.dilations, groups=node.group,
        )  # fmt: skip

    def _product(self, node: network.Product) -> View:
        view, weights = self.view(node.source), node.centred_weights
        if view.has_rows(node.source.shape):
            return self._weighted(node, view.tensor, weights[None, None])
        if len(node.source.shape) != 2:
            raise LaterError
        return self._weighted(node, view.tensor, view.rows(weights).reshape(*view.sizes, -1))

    def _weighted(self, node: network.Weighted, source: str, weights: np.ndarray, **steps: Any) -> View:
        if not node.result.is_bytes:
            raise RefusalError("its sums stay of 32 bits; a QuantizeLinear behind it makes them 8")
        if weights.min() < -128 or weights.max() > 127:
            raise RefusalError("weights less their zero points need 9 bits; quantize them symmetrically")
        kernels = weights.shape[3]
        layer = Convolution(
            source=source, target=node.result.name, weights=weights.astype(np.int8),
            bias=np.zeros(kernels, np.int32) if node.bias is None else node.bias.astype(np.int32),
            factors=np.broadcast_to(node.factors, kernels).astype(np.float32), zero=node.result.zero,
            low=node.clip[0], high=node.clip[1], signed=node.result.dtype == np.int8, **steps,
        )  # fmt: skip
        if source in self.inputs and folds(self.config, layer):
            layer = self._folded(layer)
        self._list(layer, node)
        return View.of(node.result)

    def _folded(self, layer: Convolution) -> Convolution:
        """A first layer of few channels, for which the host folds kernels into channels."""
        (value, pack), source = self.inputs[layer.source], self.tensors[layer.source]
        name = f"{value.name} for {layer.target}"
        try:
            folded, tensor = fold_layer(layer, source)
        except ConfigError as error:
            raise RefusalError(str(error)) from None
        self.tensors[name] = tensor
        self.inputs[name] = value, lambda values: np.stack([fold_values(layer, source, one) for one in pack(values)])
        return dataclasses.replace(folded, source=name)

    def _each(
        self, node: network.Node, source: str, weights: np.ndarray | None = None, *, factor: float = 1.0, bias: int = 0,
        **fields: Any,
    ) -> None:  # fmt: skip
        """A convolution with ones: by default each value by itself."""
        ones = np.ones((1, 1, 1, self.tensors[source].channels), np.int8) if weights is None else weights
        kernels, result = ones.shape[3], node.result
        defaults: dict[str, Any] = {
            "target": result.name, "zero": result.zero, "groups": kernels, "signed": result.dtype == np.int8
        }  # fmt: skip
        layer = Convolution(
            source=source, weights=ones, bias=np.full(kernels, bias, np.int32),
            factors=np.full(kernels, factor, np.float32), **{**defaults, **fields},
        )  # fmt: skip
        self._list(layer, node)

    def _sum(self, node: network.Add) -> View:
        a, b = node.sources
        if a.shape != b.shape:
            raise RefusalError(f"shapes {a.shape} and {b.shape} differ")
        views = [self.view(one) for one in node.sources]
        if not views[0].alike(views[1]):
            raise LaterError
        if self._alone(a) is None and self._alone(b) is not None and sums_commute(node):
            a, b, views = b, a, views[::-1]
        names = ("sum_factor", "factor", "offset")
        terms = residual_terms(*a.meaning, *b.meaning, *node.result.meaning)
        try:
            residual = Residual(
                tensor=views[1].tensor, zero=node.result.zero, low=node.clip[0], high=node.clip[1],
                **dict(zip(names, map(float, terms), strict=True)),
            )  # fmt: skip
        except ConfigError as error:
            raise RefusalError(str(error)) from None
        if (before := self._alone(a)) is not None:
            assert isinstance(before.layer, Convolution)
            self.listed.remove(before)  # it comes behind the other one
            self._list(
                dataclasses.replace(before.layer, target=node.result.name, residual=residual), *before.nodes, node
            )
        else:
            self._each(node, views[0].tensor, zero=a.zero, residual=residual)
        return views[0].renamed(node.result.name)

    def _alone(self, value: Value) -> Listed | None:
        """The convolution that makes a value for one reader alone."""
        readers = [source for node in self.whole.nodes for source in node.sources].count(value)
        if readers > 1 or value in self.whole.outputs:
            return None
        return next(
            (
                one
                for one in self.listed
                if one.layer.target == value.name and isinstance(one.layer, Convolution) and one.layer.residual is None
            ),
            None,
        )

    def _pool(self, node: network.Pool) -> View:
        view, result = self.view(node.source), node.result
        if not view.is_image(node.source.shape):
            raise LaterError
        top, left, bottom, right = node.pads
        steps = {"stride": node.strides, "padding": (top, bottom, left, right)}
        if node.kind == "max":
            if node.dilations != (1, 1):
                raise RefusalError("a pool with dilation")
            clips = node.clip != result.limits
            name = f"{result.name} pooled" if clips else result.name
            self._list(MaxPool(source=view.tensor, target=name, kernel=node.kernel, **steps), node)
            if clips:
                self._each(node, name, low=node.clip[0], high=node.clip[1])
            return View.of(result)
        sums, results = average_results(node)
        for factor in average_factors(node):
            if np.array_equal(requantize(sums, factor, result.zero, result.dtype).clip(*node.clip), results):
                ones = np.ones((*node.kernel, 1, node.source.shape[1]), np.int8)
                self._each(node, view.tensor, ones, factor=float(factor), low=node.clip[0], high=node.clip[1], **steps)
                return View.of(result)
        raise RefusalError("averages near ties would differ by 1")

    def _lookup(self, node: network.Lookup) -> View:
        view, factor = self.view(node.source), table_factor(node)
        if factor is None:
            raise RefusalError("a function that is no straight line with limits")
        self._each(node, view.tensor, factor=factor, low=int(node.table.min()), high=int(node.table.max()))
        return view.renamed(node.result.name)

    def _join(self, node: network.Join) -> View:
        """Each source is put to its channels by a convolution of one pixel, and added to those before it."""
        views, rank, zero = [self.view(one) for one in node.sources], len(node.result.shape), node.result.zero
        images = all(view.is_image(one.shape) for view, one in zip(views, node.sources, strict=True))
        rows = all(view.has_rows(one.shape) for view, one in zip(views, node.sources, strict=True))
        if not (images and node.axis == 1) and not (rows and node.axis == rank - 1):
            if node.axis == 1 or (node.axis == rank - 1 and rank != 4):
                raise LaterError
            raise RefusalError(f"it joins along axis {node.axis}")
        channels, first, before = sum(view.sizes[2] for view in views), 0, None
        for number, view in enumerate(views):
            count, last = view.sizes[2], number == len(views) - 1
            name = node.result.name if last else f"{node.result.name} of {number + 1}"
            weights = np.zeros((1, 1, count, channels), np.int8)
            weights[0, 0, np.arange(count), first + np.arange(count)] = 1
            residual = (
                Residual(tensor=before, sum_factor=1.0, factor=1.0, offset=-float(zero), zero=zero) if before else None
            )
            self._each(node, view.tensor, weights, target=name, groups=1, residual=residual)
            first, before = first + count, name
        return View.of(node.result)

    def _list(self, layer: Layer, *nodes: network.Node) -> None:
        source = self.tensors[layer.source]
        try:
            target = layer.output(source)
            check_geometry(self.config, layer.geometry(source), source)
            check_tensor(self.config, layer.target, target)
        except ConfigError as error:
            raise RefusalError(str(error)) from None
        self.tensors[layer.target] = target
        self.listed.append(Listed(layer, nodes))

    def finish(self, results: Sequence[Value]) -> MachinePart:
        wanted, listed = {self.views[value.name].tensor for value in results}, []
        for one in reversed(self.listed):
            if one.layer.target in wanted:
                wanted |= {one.layer.source}
                if isinstance(one.layer, Convolution) and one.layer.residual:
                    wanted |= {one.layer.residual.tensor}
                listed.insert(0, one)
        inputs = {name: given for name, given in self.inputs.items() if name in wanted}
        check_layers(self.config, {name: self.tensors[name] for name in inputs}, [one.layer for one in listed])
        return Part(self, tuple(results), listed, inputs)
