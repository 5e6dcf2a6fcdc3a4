"""What the compiler chooses for a layer: steps over channels, groups of rounds, shape of a block, windows."""

import dataclasses
import math

import numpy as np

from ...hw.errors import ConfigError
from ...hw.snap_chip.config import SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from ..snap.tiles import keeps_tiles
from .command import Command, steps_over_channels
from .layers import Convolution, Tensor
from .scales import kernel_order
from .weights import RingWeights, cut_windows, encode_ring

__all__ = ["SPARSE", "Channels", "block_lines", "kernels_by_density", "ring_images", "stored_weights"]

SPARSE = 0.33
"""Density of stored weights below which a round has as many kernels as a stored tile has for a core, not half."""


@dataclasses.dataclass(frozen=True)
class Channels:
    """How the rounds of a layer walk the stored tiles of its input.

    Parameters
    ----------
    groups
        Groups of output tiles that read the same channels.
    tiles, out_tiles
        Stored tiles that such a group reads and makes.
    full_steps, rest_steps, rest_tiles, cuts
        As in the command; `cuts` has one for each column but the first.
    """

    groups: int
    tiles: int
    out_tiles: int
    full_steps: int
    rest_steps: int
    rest_tiles: int
    cuts: tuple[int, ...]

    @classmethod
    def of(cls, config: SnapChipConfig, channels: int, kernels: int, groups: int) -> "Channels":
        """Cut a layer of so many channels and kernels: few groups of channels are merged, so that they fill tiles."""
        width = config.tile_channels
        tiles, out_tiles = -(-channels // width), -(-kernels // width)
        depth, breadth = channels // groups, kernels // groups
        merged = math.lcm(width // math.gcd(width, depth), width // math.gcd(width, breadth))
        count = -(-groups // merged)
        if merged * depth // width * count <= tiles and count > 1:
            tiles, out_tiles, used = merged * depth // width, merged * breadth // width, merged * depth
        else:
            count, used = 1, channels
        return cls(count, tiles, out_tiles, *_steps(config, tiles, used))

    def fields(self, config: SnapChipConfig) -> Command:
        """Those of a command that say the steps."""
        return {
            "group_tiles": self.tiles, "full_steps": self.full_steps, "rest_steps": self.rest_steps,
            "rest_tiles": self.rest_tiles,
        } | {f"cut_{n}": cut for n, cut in enumerate(self.cuts, 1)}  # fmt: skip

    def one_by_one(self) -> "Channels":
        """The same in steps of a single tile, as in diagonal mode."""
        return dataclasses.replace(self, full_steps=self.tiles, rest_steps=0, rest_tiles=0, cuts=(0,) * len(self.cuts))

    @property
    def steps(self) -> int:
        """Steps over channels."""
        return self.full_steps + self.rest_steps


def _steps(config: SnapChipConfig, tiles: int, used: int) -> tuple[int, int, int, tuple[int, ...]]:
    columns, width = config.core.core_columns, config.tile_channels
    full, rest = divmod(tiles, columns)
    if not rest:
        return full, 0, 0, (0,) * (columns - 1)
    if full and (columns + rest) % 2 == 0:
        full, steps, rest, channels = full - 1, 2, (columns + rest) // 2, (columns + rest) // 2 * width
    else:
        steps, channels = 1, used - full * columns * width
    cuts, after = [], channels
    for column in range(columns - 1, 0, -1):
        after = max(after * column // (column + 1), (rest - columns + column) * width)
        cuts.insert(0, after)
    return full, steps, rest, tuple(cuts)


def kernels_by_density(config: SnapChipConfig, layer: Convolution, source: Tensor) -> int:
    """Kernels of a core in a round: half of those of a stored tile, or all where weights are sparse.

    Sparse weights want windows of more kernels, as a tile of activations is sent for each. In diagonal mode it is sent
    for all columns at once.
    """
    channels = Channels.of(config, source.channels, layer.weights.shape[3], layer.groups)
    stored = channels.tiles * config.tile_channels * layer.weights[0, 0, 0].size * np.prod(layer.weights.shape[:2])
    sparse = not layer.diagonal and np.count_nonzero(layer.weights) < SPARSE * stored
    kernels = config.core_kernels if sparse else max(1, config.core_kernels // 2)
    while kernels > config.core.psum_slots:
        kernels //= 2
    return kernels


def block_lines(config: SnapChipConfig, kernels: int, pixels: int) -> int:
    """Pixels that a row has in a block: as many as psum slots and activations have room for."""
    lines = max(1, min(config.core.psum_slots // kernels, pixels))
    while lines > 1 and not keeps_tiles(config.core, lines):
        lines -= 1
    return lines


def stored_weights(
    config: SnapChipConfig,
    layer: Convolution,
    geometry: ConvolutionGeometry,
    channels: Channels,
    source: np.ndarray,
    target: np.ndarray,
) -> np.ndarray:
    """Weights by place: R x S x channels of a group of rounds x stored output channels.

    Parameters
    ----------
    source, target
        Channel at each stored place of input and output, -1 for padding.
    """
    kernels = np.arange(geometry.kernels)
    depth, breadth = geometry.channels // geometry.groups, geometry.kernels // geometry.groups
    place = np.zeros(geometry.channels, np.int64)
    place[source[source >= 0]] = np.flatnonzero(source >= 0)
    column = np.zeros(geometry.kernels, np.int64)
    column[target[target >= 0]] = np.flatnonzero(target >= 0)
    wide = config.tile_channels
    first = column // (channels.out_tiles * wide) * channels.tiles * wide
    local = place[(kernels // breadth * depth)[:, None] + np.arange(depth)] - first[:, None]
    stored = np.zeros((*geometry.kernel, channels.tiles * wide, len(target)), np.int8)
    stored[:, :, local, column[:, None]] = layer.weights.transpose(0, 1, 3, 2)
    return stored


def _by_channels(config: SnapChipConfig, stored: np.ndarray, channels: Channels) -> np.ndarray:
    """Weights by line and column of the kernel, step, column of the core, channel of its part, kernel."""
    parts = steps_over_channels(config, channels.fields(config))
    index = parts[..., :1] + np.arange(config.tile_channels)  # steps, columns, channels
    there = index < parts[..., 1:]
    index = np.minimum(index, stored.shape[2] - 1)
    return np.where(there[..., None], stored[:, :, index], 0)


def _by_column(config: SnapChipConfig, stored: np.ndarray) -> np.ndarray:
    """The same for diagonal mode: by line, sub-kernel, step, column of that, channel of the tile, kernel."""
    lines, kernel, channels, kernels = stored.shape
    columns, width = config.core.core_columns, config.tile_channels
    padded = np.pad(stored, ((0, 0), (0, -kernel % columns), (0, 0), (0, 0)))
    return padded.reshape(lines, -1, columns, channels // width, width, kernels).swapaxes(2, 3)


def ring_images(
    config: SnapChipConfig, stored: np.ndarray, channels: Channels, kernels: int, diagonal: bool = False
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Bytes of each weight buffer's image, and the beats of each of its rounds.

    Raises
    ------
    ConfigError
        If a group of weights doesn't fit its windows.
    """
    columns = config.core.core_columns
    split = _by_column(config, stored) if diagonal else _by_channels(config, stored, channels)
    order = kernel_order(config, kernels, stored.shape[3] // config.tile_channels)
    rounds, images = len(order), []
    for core in range(config.cores):
        groups = split[..., order[:, core]].transpose(3, 5, 2, 0, 1, 6, 4)
        weights = groups.reshape(columns, -1, kernels, config.tile_channels)
        try:
            windows, counts = cut_windows(config, (weights != 0).sum(3).transpose(1, 0, 2))
        except ConfigError as error:
            raise ConfigError(f"weights of core {core}: {error}") from None
        images += [
            encode_ring(config, RingWeights(column, windows[:, number], counts), rounds)
            for number, column in enumerate(weights)
        ]
    return images
