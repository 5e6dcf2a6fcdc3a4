"""Small random networks for the whole chip, and layers that just fit it, or just don't."""

import random

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ...sim.snap_chip.compiler import compile_layers
from ...sim.snap_chip.layers import Convolution, Layer, MaxPool, Residual, Tensor
from ...sim.snap_chip.program import Program

__all__ = ["random_network", "single_region"]


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


def single_region(config: SnapChipConfig, rng: random.Random, words: int, pools: bool) -> tuple[Program, np.ndarray]:
    """A layer of a single region, of whose input a bank must hold so many words, and others fewer; memory before it.

    The compiler believes the input to be sparse, and so takes it even if that is more than there are.
    """
    numbers = np.random.default_rng(rng.getrandbits(32))
    height, channels = 3, config.tile_channels
    tiles = -(-(config.bank_words + 1) // (height * config.tile_words))
    shape = height, config.banks, tiles * channels
    # As many tiles of the fullest bank as need be have all channels; the others have one less, or fewer.
    count = rng.choice([0, 1, channels - 1])
    flags = np.arange(channels) < np.full((height, config.banks, tiles, 1), count)
    bank = rng.randrange(config.banks)
    full = numbers.permutation(height * tiles) < words - height * tiles
    flags[:, bank] = np.where(full.reshape(height, tiles, 1), True, np.arange(channels) < channels - 1)
    values = np.where(numbers.permuted(flags, axis=3).reshape(shape), numbers.integers(1, 256, shape), 0)
    if pools:
        layer: Layer = MaxPool(source="x", target="y", kernel=(height, 1))
    else:
        weights = numbers.integers(-9, 10, (height, 1, shape[2], 8), np.int8)
        scale = {"bias": np.zeros(8, np.int32), "factors": np.full(8, 1e-3, np.float32)}
        layer = Convolution(source="x", target="y", weights=weights, **scale)
    source = Tensor(height=height, width=config.banks, channels=shape[2])
    program = compile_layers(config, {"x": source}, [layer], {"x": 0.3})
    return program, program.memory(x=values)
