"""The loop nest of a layer, written out: what the chip's parts have to follow."""

import dataclasses
import math
import random
from collections.abc import Iterator

from ...hw.snap_chip import command
from ...hw.snap_chip.config import SnapChipConfig

__all__ = ["Shape", "blocks", "far_shape", "fields_of", "random_shape", "steps"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a layer on the chip; what follows from them is in the command (`fields_of`)."""

    height: int
    width: int
    tiles: int
    band_lines: int
    out_lines: int
    out_columns: int
    region_lines: int
    block_lines: int
    kernels: int
    out_tiles: int = 1
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    rotate: int = 0
    group_rounds: int
    group_tiles: int
    full_steps: int
    rest_steps: int
    rest_tiles: int
    cuts: tuple[int, ...] = ()
    pool: bool = False
    resident: int = 0
    diagonal: int = 0

    @property
    def regions(self) -> int:
        """Regions of the output."""
        return -(-self.out_lines // self.region_lines)


def fields_of(config: SnapChipConfig, shape: Shape, **others: int) -> dict[str, int]:
    """All fields of the layer's command; addresses and the like are 0 unless given."""
    rows = config.banks
    groups = -(-shape.width // rows)
    padding, dilation = divmod(-shape.padding[1], rows), divmod(shape.dilation[1], rows)
    values = {
        "operation": 2 if shape.pool else 1, "resident": shape.resident, "rotate": shape.rotate, "height": shape.height,
        "width": shape.width, "width_groups": groups, "width_quotient": shape.width // rows,
        "width_rest": shape.width % rows,
        "band_lines": shape.band_lines, "bands": -(-shape.height // shape.band_lines), "tiles": shape.tiles,
        "directory_line": groups * shape.tiles, "directory_band": groups * shape.tiles * shape.band_lines,
        "out_lines": shape.out_lines, "region_lines": shape.region_lines, "regions": shape.regions,
        "column_groups": -(-shape.out_columns // rows),
        "columns_quotient": -(-shape.out_columns // rows) if shape.diagonal else shape.out_columns // rows,
        "columns_rest": 0 if shape.diagonal else shape.out_columns % rows, "out_columns": shape.out_columns,
        "out_tiles": shape.out_tiles,
        "block_lines": shape.block_lines, "kernels": shape.kernels,
        "rounds": shape.out_tiles * config.core_kernels // shape.kernels, "group_rounds": shape.group_rounds,
        "group_tiles": shape.group_tiles, "kernel_lines": shape.kernel[0], "kernel_columns": shape.kernel[1],
        "stride_lines": shape.stride[0], "stride_columns": shape.stride[1], "dilation_lines": shape.dilation[0],
        "dilation_quotient": dilation[0], "dilation_rest": dilation[1], "padding_lines": shape.padding[0],
        "padding_quotient": padding[0], "padding_rest": padding[1], "full_steps": shape.full_steps,
        "rest_steps": shape.rest_steps, "rest_tiles": shape.rest_tiles,
        **{f"cut_{n}": cut for n, cut in enumerate(shape.cuts, 1)},
        "weight_groups": (shape.full_steps + shape.rest_steps) * shape.kernel[0] * shape.kernel[1],
        "passes": 1 if shape.resident else shape.regions,
    } | ({"diagonal": shape.diagonal} if config.global_accumulator else {})  # fmt: skip
    return {field.name: 0 for field in command.fields_of(config)} | values | others


def steps(config: SnapChipConfig, shape: Shape) -> list[tuple[int, int, bool]]:
    """First tile (from the round's first), tiles, and whether it is a step of fewer, of each step over channels."""
    columns = 1 if shape.diagonal else config.core.core_columns
    found = [(columns * n, columns, False) for n in range(shape.full_steps)]
    first = columns * shape.full_steps
    return found + [(first + n * shape.rest_tiles, shape.rest_tiles, True) for n in range(shape.rest_steps)]


def blocks(config: SnapChipConfig, shape: Shape) -> Iterator[dict[str, int]]:
    """By block: region, its lines, round, first pixel of a row in the region, how many, first tile, what comes next."""
    rows = config.banks
    rounds = shape.out_tiles * config.core_kernels // shape.kernels
    for region in range(shape.regions):
        first = region * shape.region_lines
        lines = min(shape.region_lines, shape.out_lines - first)
        total = lines * -(-shape.out_columns // rows)
        for round_ in range(rounds):
            for start in range(0, total, shape.block_lines):
                more = start + shape.block_lines < total
                end = 0 if more else 1 if round_ + 1 < rounds else 2 if region + 1 < shape.regions else 3
                yield {
                    "region": region, "x0": first, "lines": lines, "round": round_, "start": start,
                    "pixels": min(shape.block_lines, total - start), "end": end,
                    "tile": round_ // shape.group_rounds * shape.group_tiles,
                }  # fmt: skip


def random_shape(config: SnapChipConfig, rng: random.Random, *, pool: bool = False) -> Shape:
    """A random layer whose output is not empty, and that the chip has room for."""
    rows, columns, channels = config.banks, config.core.core_columns, config.tile_channels
    while True:
        kernel = rng.choice([1, 1, 2, 3, 3, 4]), rng.choice([1, 1, 2, 3, 3, 5])
        dilation = rng.choice([1, 1, 1, 2]), rng.choice([1, 1, 1, 2, rows + 1])
        stride = rng.choice([1, 1, 2, 3, rows]), rng.choice([s for s in (1, 1, 2, 4) if s % rows])
        padding = tuple(rng.randrange((k - 1) * d + 2) for k, d in zip(kernel, dilation, strict=True))
        height, width, tiles = rng.randint(1, 9), rng.randint(1, 4 * rows), rng.randint(1, 2 * columns + 1)
        sizes = [
            (size + 2 * pad - d * (k - 1) - 1) // s + 1
            for size, pad, d, k, s in zip((height, width), padding, dilation, kernel, stride, strict=True)
        ]
        band_lines, region_lines = rng.randint(1, height), rng.randint(1, 4)
        if min(sizes) < 1 or region_lines * -(-sizes[1] // rows) > config.region_pixels:
            continue
        groups = -(-width // rows)
        halo = (min(region_lines, sizes[0]) - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1
        lines = min(-(-height // band_lines), -(-halo // band_lines) + 1) * band_lines
        bands = lines // band_lines
        if groups * tiles * lines > config.directory_entries or bands > config.resident_bands:
            continue
        if groups * tiles * lines * config.tile_words > config.bank_words:
            continue
        kernels = rng.choice([n for n in (1, 2, 4, 8) if config.core_kernels % n == 0])
        group_tiles = 1 if pool else rng.choice([tiles, tiles, 1])
        out_tiles = tiles if pool else rng.randint(1, 2) * (tiles // group_tiles)
        block_lines = 1 if pool else rng.randint(1, max(1, config.core.psum_slots // kernels))
        if pool:
            kernels = config.core_kernels
        rounds = out_tiles * config.core_kernels // kernels
        diagonal = config.global_accumulator and not pool and stride[1] == 1 and rng.random() < 0.5
        full, rest = divmod(group_tiles, 1 if diagonal else columns)
        rest_steps = 1 if rest else 0
        cuts = tuple(-(-n * rest * channels // columns) for n in range(1, columns))
        return Shape(
            height=height, width=width, tiles=tiles, band_lines=band_lines, out_lines=sizes[0], out_columns=sizes[1],
            region_lines=region_lines, block_lines=block_lines, kernels=kernels, out_tiles=out_tiles, kernel=kernel,
            stride=stride, dilation=dilation, padding=(padding[0], padding[1]),
            rotate=0 if diagonal else rng.randrange(2),
            group_rounds=rounds // (tiles // group_tiles), group_tiles=group_tiles, full_steps=full,
            rest_steps=rest_steps, rest_tiles=rest or 1, cuts=cuts, pool=pool, resident=rng.randrange(2),
            diagonal=int(diagonal),
        )  # fmt: skip


def far_shape(config: SnapChipConfig, rng: random.Random, direction: str, pixels: int) -> Shape:
    """A layer with many lines, column groups or rounds: as many as the fields hold, in so many pixels of all rounds.

    It is for parts that have no memory: no chip has room for all of it.
    """
    counts = {name: rng.choice([1, 1, 3]) for name in ("lines", "groups", "rounds")} | {direction: 1}
    most = {"lines": 4095, "groups": min(1023, 4095 // config.banks), "rounds": (1 << 14) - config.core_kernels}
    most["rounds"] -= rng.randrange(2 * config.core_kernels)
    counts[direction] = min(most[direction], pixels // math.prod(counts.values()))
    stride, kernel, dilation = (rng.choice([1, highest, rng.randint(1, highest)]) for highest in (7, 31, 31))
    padding = rng.choice([0, 31, rng.randint(0, 31)])
    out_lines = max(1, min(counts["lines"], (4095 + 2 * padding) // stride))
    kernels = rng.choice([n for n in (1, 2, 4, 8) if config.core_kernels % n == 0])
    out_tiles = max(1, counts["rounds"] * kernels // config.core_kernels)
    rounds = out_tiles * config.core_kernels // kernels
    least = -(-rounds // 4095)
    group_rounds = rng.choice([least, rng.randint(least, rounds), rounds])
    return Shape(
        height=min(4095, max(1, out_lines * stride + rng.randint(-padding, padding))), width=1, tiles=1, band_lines=1,
        out_lines=out_lines, out_columns=counts["groups"] * config.banks - rng.randrange(config.banks),
        region_lines=rng.choice([1, rng.randint(1, 255), 255]),
        block_lines=rng.choice([64, rng.randint(1, 64)]), kernels=kernels, out_tiles=out_tiles,
        kernel=(kernel, 1), stride=(stride, rng.randint(1, 7)), dilation=(dilation, 1), padding=(padding, 0),
        group_rounds=group_rounds, group_tiles=rng.randint(1, 4095 // -(-rounds // group_rounds)), full_steps=1,
        rest_steps=0, rest_tiles=1,
    )  # fmt: skip
