"""A program of the TPU that does nodes of a network, for all images at once or batch by batch."""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...hw.errors import ConfigError
from ...hw.tpu.config import TpuConfig
from ...sim.golden.wrap import wrap
from ...sim.memory_timing import MemoryTiming
from ...sim.network import graph as network
from ...sim.network.graph import Value
from ...sim.tpu.compiler import Compiled, compile_graph
from ...sim.tpu.cycles import CATEGORIES
from ...sim.tpu.graph import Graph, Tensor
from ...sim.tpu.graph import Node as TpuNode
from ..network.plan import LayerFigures, MachinePart
from ..network.views import View
from .program import NetworkProgram, map_compiled

if TYPE_CHECKING:
    from .network import GraphBuilder

__all__ = ["Part", "compile_parts"]

BOUNDS = {
    "active": "matrix unit", "weight_shift": "weights into the matrix unit", "weight_stall": "weight memory",
    "accumulators": "accumulators", "raw": "results before", "input": "host memory", "fill": "first rows",
    "idle": "other units",
}  # fmt: skip
"""What cycles of each category went to."""


MATRIX = "matrix"
"""Cycles from the end of the last node's products to those of another."""


def compile_parts(
    config: TpuConfig, inputs: Mapping[str, Tensor], nodes: Mapping[str, TpuNode], outputs: tuple[str, ...]
) -> Compiled:
    """The program for all images at once or, where these have no room, for as few batches as possible."""
    images = next(iter(inputs.values())).images
    for batches in (count for count in range(1, images + 1) if images % count == 0):
        fewer = {name: dataclasses.replace(one, images=one.images // batches) for name, one in inputs.items()}
        try:
            return compile_graph(config, Graph(inputs=fewer, nodes=nodes, outputs=outputs), batches)
        except ConfigError as error:
            if error.field != "ub_rows" or batches == images:
                raise
    raise AssertionError


class Part(MachinePart):
    """See `MachinePart`."""

    def __init__(self, builder: "GraphBuilder", results: tuple[Value, ...], compiled: Compiled) -> None:
        self.nodes, self.results, self.compiled, self._builder = builder.nodes, results, compiled, builder

    def program(self, values: Mapping[str, np.ndarray]) -> NetworkProgram:
        """The program with the values that it reads."""
        packed = {
            name: np.split(View.of(value).pack(values[name]), self.compiled.batches)
            for name, value in self._builder.given.items()
            if name in self.compiled.graph.inputs
        }
        batches = [{name: parts[batch] for name, parts in packed.items()} for batch in range(self.compiled.batches)]
        return map_compiled(self.compiled, batches, sum(map(_macs, self.nodes)))

    def unpack(self, output: np.ndarray) -> dict[str, np.ndarray]:
        """Results by name."""
        graph, found = self.compiled.graph, {}
        sizes = [math.prod(graph.tensors[name].shape) for name in graph.outputs]
        parts = np.split(output.reshape(self.compiled.batches, -1), np.cumsum(sizes)[:-1], axis=1)
        tensors = dict(zip(graph.outputs, parts, strict=True))
        for value in self.results:
            view = self._builder.views[value.name]
            whole = tensors[view.tensor].reshape(-1, view.sizes[2]) + self._builder.corrections.get(view.tensor, 0)
            found[value.name] = view.unpack(wrap(whole, 32), value)
        return found

    def layers(self, program: NetworkProgram, timing: MemoryTiming | None = None) -> list[LayerFigures]:
        """Figures of each node, by the cycle model."""
        nodes = [node for node in self.nodes if self._builder.last.get(node.result.name) in self.compiled.graph.nodes]
        places = [(batch, node) for batch in range(self.compiled.batches) for node in nodes]
        ends = [self.compiled.ends[batch, self._builder.last[node.result.name]] for batch, node in places]
        *found, whole = program.trace([(0, sums, vectors) for _, sums, vectors in ends], timing)
        found[-1] = whole
        # The matrix unit may be at work on the next node long before a result is complete.
        matrix = [one.cycles for one in program.trace([(first, 0, 0) for first, *_ in ends], timing)]
        spent: dict[str, Counter[str]] = {node.result.name: Counter() for node in nodes}
        for at, (_, node) in enumerate(places):
            before = dataclasses.asdict(found[at - 1]) if at else {}
            spent[node.result.name].update(
                {name: value - before.get(name, 0) for name, value in dataclasses.asdict(found[at]).items()}
            )
            spent[node.result.name][MATRIX] += matrix[at] - (matrix[at - 1] if at else 0)
        return [self._figures(node, spent[node.result.name]) for node in nodes]

    def _figures(self, node: network.Node, spent: Counter[str]) -> LayerFigures:
        config, macs = self.compiled.config, _macs(node)
        read = spent["weight_beats"] + spent["parameter_beats"] + spent["host_in_beats"]
        return LayerFigures(
            name=node.name, operator=node.operator, cycles=spent["cycles"], macs=macs,
            utilisation=macs / (spent[MATRIX] * config.multipliers) if macs else 0.0,
            read_bytes=read * config.bus_bytes, written_bytes=spent["host_out_beats"] * config.bus_bytes,
            bound=BOUNDS[max(CATEGORIES, key=lambda name: spent[name])],
        )  # fmt: skip


def _macs(node: network.Node) -> int:
    return node.macs if isinstance(node, network.Weighted) else 0
