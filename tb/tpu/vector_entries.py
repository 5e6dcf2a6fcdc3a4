"""Random entries for the vector unit: legal, and as wild as that allows."""

import random
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from ...hw.tpu.config import TpuConfig
from ...hw.tpu.layouts import vector_entry

__all__ = ["any_bytes", "any_float", "any_walk", "bits_of", "pool", "vector"]

Entry = dict[str, Any]

OPERATIONS = ("add", "multiply", "max", "table")

FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.25, 1.5, 1 / 9, 127.5, -128.5, 2.0**30, -(2.0**31 - 128), 2.0**-126)


def bits_of(value: float) -> int:
    """Of a float32."""
    return int(np.float32(value).view(np.uint32))


def any_float(rng: random.Random) -> int:
    """Bits of a float32, of a usual size more often than not."""
    kind = rng.randrange(4)
    if kind == 0:
        return bits_of(rng.choice(FLOATS))
    if kind == 1:
        return bits_of(rng.choice((1, -1)) * 2.0 ** rng.uniform(-125, 30))
    return bits_of(rng.choice((1, -1)) * 2.0 ** rng.uniform(-9, 2))


def any_bytes(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Bytes with many extremes."""
    values = rng.integers(256, size=shape)
    return np.where(rng.random(shape) < 0.3, rng.choice([0, 127, 128, 255], shape), values).astype(np.uint8)


def _limits(signed: int, rng: random.Random) -> tuple[int, int]:
    least, most = (-128, 127) if signed else (0, 255)
    low, high = sorted((rng.randint(least, most), rng.randint(least, most)))
    return rng.choice([(least, most), (least, most), (low, high), (low, low)])


def _numbers(rng: random.Random) -> Entry:
    zeros = {name: rng.choice([0, 127, 128, 255, rng.randrange(256)]) for name in ("zero_a", "zero_b")}
    return zeros | {name: any_float(rng) for name in ("factor_a", "factor_b", "addend")}


def any_walk(config: TpuConfig, rng: random.Random) -> Entry:
    """Fields that say where taps are, all of any value."""
    layout = vector_entry(config)
    geometry: Any = layout["geometry"].shape
    names = ("ub", "y", "x", "kernel_rows", "kernel_columns", "tap_step", "pool_pitch", "average", "signed", "width")
    entry: Entry = {name: _any_bits(layout[name].shape, rng) for name in names}
    return entry | {"geometry": {name: _any_bits(field.shape, rng) for name, field in geometry}}


def _any_bits(shape: Any, rng: random.Random) -> int:
    """Any value of a field."""
    field = Shape.cast(shape)
    return rng.getrandbits(field.width) - (1 << field.width - 1) * field.signed


def pool(
    config: TpuConfig, rng: random.Random, *, kernel: tuple[int, int] | None = None, rows: int | None = None,
    width: int | None = None, wild: float = 0.0,
) -> Entry:  # fmt: skip
    """An image in one part of the buffer, results in the other; `wild`: probability that a register is anything."""
    size = config.row_granules
    kernel_rows, kernel_columns = kernel or (rng.randint(1, 4), rng.randint(1, 4))
    width = width or rng.choice([1, size, rng.randint(1, size)])
    pitch = rng.choice([width, size, rng.randint(width, size)])
    granules = rng.choice([width, width + 1, rng.randint(1, 2 * size)])  # of a pixel
    stride_x, stride_y, step_x, step_y = (rng.choice([1, 1, 2, 3]) for _ in range(4))
    pad_left, pad_top = rng.randint(0, kernel_columns), rng.randint(0, kernel_rows)
    w, h = rng.randint(1, 6), rng.randint(1, 6)
    rows = rows or rng.choice([1, 2, rng.randint(3, 14)])
    # The image has a part of the buffer, and may reach beyond it at both ends.
    split = rng.randint(config.ub_rows // 4, config.ub_rows * 3 // 4)
    first, last, free = rng.choice([(0, split, split + 1), (split, config.ub_rows - 1, 0)])
    end = config.ub_rows if free else split
    while (room := (end - free) * size - (rows - 1) * pitch - width) < 0:
        rows -= 1
    dst = free * size + rng.choice([0, room, rng.randint(0, room)])
    if rng.random() < 0.3:  # a narrower window
        first, last = sorted((rng.randint(first, last), rng.randint(first, last)))
    plane = first * size + rng.randint(-2, 4 * size)
    line = w * granules
    geometry = {
        "columns": rng.randint(1, 5), "lines": rng.randint(1, 5), "column_step": stride_x * granules,
        "line_step": stride_y * line, "image_step": h * line, "kernel_step": step_y * line, "line": line, "height": h,
        "stride": stride_y, "dilation": step_y, "pad": rng.choice([0, 128, 127, 255, rng.randrange(256)]),
        "window_first": first, "window_last": last,
    }  # fmt: skip
    entry: Entry = {
        "geometry": geometry, "tap_step": step_x * granules, "x": -pad_left * granules, "y": -pad_top,
        "ub": (plane - pad_top * line - pad_left * granules) % (1 << 24), "average": rng.randrange(2),
    }  # fmt: skip
    anything = any_walk(config, rng)
    for name in ("ub", "x", "y", "tap_step"):
        entry[name] = anything[name] if rng.random() < wild else entry[name]
    for name in set(geometry) - {"window_first", "window_last"}:
        geometry[name] = anything["geometry"][name] if rng.random() < wild else geometry[name]
    geometry["columns"], geometry["lines"] = (geometry[name] or 1 for name in ("columns", "lines"))
    other = {
        "operation": rng.randrange(len(OPERATIONS)),
        "a": 0,
        "b": 0,
        "lo": rng.randint(-256, 255),
        "hi": rng.randint(-256, 255),
    }
    own = {"pool": 1, "signed": rng.randrange(2), "dst": dst, "rows": rows, "width": width, "pool_pitch": pitch}
    return other | _numbers(rng) | entry | own | {"kernel_rows": kernel_rows, "kernel_columns": kernel_columns}


def vector(config: TpuConfig, rng: random.Random, operation: str, *, rows: int | None = None) -> Entry:
    """Results elsewhere, or in the place of a or of b."""
    size = config.row_granules
    rows = rows or rng.choice([1, 2, rng.randint(3, 9)])
    lengths = {"a": rows, "b": 256 // config.row_bytes if operation == "table" else rows, "dst": rows}
    start, end, rest = {}, 0, config.ub_rows - sum(lengths.values())
    for name in rng.sample(list(lengths), 3):
        gap = rng.choice([0, rng.randint(0, rest)])
        start[name], end, rest = end + gap, end + gap + lengths[name], rest - gap
    if operation != "table" and rng.random() < 0.2:
        start["b"] = start["a"]
    start["dst"] = start[rng.choice(["a", "dst"] if operation == "table" else ["a", "b", "dst", "dst"])]
    signed = rng.randrange(2)
    low, high = (0, 0) if operation == "table" else _limits(signed, rng)
    return any_walk(config, rng) | _numbers(rng) | {
        "pool": 0, "operation": OPERATIONS.index(operation), "signed": signed, "rows": rows, "lo": low,
        "hi": high, **{name: row * size for name, row in start.items()},
    }  # fmt: skip
