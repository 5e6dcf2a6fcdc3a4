"""Shares of non-zeros in the tensors of networks."""

from collections.abc import Sequence

from .layers import LayerShape

__all__ = ["HAN", "SNAP_MEAN", "falling_densities"]

SNAP_MEAN = (0.38, 0.52)
"""Mean of activations and of weights in the pruned ResNet-50 of the SNAP paper."""

HAN: dict[str, list[tuple[float, float]]] = {
    "alexnet": [
        (1.0, 0.84), (0.88, 0.38), (0.52, 0.35), (0.37, 0.37), (0.40, 0.37),
        (0.34, 0.09), (0.36, 0.09), (0.40, 0.25),
    ],
    "vgg16": [
        (1.0, 0.58), (0.53, 0.22), (0.89, 0.34), (0.80, 0.36), (0.81, 0.53), (0.68, 0.24), (0.70, 0.42),
        (0.64, 0.32), (0.51, 0.27), (0.45, 0.34), (0.34, 0.35), (0.32, 0.29), (0.29, 0.36),
        (0.19, 0.04), (0.38, 0.04), (0.42, 0.23),
    ],
}  # fmt: skip
"""Of each layer's activations and weights in the pruned networks of Han et al. ("Learning both Weights and Connections
for Efficient Neural Networks", 2015, tables 4 and 5). A layer's activations are the outputs of the one before it."""

STAGES = {
    2: (0.5742, 0.4816, 0.4075, 0.5909),
    3: (0.4816, 0.3890, 0.3334, 0.5515),
    4: (0.3890, 0.3056, 0.2593, 0.5022),
    5: (0.3334, 0.2501, 0.2038, 0.4136),
}
"""Of a stage of ResNet-50: inputs of its blocks, of their second layers and of the third; weights.

The paper gives no more than the means, so these are assumed: what comes out of an addition is denser than the rest, and
the deeper, the sparser. They are scaled such that the means by multiplications are `SNAP_MEAN`, the first layer's
included.
"""

FIRST, LAST = (1.0, 0.7386), (0.3334, 0.2954)
"""Of the first layer, which gets an image without zeros, and the fully connected one."""


def falling_densities(layers: Sequence[LayerShape]) -> list[tuple[float, float]]:
    """Assumed densities of activations and weights of the layers of ResNet-50, which fall with depth."""
    found = []
    for layer in layers:
        name = layer.name.partition("/")[2]
        if name in ("conv1", "fc1000"):
            found.append(FIRST if name == "conv1" else LAST)
            continue
        *activations, weights = STAGES[int(name[3])]
        place = {"1": 0, "2a": 0, "2b": 1, "2c": 2}[name.partition("_branch")[2]]
        found.append((activations[place], weights))
    return found
