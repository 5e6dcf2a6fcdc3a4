from typing import Any

import numpy as np
import pytest

from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.requantize import requantize
from tensorloom.sim.golden.residual_add import residual_add
from tensorloom.sim.snap_chip.layers import Convolution, MaxPool


class Network:
    """Random layers and values, and what they come to without a chip."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def values(self, tensor, density=0.6):
        low, high = tensor.limits
        values = self.rng.integers(low, high, tensor.shape, endpoint=True)
        return np.where(self.rng.random(tensor.shape) < density, values, tensor.zero)

    def convolution(self, shape, density=0.5, **fields):
        weights = self.rng.integers(-127, 127, shape, np.int8, endpoint=True)
        weights[self.rng.random(shape) >= density] = 0
        kernels = shape[3]
        spread = 3 / np.sqrt(1 + shape[0] * shape[1] * shape[2] * density) / 127
        named: dict[str, Any] = {"source": "x", "target": "y"} | fields
        return Convolution(
            weights=weights,
            bias=self.rng.integers(-500, 500, kernels, np.int32),
            factors=(spread * np.exp(self.rng.normal(0, 0.5, kernels))).astype(np.float32),
            **named,
        )

    @staticmethod
    def run(inputs, values, layers):
        """All tensors' values by name."""
        tensors, values = dict(inputs), dict(values)
        for layer in layers:
            source, x = tensors[layer.source], values[layer.source].astype(np.int64)
            tensors[layer.target] = layer.output(source)
            if isinstance(layer, MaxPool):
                values[layer.target] = pool(layer, source, x)
                continue
            w, steps = layer.weights, {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
            sums = convolution(x[None] - source.zero, w, groups=layer.groups, **steps)[0] + layer.bias
            y = requantize(sums, layer.factors, layer.zero, np.int8 if layer.signed else np.uint8)
            y = np.clip(y.astype(np.int64), *layer.limits)
            if layer.residual:
                more = layer.residual
                terms = np.float32(more.sum_factor), np.float32(more.factor), np.float32(more.offset)
                y = residual_add(y, values[more.tensor].astype(np.int64), terms, *layer.residual_limits)
            values[layer.target] = y
        return values


def pool(layer, source, x):
    geometry = layer.geometry(source)
    top, bottom, left, right = geometry.padding
    padded = np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=-1000)
    windows = np.lib.stride_tricks.sliding_window_view(padded, geometry.kernel, (0, 1))
    return windows[:: geometry.stride[0], :: geometry.stride[1]].max((3, 4))


@pytest.fixture
def network(seed):
    return Network(seed)
