"""Networks of fully connected layers, one after the other."""

import dataclasses
from functools import cached_property

import numpy as np

from ...hw.config import check, check_bool, check_int
from ...hw.errors import ConfigError
from ..golden.tensors import check_tensor
from .graph import Graph, Product, Tensor
from .layers import Layer, RawLayer
from .reference import execute

__all__ = ["INPUT", "Network", "infer"]

INPUT = "input"
"""Name of a chain's input."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Layers, each of which takes what the one before it gives.

    Parameters
    ----------
    rows
        Rows of the input: samples of a batch.
    layers
        At least one; a raw one of more than one byte can only be the last.
    signed
        Whether the input is int8, not uint8.
    zero
        Zero point of the input.
    """

    rows: int
    layers: tuple[Layer | RawLayer, ...]
    signed: bool = False
    zero: int = 0

    def __post_init__(self) -> None:
        check_int("rows", self.rows, 1)
        check("layers", len(self.layers) > 0, "at least one", self.layers)
        check_bool("signed", self.signed)
        limits = np.iinfo(self.dtype)
        check_int("zero", self.zero, int(limits.min), int(limits.max))
        columns, zero = len(self.layers[0].weights), self.zero
        for number, layer in enumerate(self.layers):
            field = f"layer {number}: rows of weights"
            check(field, len(layer.weights) == columns, f"the {columns} columns of its input", len(layer.weights))
            if isinstance(layer, RawLayer):
                check(f"layer {number}: zero point of a raw layer's input", zero == 0, "0", zero)
                if layer.planes > 1 and number < len(self.layers) - 1:
                    raise ConfigError(
                        f"layer {number}: planes must be 1 but in the last layer, not {layer.planes}",
                        field="planes", value=layer.planes,
                    )  # fmt: skip
            columns, zero = layer.weights.shape[1], layer.zero

    @property
    def dtype(self) -> np.dtype:
        """Of the input."""
        return np.dtype(np.int8 if self.signed else np.uint8)

    @property
    def columns(self) -> int:
        """Columns of the input."""
        return len(self.layers[0].weights)

    def check_input(self, field: str, values: object) -> np.ndarray:
        """Return `values` if they are an input of this network; else raise what is wrong with `field`."""
        array = check_tensor(field, values, "rows x columns", {self.dtype})
        check(field, array.shape == (self.rows, self.columns), f"{self.rows} x {self.columns}", array.shape)
        return array

    @cached_property
    def graph(self) -> Graph:
        """The same network, with a node for each layer."""
        source, nodes = INPUT, {}
        for number, layer in enumerate(self.layers):
            nodes[f"layer {number}"] = Product(sources=(source,), layer=layer)
            source = f"layer {number}"
        first = Tensor(images=self.rows, channels=self.columns, dtype=self.dtype, zero=self.zero)
        return Graph(inputs={INPUT: first}, nodes=nodes, outputs=(source,))


def infer(network: Network, values: np.ndarray) -> np.ndarray:
    """What a network makes of an input, by the maths alone."""
    values = network.check_input("values", values)
    return execute(network.graph, {INPUT: values[:, None, None]})[network.graph.outputs[0]][:, 0, 0]
