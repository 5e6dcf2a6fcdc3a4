"""Which way a layer runs on a chip with a global accumulator: row taps or diagonal mode, whichever seems faster."""

import dataclasses
import math

import numpy as np

from ...hw.config import check
from ...hw.snap_chip.config import WINDOWS, WORD_BYTES, SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from .diagonal import diagonal_columns
from .layers import Convolution, Tensor
from .mapping import Channels, block_lines, kernels_by_density

__all__ = ["choose_way", "estimate_cycles"]

SHARPNESS = 8
"""How much the slowest of what goes on side by side counts more than the others: the exponent of a norm."""

LOOK_CYCLES = 0.5
"""Of a row's AIM for a list of a PE, about: short tiles are looked through two at once."""

GROUP_WORDS = 8
"""Words for which a feeder of weights could have worked, and doesn't, from a group to the next."""

MARGIN = 0.95
"""Diagonal mode is taken where it seems to take less than this share of the cycles of row taps."""

DENSITY = 0.5
"""Of activations of which nobody says how many there are: that after a ReLU."""


def choose_way(config: SnapChipConfig, layer: Convolution, source: Tensor, density: float | None) -> Convolution:
    """Decide whether a layer is diagonal, unless it says so itself; `density` is that of its input, if known.

    Raises
    ------
    ConfigError
        If it says so and can't be: there is no global accumulator, neighbours of an output's inputs are no neighbours,
        or a line has no room in the output buffer.
    """
    if layer.diagonal is False or (layer.diagonal is None and not config.global_accumulator):
        return dataclasses.replace(layer, diagonal=False)
    geometry = layer.geometry(source)
    reasons = {
        "with a global_accumulator in the configuration": config.global_accumulator,
        "with a stride and dilation across of 1": geometry.stride[1] == geometry.dilation[1] == 1,
        "with fewer columns": diagonal_columns(config, geometry).groups < config.region_pixels,
    }
    if layer.diagonal:
        for rule, fits in reasons.items():
            check("diagonal", fits, f"true only {rule}", True)
        return layer
    rows, diagonal = (dataclasses.replace(layer, diagonal=diagonal) for diagonal in (False, True))
    if not all(reasons.values()):
        return rows
    known = DENSITY if density is None else density
    faster = estimate_cycles(config, diagonal, source, known) < MARGIN * estimate_cycles(config, rows, source, known)
    return diagonal if faster else rows


def estimate_cycles(config: SnapChipConfig, layer: Convolution, source: Tensor, density: float) -> float:
    """Cycles of a layer, about, in the way that it says: good for nothing but comparing ways.

    For each group of a block a PE multiplies, its row gets activations and lists of matches, its column weights. All
    of this goes on side by side, so that the slowest counts, and others when they are nearly as slow.
    """
    core, geometry = config.core, layer.geometry(source)
    channels = Channels.of(config, geometry.channels, geometry.kernels, geometry.groups)
    kernels = kernels_by_density(config, layer, source)
    width, columns = config.tile_channels, core.core_columns
    used = min(channels.tiles * width, geometry.channels)
    kept = np.count_nonzero(layer.weights) / (geometry.kernel[0] * geometry.kernel[1] * channels.out_tiles * width)
    kept /= channels.groups  # weights of a kernel and tap, of all channels of a group of rounds
    if layer.diagonal:
        across = diagonal_columns(config, geometry)
        groups, taps, steps, parts = across.groups, across.sub_kernels, channels.tiles, channels.tiles
        share, tiles = 1.0, 1
    else:
        groups, taps, steps = -(-geometry.output[1] // config.banks), geometry.kernel[1], channels.steps
        parts, tiles, share = steps * columns, columns, 1 - _outside(geometry, source)
    pixels = groups * geometry.output[0]
    lines = block_lines(config, kernels, pixels)
    weights = kernels * kept / parts  # of a part
    beats = _beats(-(-used // parts), density, core.beat_entries)
    words = (WINDOWS + kernels * config.bitmap_bytes + weights) / WORD_BYTES + GROUP_WORDS
    cycles = {
        "compute": weights * density * share / core.pe_multipliers,
        "lists": LOOK_CYCLES * columns * max(1, weights / core.window_entries),
        "activations": tiles * beats,
        "weights": words / lines,
    }
    slowest = sum(one**SHARPNESS for one in cycles.values()) ** (1 / SHARPNESS)
    rounds = channels.groups * channels.out_tiles * config.core_kernels // kernels
    return pixels * rounds * steps * taps * geometry.kernel[0] * slowest


def _outside(geometry: ConvolutionGeometry, source: Tensor) -> float:
    """Share of an output's inputs of a line that lie beyond the image's columns."""
    first = np.arange(geometry.output[1]) * geometry.stride[1] - geometry.padding[2]
    columns = first[:, None] + np.arange(geometry.kernel[1]) * geometry.dilation[1]
    return float(np.mean((columns < 0) | (columns >= source.width)))


def _beats(channels: int, density: float, entries: int) -> float:
    """Beats of so many channels on average, one at least."""
    return sum(
        max(1, -(-count // entries)) * math.comb(channels, count) * density**count * (1 - density) ** (channels - count)
        for count in range(channels + 1)
    )
