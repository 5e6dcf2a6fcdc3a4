"""The network of `sim.workloads.digits_cnn` as layers of the chip: from an image to ten scores by one list."""

from collections.abc import Sequence

import numpy as np

from ..golden.requantize import requantize
from ..workloads.digits_cnn import SIDE, CnnLayer
from .layers import Convolution, Layer, Tensor, fully_connected

__all__ = ["SCORE_FACTOR", "digits_layers", "digits_scores", "image_tensor"]

SCORE_FACTOR = np.float32(1 / 256)
"""From the last layer's sums to scores, which are of 8 bits as all outputs of the chip; no positive one saturates."""

HIGHEST = 127
"""Greatest activation: the network's are of 7 bits."""


def image_tensor() -> Tensor:
    """An image: uint8, most of its background is 0 and not stored."""
    return Tensor(height=SIDE, width=SIDE, channels=1)


def digits_layers(network: Sequence[CnnLayer], image: str = "image", prefix: str = "") -> list[Layer]:
    """Layers for the compiler, which chain the network without anything between them.

    Parameters
    ----------
    network
        Of `load_digits_cnn`.
    image
        Name of the input.
    prefix
        Put before the names of all other tensors: ``conv_0`` to ``conv_2`` and ``scores`` (int8, ten channels).
    """
    layers: list[Layer] = []
    source, tensor = image, image_tensor()
    for number, layer in enumerate(network):
        last = layer.factor is None
        factor = SCORE_FACTOR if layer.factor is None else layer.factor
        fields = {
            "source": source, "target": prefix + ("scores" if last else f"conv_{number}"), "bias": layer.bias,
            "factors": np.full(len(layer.bias), factor, np.float32), "low": -128 if last else 0, "high": HIGHEST,
            "signed": last,
        }  # fmt: skip
        if layer.weights.ndim == 4:
            made = Convolution(weights=layer.weights, stride=layer.stride, padding=layer.padding, **fields)
        else:  # rows are in the order line, column, channel, as are the tensor's values
            made = fully_connected(tensor, layer.weights, **fields)
        layers.append(made)
        source, tensor = made.target, made.output(tensor)
    return layers


def digits_scores(sums: np.ndarray) -> np.ndarray:
    """What the chip makes of the sums of the network's last layer: int8."""
    return requantize(sums, SCORE_FACTOR, dtype=np.int8)
