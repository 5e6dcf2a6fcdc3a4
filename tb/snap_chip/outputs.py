"""Outputs of a layer, where ports put them and as they lie in memory, written from the formats."""

import dataclasses
import random

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from .activations import tile_bytes

__all__ = ["OutputShape", "output_segments", "place_of", "random_output_shape", "random_outputs"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputShape:
    """Sizes of a layer's output and of what makes it."""

    lines: int
    columns: int
    tiles: int
    region_lines: int
    rotate: int
    kernels: int
    diagonal: int = 0
    first_port: int = 0

    @property
    def regions(self) -> int:
        """Bands of lines."""
        return -(-self.lines // self.region_lines)

    def region(self, number: int) -> range:
        """Lines of a region."""
        return range(number * self.region_lines, min(self.lines, (number + 1) * self.region_lines))

    def fields(self, config: SnapChipConfig) -> dict[str, int]:
        """Fields of the command."""
        diagonal = {"diagonal": self.diagonal, "first_port": self.first_port} if config.global_accumulator else {}
        return diagonal | {
            "out_lines": self.lines, "out_columns": self.columns, "out_tiles": self.tiles, "rotate": self.rotate,
            "region_lines": self.region_lines, "regions": self.regions, "kernels": self.kernels,
            "column_groups": self.groups(config), "rounds": self.rounds(config),
        }  # fmt: skip

    def rounds(self, config: SnapChipConfig) -> int:
        """Rounds of kernels."""
        return self.tiles * config.core_kernels // self.kernels

    def groups(self, config: SnapChipConfig) -> int:
        """Column groups of which the cores have sums; in diagonal mode the last columns may be those of one behind."""
        carried = config.core.core_columns - 1 if self.diagonal else 0
        return max(1, -(-(self.columns + self.first_port - carried) // config.banks))

    def entries(self, config: SnapChipConfig, region: int) -> int:
        """Pixels of a port in a region, those beside the output included."""
        return len(self.region(region)) * (self.groups(config) + self.diagonal)


def random_output_shape(config: SnapChipConfig, some: random.Random) -> OutputShape:
    """A shape that fits, small."""
    while True:
        diagonal = config.global_accumulator and some.random() < 0.5
        shape = OutputShape(
            lines=some.randint(1, 6), columns=some.choice([1, config.banks, some.randint(1, 3 * config.banks)]),
            tiles=some.randint(1, 4), region_lines=some.choice([1, some.randint(1, 6)]),
            rotate=0 if diagonal else some.randrange(2), diagonal=int(diagonal),
            first_port=some.randrange(config.core.core_columns) if diagonal else 0,
            kernels=some.choice([n for n in (1, 2, 4, 8) if config.core_kernels % n == 0]),
        )  # fmt: skip
        carried = shape.diagonal and shape.region_lines * shape.kernels + config.core.psum_slots
        if shape.entries(config, 0) <= config.region_pixels and carried <= config.carried_sums:
            return shape


def place_of(config: SnapChipConfig, shape: OutputShape, line: int, column: int) -> tuple[int, int]:
    """Port and entry of a pixel."""
    region, x = divmod(line, shape.region_lines)
    group, j = divmod(column + shape.first_port, config.banks)
    return (j - shape.rotate * x) % config.banks, group * len(shape.region(region)) + x


def random_outputs(config: SnapChipConfig, shape: OutputShape, rng: np.random.Generator, zero: int) -> np.ndarray:
    """Bytes ``[lines, columns, channels]``, of which none, some, or all are the zero point, by pixel."""
    size = (shape.lines, shape.columns, shape.tiles * config.tile_channels)
    density = rng.choice([0.0, 0.3, 0.6, 1.0], size=size[:2])[..., None]
    return np.where(rng.random(size) < density, rng.integers(0, 256, size), zero & 255)


def output_segments(config: SnapChipConfig, shape: OutputShape, values: np.ndarray, zero: int) -> list[list[int]]:
    """Beats of each segment, by region and tile."""
    segments, size = [], config.data_bits // 8
    for region in range(shape.regions):
        for tile in range(shape.tiles):
            part = values[:, :, tile * config.tile_channels : (tile + 1) * config.tile_channels]
            pixels = [part[line, column] for line in shape.region(region) for column in range(shape.columns)]
            text = b"".join(tile_bytes(config, pixel, pixel != zero & 255) for pixel in pixels)
            text += bytes(-len(text) % size)
            segments.append([int.from_bytes(text[at : at + size], "little") for at in range(0, len(text), size)])
    return segments
