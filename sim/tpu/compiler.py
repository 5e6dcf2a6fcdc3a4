"""Compiler for the TPU: a network and a number of batches become a program and what lies in memory."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...hw.config import check, check_int
from ...hw.tpu.config import INSTRUCTION_BYTES, TpuConfig
from .chain import INPUT, Network
from .graph import Graph
from .placement import Placement, place, table_bytes
from .tiling import View, views_of
from .weights import WeightMemory
from .writer import Writer

__all__ = ["Compiled", "CompiledNetwork", "compile_graph", "compile_network"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Compiled:
    """A program and what it works on. The host's window 0 holds the inputs, window 1 the outputs, batch after batch.

    Parameters
    ----------
    config, graph
        What it was made for and of.
    batches
        Inputs, one after the other.
    program
        Its instructions' bytes.
    weights
        Contents of weight memory, uint8.
    views, placement
        Where tensors lie.
    instructions
        How many of each there are, by name.
    ends
        By batch and node: how many entries of the matrix, activation and vector unit there are up to its last one.
    """

    config: TpuConfig
    graph: Graph
    batches: int
    program: bytes
    weights: np.ndarray
    views: Mapping[str, View]
    placement: Placement
    instructions: dict[str, int]
    ends: Mapping[tuple[int, str], tuple[int, int, int]]

    @property
    def ub_rows(self) -> int:
        """Rows of the unified buffer that are used: its peak."""
        return self.placement.rows

    @property
    def window_bytes(self) -> tuple[int, int]:
        """Sizes of the host's two windows."""
        return self.placement.window_bytes

    def pack(self, inputs: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """Contents of window 0, uint8, from the inputs of each batch (N x H x W x C), by name.

        Those that are an output of the batch before are wanted for the first one only.

        Raises
        ------
        WrongTypeError, ConfigError
            If there are more or fewer, or one has another type or shape.
        """
        check("inputs", len(inputs) == self.batches, f"{self.batches}, one a batch", len(inputs))
        image, tables = np.zeros(self.window_bytes[0], np.uint8), table_bytes(self.graph)
        image[: len(tables)] = tables
        for (batch, name), start in self.placement.host.items():
            if name in self.graph.inputs:
                check(f"inputs[{batch}]", name in inputs[batch], f"with {name}", ", ".join(inputs[batch]))
                values = self.graph.check_input(f"inputs[{batch}]", name, inputs[batch][name])
                layout = self.views[name].layout
                image[start : start + layout.size] = layout.pack(values.reshape(layout.rows, layout.columns))
        return image

    def unpack(self, window: np.ndarray) -> list[dict[str, np.ndarray]]:
        """Outputs of each batch (N x H x W x C) by name, from the contents of window 1 (uint8)."""
        size = self.window_bytes[1]
        check("window", len(window) == size, f"of {size} bytes", len(window))
        found: list[dict[str, np.ndarray]] = [{} for _ in range(self.batches)]
        for (batch, name), start in self.placement.host.items():
            if name in self.graph.outputs:
                layout = self.views[name].layout
                values = layout.unpack(window[start : start + layout.size])
                found[batch][name] = values.reshape(self.graph.tensors[name].shape)
        return found


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class CompiledNetwork(Compiled):
    """A chain of layers, compiled.

    Parameters
    ----------
    network
        The layers.
    """

    network: Network

    def pack_inputs(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Contents of window 0, uint8, from an input a batch (rows x columns).

        Raises
        ------
        WrongTypeError, ConfigError
            If there are more or fewer, or one has another type or shape.
        """
        check("inputs", len(inputs) == self.batches, f"{self.batches}, one a batch", len(inputs))
        checked = [self.network.check_input(f"inputs[{number}]", values) for number, values in enumerate(inputs)]
        return self.pack([{INPUT: values[:, None, None]} for values in checked])

    def unpack_outputs(self, window: np.ndarray) -> list[np.ndarray]:
        """Outputs, one a batch (rows x columns), from the contents of window 1 (uint8)."""
        return [values[:, 0, 0] for outputs in self.unpack(window) for values in outputs.values()]


def compile_graph(config: TpuConfig, graph: Graph, batches: int = 1) -> Compiled:
    """Compile a network.

    Nodes are worked on in their order. A product is worked on N tile by N tile, each for all positions at once or, if
    they are more than half the accumulators, in blocks whose sums alternate in them. Weights are fetched as they are
    used, and fetched again for each block unless the N tile has a single K tile. Inputs of the next batch are read, and
    outputs of the one before written, while a batch is worked on.

    Parameters
    ----------
    config
        The TPU.
    graph
        The network.
    batches
        How many inputs the program works on.

    Raises
    ------
    ConfigError
        If the unified buffer or a memory is too small: which, for what, and by how much.
    """
    return Compiled(**_compile(config, graph, batches))


def compile_network(config: TpuConfig, network: Network, batches: int = 1) -> CompiledNetwork:
    """Compile a chain of layers; see `compile_graph`."""
    return CompiledNetwork(network=network, **_compile(config, network.graph, batches))


def _compile(config: TpuConfig, graph: Graph, batches: int) -> dict[str, Any]:
    check_int("batches", batches, 1, 1 << 16)
    views = views_of(config, graph)
    placement = place(config, graph, views, batches)
    memory = WeightMemory.of(config, graph, views)
    writer = Writer(config, graph, batches, views, memory, placement)
    writer.write()
    return {
        "config": config, "graph": graph, "batches": batches,
        "program": b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in writer.words),
        "weights": memory.image, "views": views, "placement": placement, "instructions": dict(writer.counts),
        "ends": writer.ends,
    }  # fmt: skip
