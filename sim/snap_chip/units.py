"""Networks cut into units: lists of layers, each of which one start of the chip runs."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

from ..workloads.densities import HAN, SNAP_MEAN
from ..workloads.layers import NETWORKS, LayerShape, resnet, sample

__all__ = ["INPUT", "NETWORK_UNITS", "Node", "Pool", "Unit"]

INPUT = "x"
"""Name of a unit's input."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pool:
    """Maximum pooling of a layer's outputs.

    Parameters
    ----------
    name
        Of the pooled tensor.
    kernel, stride, padding
        As of `layers.MaxPool`.
    """

    name: str
    kernel: int
    stride: int
    padding: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """A layer of a unit, rectified.

    Parameters
    ----------
    shape
        Sizes. The layer's output is called as the layer is, without its network.
    source
        Name of the input.
    density, output_density
        Share of weights, and of outputs (after pooling), that are not zero.
    residual
        Name of what is added, if anything is.
    pool
        What is done with the outputs, if anything is.
    """

    shape: LayerShape
    source: str
    density: float
    output_density: float
    residual: str | None = None
    pool: Pool | None = None

    @property
    def target(self) -> str:
        """Name of the output before it is pooled."""
        return self.shape.name.rpartition("/")[2]

    @property
    def output(self) -> str:
        """Name of what the next layer takes."""
        return self.pool.name if self.pool else self.target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unit:
    """Layers that run by one start.

    Parameters
    ----------
    name
        What it is called.
    nodes
        Its layers; the last one's output is the unit's.
    density
        Of the input, where it is drawn.
    follows
        Whether the input is the output of the unit before it.
    averages
        Whether it is the average of each of its channels, of which the greatest stay: no layer of the chip.
    sampled
        Whether it is only a part of a layer, which is run beside the network.
    simulated
        Whether the Verilog runs it; else it is the cycle model alone.
    """

    name: str
    nodes: tuple[Node, ...]
    density: float
    follows: bool = False
    averages: bool = False
    sampled: bool = False
    simulated: bool = True

    @property
    def work(self) -> float:
        """Multiplications of two non-zeros, about."""
        return sum(node.shape.macs * node.density * self.density for node in self.nodes)

    @property
    def is_block(self) -> bool:
        """Whether it is a residual block."""
        return any(node.residual for node in self.nodes)


def _resnet_units(layers: Sequence[LayerShape], densities: tuple[float, float]) -> list[Unit]:
    """Stem with its pooling, blocks, and the fully connected layer."""
    density, weights = densities
    node = functools.partial(Node, density=weights, output_density=density)
    stem, *blocks, last = layers
    network = stem.name.partition("/")[0]
    pool = Pool(name="pool1", kernel=3, stride=2, padding=1)
    units = [Unit(name="conv1", nodes=(node(shape=stem, source=INPUT, pool=pool),), density=density)]
    names = list(dict.fromkeys(layer.name.partition("/")[2].partition("_")[0] for layer in blocks))
    for name in names:
        found = {
            layer.name.rpartition("_")[2]: layer for layer in blocks if layer.name.startswith(f"{network}/{name}_")
        }
        nodes = [node(shape=found["branch1"], source=INPUT)] if "branch1" in found else []
        residual, source = nodes[0].target if nodes else INPUT, INPUT
        for branch in ("branch2a", "branch2b", "branch2c"):
            added = residual if branch == "branch2c" else None
            nodes.append(node(shape=found[branch], source=source, residual=added))
            source = nodes[-1].target
        units.append(Unit(name=name, nodes=tuple(nodes), density=density, follows=True))
    head = (node(shape=last, source=INPUT),)
    return [*units, Unit(name=last.name.partition("/")[2], nodes=head, density=density, follows=True, averages=True)]


def _layer_units(
    layers: Sequence[LayerShape],
    densities: Sequence[tuple[float, float]],
    samples: dict[str, tuple[int, int, int, int]],
) -> list[Unit]:
    """A unit a layer, each with an input of its own, by the model; parts of some of them on the Verilog."""
    units, parts, before = [], [], None
    for number, (layer, (density, weights)) in enumerate(zip(layers, densities, strict=True)):
        after = densities[number + 1][0] if number + 1 < len(layers) else density
        name = layer.name.partition("/")[2]
        if before is not None and layer.fully_connected and not before.fully_connected:
            layer = _over_map(layer, before.kernels)
        node = Node(shape=layer, source=INPUT, density=weights, output_density=after)
        units.append(Unit(name=name, nodes=(node,), density=density, simulated=False))
        if name in samples:
            part = dataclasses.replace(node, shape=sample(layer, *samples[name]))
            parts.append(Unit(name=f"{name}_part", nodes=(part,), density=density, sampled=True))
        before = layers[number]
    return [*units, *parts]


def _over_map(layer: LayerShape, channels: int) -> LayerShape:
    """A fully connected layer behind a map of so many channels, as a convolution over all of it."""
    side = round((layer.channels / channels) ** 0.5)
    return dataclasses.replace(layer, height=side, width=side, channels=channels, rows=side, columns=side)


RESNET_MINI = resnet("resnet-mini", size=6, narrow=8, blocks=(2, 1), classes=10)
"""A small one, for the smallest chip."""

SAMPLES = {
    "vgg16": {
        "conv1_1": (28, 56, 3, 64), "conv1_2": (14, 56, 64, 32), "conv3_1": (14, 28, 128, 64),
        "conv4_2": (14, 28, 512, 64), "conv5_3": (14, 14, 512, 64), "fc8": (1, 1, 4096, 128),
    },
    "alexnet": {
        "conv1": (59, 59, 3, 96), "conv2": (27, 27, 96, 64), "conv3": (13, 13, 256, 64),
        "conv4": (13, 13, 384, 64), "conv5": (13, 13, 384, 64), "fc8": (1, 1, 4096, 128),
    },
}  # fmt: skip
"""Height, width, channels and kernels at most of the parts of layers that run on the Verilog."""

NETWORK_UNITS: dict[str, Callable[[], list[Unit]]] = {
    "resnet-50": lambda: _resnet_units(NETWORKS["resnet50"], SNAP_MEAN),
    "vgg-16": lambda: _layer_units(NETWORKS["vgg16"], HAN["vgg16"], SAMPLES["vgg16"]),
    "alexnet": lambda: _layer_units(NETWORKS["alexnet"], HAN["alexnet"], SAMPLES["alexnet"]),
    "resnet-mini": lambda: _resnet_units(RESNET_MINI, SNAP_MEAN),
}
"""Units of each network, in order."""
