"""Networks to run: some as large as those that the first TPU was measured with, and one that reads digits.

Of the published networks only sizes are known (Jouppi et al., 2017, tables 1 and 3): weights here are random, and
scales come from the data.
"""

from collections.abc import Callable, Mapping

import numpy as np

from ...hw.config import check_int
from ..golden.matmul import matmul
from ..workloads.digits import load_digits_mlp
from .chain import Network
from .convolutional import cnn0, cnn1
from .graph import Graph
from .layers import Layer
from .recurrent import lstm0, lstm1

__all__ = [
    "NETWORKS", "SCORE_FACTOR", "digits_mlp", "mlp0", "mlp1", "perceptron", "random_batches",
    "random_inputs",
]  # fmt: skip

SCORE_FACTOR = np.float32(1 / 1024)
"""From the digits network's last sums to its scores, which are int8."""

LARGEST = 230
"""Output that the largest sum of a column is scaled to, so that other inputs rarely saturate."""


def mlp0(scale: int = 1, seed: int = 0) -> Network:
    """Batch of 200; five layers of 2,024 x 2,024; batch and sizes divided by `scale`."""
    return perceptron(200, [2024] * 6, scale, seed)


def mlp1(scale: int = 1, seed: int = 0) -> Network:
    """Batch of 168; three layers of 1,200 x 1,200 and one of 1,200 x 500; batch and sizes divided by `scale`."""
    return perceptron(168, [1200] * 4 + [500], scale, seed)


NETWORKS: Mapping[str, Callable[[int], Graph]] = {
    "MLP0": lambda scale: mlp0(scale).graph,
    "MLP1": lambda scale: mlp1(scale).graph,
    "LSTM0": lstm0,
    "LSTM1": lstm1,
    "CNN0": cnn0,
    "CNN1": cnn1,
}
"""Those of published sizes, by name: functions of the scale."""


def random_batches(graph: Graph, batches: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Inputs over the whole range of their types, by name; one set of them a batch."""
    rng = np.random.default_rng(seed)
    return [
        {name: rng.integers(0, 256, tensor.shape, np.uint8).view(tensor.dtype) for name, tensor in graph.inputs.items()}
        for _ in range(batches)
    ]


def perceptron(rows: int, sizes: list[int], scale: int = 1, seed: int = 0) -> Network:
    """Make a network of fully connected layers with ReLU: uint8 activations, random int8 weights.

    Parameters
    ----------
    rows
        Of a batch.
    sizes
        Columns of the input, then of each layer's output.
    scale
        Divides rows and sizes, which are rounded to integers; 16 for a machine with a sixteenth of the rows and
        columns, where the network has as many tiles.
    seed
        Of the weights.
    """
    check_int("scale", scale, 1)
    rows, *sizes = (max(1, round(size / scale)) for size in (rows, *sizes))
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (rows, sizes[0]), np.uint8)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        weights = rng.integers(-127, 128, (inputs, outputs), np.int8)
        sums = matmul(values, weights)
        bias = -sums.mean(0).round().astype(np.int32)  # about half of the outputs are not 0 then
        factors = (LARGEST / np.maximum((sums + bias).max(0), 1)).astype(np.float32)
        layers.append(Layer(weights=weights, bias=bias, factors=factors))
        values = layers[-1].outputs(sums)
    return Network(rows=rows, layers=tuple(layers))


def random_inputs(network: Network, batches: int, seed: int = 0) -> list[np.ndarray]:
    """Inputs over the whole range of their type, one a batch."""
    limits, rng = np.iinfo(network.dtype), np.random.default_rng(seed)
    shape = network.rows, network.columns
    return [rng.integers(limits.min, limits.max, shape, network.dtype, endpoint=True) for _ in range(batches)]


def digits_mlp(rows: int) -> Network:
    """The digits network of `sim.workloads.digits` for so many images a batch: int8 scores, ten a row.

    The greatest score is at the same digit as the greatest sum for all 360 held-out images.
    """
    layers = []
    for layer in load_digits_mlp():
        last = layer.factor is None
        factor = SCORE_FACTOR if layer.factor is None else layer.factor
        factors = np.full(len(layer.bias), factor, np.float32)
        layers.append(Layer(weights=layer.weights, bias=layer.bias, factors=factors, kind="int8" if last else "uint8"))
    return Network(rows=rows, layers=tuple(layers))
