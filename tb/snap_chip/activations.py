"""Activations in memory and as the rows get them, written from the formats."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from .nest import Shape, blocks, steps

__all__ = ["bands", "block_tokens", "pack_segments", "random_tensor", "row_tiles", "tile_bytes"]


def random_tensor(config: SnapChipConfig, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Values of 8 bits and whether each is stored, ``[2, height, width, channels]``: dense, sparse, empty in places."""
    size = (shape.height, shape.width, shape.tiles * config.tile_channels)
    density = rng.choice([0.0, 0.3, 0.6, 1.0], size=size[:2])[..., None] * rng.choice([0.5, 1.0], size=size[2])
    return np.stack([rng.integers(0, 256, size), rng.random(size) < density])


def tile_bytes(config: SnapChipConfig, values: np.ndarray, stored: np.ndarray) -> bytes:
    """A stored tile: bitmap, values, zero bytes up to a word."""
    found = np.packbits(stored.astype(bool), bitorder="little").tobytes() + bytes(values[stored > 0].astype(np.uint8))
    assert len(stored) == config.tile_channels
    return found + bytes(-len(found) % WORD_BYTES)


def bands(shape: Shape) -> list[range]:
    """Lines of each band of the input."""
    starts = range(0, shape.height, shape.band_lines)
    return [range(start, min(start + shape.band_lines, shape.height)) for start in starts]


def pack_segments(config: SnapChipConfig, shape: Shape, tensor: np.ndarray) -> list[list[int]]:
    """Beats of each segment, in order."""
    segments, size = [], config.data_bits // 8
    for lines in bands(shape):
        for tile in range(shape.tiles):
            part = slice(tile * config.tile_channels, (tile + 1) * config.tile_channels)
            text = b"".join(
                tile_bytes(config, *tensor[:, line, column, part]) for line in lines for column in range(shape.width)
            )
            text += bytes(-len(text) % size)
            segments.append([int.from_bytes(text[at : at + size], "little") for at in range(0, len(text), size)])
    return segments


def block_tokens(config: SnapChipConfig, shape: Shape) -> list[dict[str, int]]:
    """What the buffer of activations is told of each block."""
    tokens = []
    for block in blocks(config, shape):
        group, x = divmod(block["start"], block["lines"])
        line = block["x0"] * shape.stride[0] - shape.padding[0]
        last = line + (block["lines"] - 1) * shape.stride[0] + (shape.kernel[0] - 1) * shape.dilation[0]
        tokens.append(
            {
                "line": line,
                "lines": block["lines"],
                "x": x,
                "x_rows": x % config.banks,
                "x_lines": x * shape.stride[0],
                "group": group,
                "group_columns": group * shape.stride[1],
                "pixels": block["pixels"],
                "tile": block["tile"],
                "need": max(0, min(last + 1, shape.height)),
                "free": max(0, min(line, shape.height)),
            }  # fmt: skip
        )
    return tokens


def row_tiles(config: SnapChipConfig, shape: Shape, tensor: np.ndarray, row: int) -> Iterator[dict[str, Any]]:
    """The stored tiles that a row gets, with their tags; a column outside the image gives empty ones."""
    for block in blocks(config, shape):
        found = [divmod(block["start"] + n, block["lines"]) for n in range(block["pixels"])]
        todo = steps(config, shape)
        for step, (first, count, rest) in enumerate(todo):
            for r in range(shape.kernel[0]):
                for s in range(shape.kernel[1]):
                    lines = [
                        (block["x0"] + x) * shape.stride[0] + r * shape.dilation[0] - shape.padding[0] for _, x in found
                    ]
                    live = [n for n, line in enumerate(lines) if 0 <= line < shape.height]
                    ends = step + 1 == len(todo) and (r + 1, s + 1) == shape.kernel
                    for n in live or [0]:
                        group, x = found[n]
                        y = config.banks * group + (row + shape.rotate * x) % config.banks
                        w = y * shape.stride[1] + s * shape.dilation[1] - shape.padding[1]
                        inside = bool(live) and 0 <= w < shape.width and (shape.diagonal or y < shape.out_columns)
                        for number in range(count if live else 1):
                            tile = block["tile"] + first + number
                            part = slice(tile * config.tile_channels, (tile + 1) * config.tile_channels)
                            values, stored = tensor[:, lines[n], w, part] if inside else np.zeros((2, 0), int)
                            last = not live or number + 1 == count
                            yield {
                                "inside": inside, "values": [int(v) for v in values[stored > 0]],
                                "bitmap": sum(1 << int(bit) for bit in np.flatnonzero(stored)), "number": number,
                                "rest": int(rest), "last": int(last), "slot": shape.kernels * n,
                                "group_last": int(n == (live or [0])[-1]),
                                "block_last": int(ends and n == (live or [0])[-1]),
                            }  # fmt: skip
