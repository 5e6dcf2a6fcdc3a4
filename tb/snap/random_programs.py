"""Random layers as programs of a SNAP core, for testbenches."""

from typing import Unpack

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.golden.geometry import ConvolutionSteps
from ...sim.snap.batch import join_programs
from ...sim.snap.mapping import map_convolution, map_fully_connected
from ...sim.snap.program import CoreProgram
from ...sim.snap.ways import Way
from .holes import with_holes, with_other_classes

__all__ = [
    "corner_programs",
    "mixed_program",
    "nonzero",
    "random_convolution",
    "random_fully_connected",
    "tall_convolution",
    "tensors",
]

Densities = tuple[float, float]


def nonzero(rng: np.random.Generator, shape: tuple, density: float) -> np.ndarray:
    """Which elements aren't zero: of some pixels, taps, channels and kernels nearly all, of others nearly none.

    At density 0 there are none, at 1 all. The first two axes of several are one, of pixels or taps.
    """
    power = np.ones(shape)
    for number, axes in enumerate(({0, 1}, {2}, {3}) if len(shape) > 2 else ({0}, {1})):
        most = 4 if number else 16
        sizes = [size if axis in axes else 1 for axis, size in enumerate(shape)]
        power = power * rng.choice([1 / most, 1, most], sizes)
    return rng.random(shape) < density**power


def tensors(
    config: SnapConfig, rng: np.random.Generator, shapes: tuple[tuple, tuple], densities: Densities
) -> tuple[np.ndarray, np.ndarray]:
    """Operands of all values, the extreme ones often, of exact zeros at random."""
    half = 1 << config.data_bits - 1

    def tensor(shape: tuple, density: float) -> np.ndarray:
        values = rng.integers(-half, half, shape)
        values[rng.random(shape) < 0.1] = -half
        values[values == 0] = half - 1
        return values * nonzero(rng, shape, density)

    return tensor(shapes[0], densities[0]), tensor(shapes[1], densities[1])


def random_convolution(
    config: SnapConfig,
    rng: np.random.Generator,
    size: tuple,
    kernel: tuple,
    densities: Densities,
    **steps: Unpack[ConvolutionSteps],
) -> CoreProgram:
    """Program of an H x W x C input and R x S kernels ``(R, S, K)``, in the plain way."""
    shapes = size, (*kernel[:2], size[2] // steps.get("groups", 1), kernel[2])
    return map_convolution(config, *tensors(config, rng, shapes, densities), **steps, way=Way())


def random_fully_connected(
    config: SnapConfig, rng: np.random.Generator, channels: int, outputs: int, densities: Densities
) -> CoreProgram:
    """Program of a fully connected layer."""
    return map_fully_connected(config, *tensors(config, rng, ((channels,), (channels, outputs)), densities))


def tall_convolution(config: SnapConfig, rng: np.random.Generator, densities: Densities) -> CoreProgram:
    """Program of a convolution with kernels 4 to 11 high, whose taps are of up to four classes."""
    height, channels = int(rng.integers(4, 12)), _channels(config, rng, config.channel_tile)
    padding = (*rng.integers(0, 4, 2).tolist(), 0, 0)
    return random_convolution(config, rng, (height, 2, channels), (height, 2, 1), densities, padding=padding)


def _channels(config: SnapConfig, rng: np.random.Generator, most: int) -> int:
    """A number of channels: any, or as many as fill a tile to its last beat."""
    return int(rng.choice([config.channel_tile, int(rng.integers(1, most + 1))]))


def mixed_program(config: SnapConfig, rng: np.random.Generator, turns: int) -> CoreProgram:
    """Layers of few blocks, by turns in diagonal and in row mode (in row mode only where the core has one column).

    Some beats of all streams hold less than they could, and some that are stored hold nothing. Weights are of any
    classes.
    """
    programs = []
    for number in range(turns):
        one, other = rng.choice([0.1, 0.4, 0.8, 1], 2).tolist()
        programs += [
            random_convolution(
                config, rng, (2, 3, _channels(config, rng, 5 + number)), (2, 3, 2), (one, other), padding=1
            ),
            random_convolution(config, rng, (1, 2, 3 * config.channel_tile), (1, 1, 3), (one, other)),
            random_fully_connected(config, rng, 7, 5, (one, other)),
            tall_convolution(config, rng, (one, other)),
        ]
    programs = [with_other_classes(config, program, rng) for program in programs]
    return with_holes(config, join_programs(programs), rng)


def corner_programs(config: SnapConfig, rng: np.random.Generator) -> dict[str, CoreProgram]:
    """Programs at the edges of what there is, by what they are."""
    half, channels = 1 << config.data_bits - 1, config.channel_tile
    ones = np.ones((3, 3, channels + 1), np.int64), np.ones((3, 3, channels + 1, 2), np.int64)
    lonely = np.zeros_like(ones[0]), np.zeros_like(ones[1])
    lonely[0][1, 1, channels], lonely[1][2, 0, channels, 1] = half - 1, -half
    return {
        "one pair": map_convolution(config, np.full((1, 1, 1), -half), np.full((1, 1, 1, 1), -half)),
        "all zero": map_convolution(config, 0 * ones[0], 0 * ones[1], padding=1, way=Way()),
        "zero weights": map_convolution(config, ones[0], 0 * ones[1], way=Way()),
        "zero activations": map_convolution(config, 0 * ones[0], ones[1], way=Way()),
        "one non-zero of each": map_convolution(config, *lonely, padding=1, way=Way()),
        "lowest values": map_convolution(config, -half * ones[0], -half * ones[1], padding=1, wraps=True, way=Way()),
        "opposite values": map_convolution(config, -half * ones[0], (half - 1) * ones[1], wraps=True, way=Way()),
        "dense rows": random_convolution(config, rng, (1, 3, 3 * channels), (1, 1, 3), (1, 1)),
        "blocks of one pair": join_programs([
            map_convolution(config, rng.integers(1, half, (1, 1, 1)), rng.integers(1, half, (1, 1, 1, 1)))
            for _ in range(6)
        ]),
    }  # fmt: skip
