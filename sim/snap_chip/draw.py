"""Random tensors of a unit of a network, and what its layers make of them by the maths."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...hw.config import check
from ...hw.snap_chip.config import SnapChipConfig
from ..golden.convolution import convolution
from ..workloads.layers import random_tensors
from .bottleneck import scale_sums
from .folding import fold_layer, fold_values, folds
from .layers import Convolution, Layer, MaxPool, Tensor
from .units import INPUT, Node, Pool, Unit

__all__ = ["Drawn", "dense_unit", "draw_unit", "max_pool"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """A unit with weights and values.

    Parameters
    ----------
    layers
        For the compiler. A first layer with few channels is folded.
    values
        Input and all outputs by name, uint8, from the maths alone.
    """

    layers: Sequence[Layer]
    values: dict[str, np.ndarray]

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The tensor that no layer makes."""
        height, width, channels = self.values[INPUT].shape
        return {INPUT: Tensor(height=height, width=width, channels=channels)}

    @property
    def densities(self) -> dict[str, float]:
        """Share of values that are not 0, by name of tensor."""
        return {name: float(np.mean(values != 0)) for name, values in self.values.items()}

    @property
    def output(self) -> np.ndarray:
        """What the last layer makes."""
        return self.values[self.layers[-1].target]


def draw_unit(config: SnapChipConfig, unit: Unit, seed: int, x: np.ndarray | None = None) -> Drawn:
    """Draw weights, and an input if none is given; biases are chosen so that outputs have their densities.

    Parameters
    ----------
    config
        The chip, which says what is folded.
    seed
        Of the first layer; the others have the next ones.
    x
        The input, uint8, or that of which it is the average.

    Raises
    ------
    ConfigError
        If the layers don't go together.
    """
    if x is not None and unit.averages:
        _, x = scale_sums(x.sum((0, 1), np.int64, keepdims=True), unit.density)
    values = {} if x is None else {INPUT: x}
    layers: list[Layer] = []
    for number, node in enumerate(unit.nodes):
        shape = node.shape
        drawn, weights = random_tensors(shape, unit.density, node.density, seed + number, bits=8)
        entry = values.setdefault(node.source, drawn.astype(np.uint8))
        check(f"input of {shape.name}", shape.x_shape == entry.shape, f"of shape {entry.shape}", shape.x_shape)
        weights = weights.astype(np.int8)
        sums = convolution(entry[None], weights, **shape.steps)[0]
        added = node.residual and (node.residual, values[node.residual])
        pool = node.pool
        fields, output = scale_sums(
            sums, node.output_density, added or None, (lambda maps, pool=pool: max_pool(maps, pool)) if pool else None
        )
        values[node.target] = output
        layers.append(Convolution(source=node.source, target=node.target, weights=weights, **fields, **shape.steps))
        if pool:
            values[pool.name] = max_pool(output, pool)
            layers.append(_pool_layer(node, pool))
    return _folded(config, Drawn(layers=layers, values=values))


def dense_unit(config: SnapChipConfig, unit: Unit) -> Drawn:
    """The unit with tensors of which nothing is zero. What its outputs are, nobody asks: all are 1."""
    first = unit.nodes[0].shape
    values, layers = {INPUT: np.ones(first.x_shape, np.uint8)}, []
    for node in unit.nodes:
        geometry, kernels = node.shape.geometry, node.shape.kernels
        values[node.target] = np.ones((*geometry.output, kernels), np.uint8)
        added = node.residual and (node.residual, values[node.residual])
        fields, _ = scale_sums(np.ones((*geometry.output, kernels), np.int64), 1.0, added or None)
        weights = np.ones(node.shape.w_shape, np.int8)
        layers.append(
            Convolution(source=node.source, target=node.target, weights=weights, **fields, **node.shape.steps)
        )
        if node.pool:
            values[node.pool.name] = max_pool(values[node.target], node.pool)
            layers.append(_pool_layer(node, node.pool))
    drawn = _folded(config, Drawn(layers=layers, values=values))
    return dataclasses.replace(drawn, values=drawn.values | {INPUT: np.ones_like(drawn.values[INPUT])})


def max_pool(maps: np.ndarray, pool: Pool) -> np.ndarray:
    """Greatest values of windows, H x W x C; padding doesn't count."""
    lowest = np.iinfo(maps.dtype).min if maps.dtype.kind in "iu" else -np.inf
    padded = np.pad(maps, ((pool.padding,) * 2, (pool.padding,) * 2, (0, 0)), constant_values=lowest)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (pool.kernel, pool.kernel), axis=(0, 1))
    return windows[:: pool.stride, :: pool.stride].max((-2, -1))


def _pool_layer(node: Node, pool: Pool) -> MaxPool:
    return MaxPool(source=node.target, target=pool.name, kernel=pool.kernel, stride=pool.stride, padding=pool.padding)


def _folded(config: SnapChipConfig, drawn: Drawn) -> Drawn:
    """Fold the first layer, where that is worth it."""
    first = drawn.layers[0]
    if not isinstance(first, Convolution) or not folds(config, first):
        return drawn
    tensor = drawn.inputs[INPUT]
    folded = fold_values(first, tensor, drawn.values[INPUT])
    layer, _ = fold_layer(first, tensor)
    return Drawn(layers=[layer, *drawn.layers[1:]], values=drawn.values | {INPUT: folded})
