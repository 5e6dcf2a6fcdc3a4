"""Small random networks for the whole chip."""

import random

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.layers import Convolution, Layer, MaxPool, Residual, Tensor
from ...sim.snap_chip.program import Program

__all__ = ["random_network"]


def random_network(config: SnapChipConfig, rng: random.Random) -> tuple[Program, np.ndarray]:
    """A chain of 1x1, 3x3 with a residual, pooling and 1x1 that fits the chip, and the memory before it runs."""
    while True:
        try:
            return _network(config, rng, np.random.default_rng(rng.getrandbits(32)))
        except ConfigError:  # too large
            continue


def _network(config: SnapChipConfig, rng: random.Random, numbers: np.random.Generator) -> tuple[Program, np.ndarray]:
    signed = rng.random() < 0.3
    zero = rng.choice([0, -7] if signed else [0, 3])
    low, high = (-128, 127) if signed else (0, 255)
    source = Tensor(
        height=rng.randint(3, 6), width=rng.randint(3, 6), channels=rng.choice([3, 8, 12]), zero=zero, signed=signed
    )
    kernels = rng.choice([8, 11])

    def convolution(shape: tuple[int, int, int, int], zero: int, low: int, high: int, **fields) -> Convolution:
        weights = numbers.integers(-127, 127, shape, np.int8, endpoint=True)
        weights[numbers.random(shape) < 0.5] = 0
        return Convolution(
            weights=weights, bias=numbers.integers(-500, 500, shape[3], np.int32),
            factors=numbers.uniform(0.01, 0.1, shape[3]).astype(np.float32), zero=zero, low=low, high=high, **fields,
        )  # fmt: skip

    residual = Residual(
        tensor="a", sum_factor=0.7, factor=0.9, offset=rng.choice([0.0, -1.5]), zero=zero, low=low, high=high
    )
    layers: list[Layer] = [
        convolution((1, 1, source.channels, kernels), zero, low, high, source="x", target="a", signed=signed),
        convolution(
            (3, 3, kernels, kernels), 5, low, high, source="a", target="b", padding=1, signed=signed, residual=residual
        ),
        MaxPool(source="b", target="p", kernel=(2, 2)),
        convolution((1, 1, kernels, 8), 0, 0, 255, source="p", target="y"),
    ]
    program = compile_layers(config, {"x": source}, layers)
    values = numbers.integers(low, high, source.shape, endpoint=True)
    values[numbers.random(source.shape) > rng.choice([0.3, 0.6, 1])] = zero
    return program, program.memory(x=values)
