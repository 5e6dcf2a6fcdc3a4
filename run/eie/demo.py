"""What ``tensorloom demo`` runs on EIE: a pruned perceptron with few different weights, which reads digits."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..demonstration import Demonstration, layer_figures, load

if TYPE_CHECKING:
    from ...sim.eie.golden import Layer
    from ...sim.workloads.digits import Layer as DigitsLayer
    from ..execution import Simulator

__all__ = ["IMAGES", "compressed_mlp", "run"]

IMAGES = 32
"""Held-out digits that the network reads."""

DENSITIES = (0.4, 0.4, 1.0)
"""Shares of each layer's weights that are left."""

CONSTANTS = (64, 8, 1)
"""Activations whose columns hold the biases, of which a codebook knows few values."""

SCORE_SHIFT = 6

NOTE = (
    "All layers of a digit run in sequence, out of the memories. Three fifths of two layers' weights were pruned, and\n"
    "each layer has 15 different ones; it was not trained again. Utilisation counts products of two non-zeros only.\n"
    "Speed-up is against as many multipliers that do all products of the layers as they were, one each in every cycle."
)


def compressed_mlp(codes: int, network: "Sequence[DigitsLayer]") -> "list[Layer]":
    """The digits' perceptron, pruned and shared; activations are divided by powers of two, and biases follow them."""
    from ...sim.eie.golden import Layer
    from ...sim.formats.coded import CodedMatrix
    from ...sim.network.compress_weights import prune, share

    layers, scale = [], 1.0  # what an activation is, by the one in the network
    for layer, density in zip(network, DENSITIES, strict=True):
        weights = share(prune(layer.weights.astype(np.float64), density), codes).round().astype(np.int64)
        codebook = np.append(0, np.unique(weights[weights != 0])).astype(np.int64)
        left, columns = layer.bias * scale, [weights.T]
        for constant in CONSTANTS:
            nearest = codebook[np.abs(left[:, None] - constant * codebook).argmin(1)]
            left = left - constant * nearest
            columns.append(nearest[:, None])
        matrix = np.concatenate(columns, 1).astype(np.int64)
        codes_of = np.where(matrix == 0, 0, 1 + np.searchsorted(codebook[1:], matrix))
        factor, last = float(layer.factor or 1.0), layer.factor is None
        shift = SCORE_SHIFT if last else round(-math.log2(factor))
        layers.append(
            Layer(matrix=CodedMatrix.encode(codes_of, codebook), shift=shift, relu=not last, constants=CONSTANTS)
        )
        scale /= factor * (1 << shift)
    return layers


def run(simulator: "Simulator") -> Demonstration:
    """Read digits on the Verilog, from images to scores."""
    from ...sim.eie.mapping import map_layers
    from ...sim.workloads.digits import accuracy, digits_images, load_digits_mlp
    from .program import LayersProgram

    data, config = load(digits_images), simulator.design.config
    network = load_digits_mlp()
    layers = compressed_mlp(config.codes, network)
    images = data.test_images[:IMAGES].astype(np.int64)
    program = LayersProgram(config=config, layers=map_layers(config, layers), vectors=images)
    outcome, _ = simulator.run_program(program, f"{IMAGES} digits")
    dense = sum(layer.weights.size for layer in network) * IMAGES / config.multipliers
    size = " to ".join(str(layer.inputs) for layer in layers) + f" to {layers[-1].matrix.rows}"
    figures = layer_figures("digits MLP", size, outcome) | {
        "w_density": round(sum(len(layer.matrix.codes) for layer in layers) * IMAGES / (dense * config.multipliers), 4),
        "speedup_over_dense": round(dense / outcome.counters.cycles, 2),
    }
    columns = [
        "on the Verilog",
        "size",
        "bit-exact",
        "density",
        "cycles",
        "model",
        "utilisation",
        "speed-up",
        "seconds",
    ]
    row = [
        figures["name"], size, figures["bit_exact"], f"{figures['w_density']:.2f}", figures["cycles"],
        figures["predicted_cycles"], f"{figures['utilisation']:.1%}", figures["speedup_over_dense"],
        round(figures["seconds"], 2),
    ]  # fmt: skip
    return Demonstration(
        layers=[figures], images=IMAGES, accuracy=accuracy(outcome.output, data.test_labels[:IMAGES]),
        columns=columns, rows=[row], note=NOTE,
    )  # fmt: skip
