"""Windows of images: random geometries, those of convolutions, and what they mean."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.tpu.config import GRANULE_BYTES, TpuConfig
from ...hw.tpu.isa import GEOMETRY
from ...hw.tpu.layouts import granule_address
from ...sim.golden.geometry import ConvolutionGeometry
from ...sim.golden.im2col import im2col

__all__ = [
    "MODULO", "Convolution", "asks_for", "granules_at", "random_convolution", "random_geometry", "signed", "window_of",
]  # fmt: skip

MODULO = 1 << 24


def signed(value: int) -> int:
    """A number modulo 2**24 as a signed one."""
    return (value + MODULO // 2) % MODULO - MODULO // 2


def granules_at(
    config: TpuConfig, geometry: dict[str, int], address: int, x: int, y: int, width: int
) -> list[int | None]:
    """Granules of a window by address in the unified buffer, from its place there and in an image; None: no input."""
    granules: list[int | None] = []
    for j in range(width):
        granule = (address + j) % MODULO
        row = granule // config.row_granules
        inside = 0 <= y < geometry["height"] and 0 <= x + j < geometry["line"]
        counts = inside and geometry["window_first"] <= row <= geometry["window_last"]
        granules.append(granule if counts else None)
    return granules


def window_of(config: TpuConfig, entry: dict[str, Any], number: int, kernel_row: int) -> list[int | None]:
    """Granules of a position's window, as `granules_at` gives them."""
    g = entry["geometry"]
    place, column = divmod(number, g["columns"])
    image, line = divmod(place, g["lines"])
    address = (
        entry["first"] + image * g["image_step"] + line * g["line_step"] + column * g["column_step"]
        + kernel_row * g["kernel_step"]
    )  # fmt: skip
    x = signed(entry["x"] + column * g["column_step"])
    y = signed(entry["y"] + line * g["stride"] + kernel_row * g["dilation"])
    return granules_at(config, g, address, x, y, entry["pitch"])


def asks_for(config: TpuConfig, window: Mapping[str, int], granules: list[int | None]) -> bool:
    """Whether a request is for these granules, and for nothing where there is None."""
    span = 1 << granule_address(config).width
    asked = {j: (window["address"] + j) % span for j in range(window["first"], window["end"])}
    return asked == {j: granule for j, granule in enumerate(granules) if granule is not None}


def random_geometry(config: TpuConfig, some: random.Random, rows: range) -> dict[str, Any]:
    """What makes windows of an entry: input lies in some of these rows, and anything may be around it.

    Of some entries a number is wild now and then; the others are small, so that windows are here and there.
    """
    size, first = config.row_granules, some.choice([rows.start, some.choice(rows)])
    wild = some.choice([0, 0, 0.1])
    last = some.choice([rows.stop - 1, some.randint(first, rows.stop - 1)])

    def either(bits: int, low: int, high: int) -> int:
        return some.getrandbits(bits) if some.random() < wild else some.randint(low, high) % (1 << bits)

    def either_sign(bits: int, low: int, high: int) -> int:
        return (either(bits, low, high) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)

    small = {name: (-size, size) for name in GEOMETRY if name.endswith("_step") and name != "tap_step"}
    small |= {"columns": (1, 5), "lines": (1, 5), "line": (1, 8 * size), "height": (1, 9), "stride": (0, 2)}
    small |= {"dilation": (0, 2), "pad": (0, 255)}
    geometry = {name: either(GEOMETRY[name].bits, *bounds) for name, bounds in small.items()}
    geometry |= {name: max(1, geometry[name]) for name in ("columns", "lines")}
    return {
        "geometry": geometry | {"window_first": first, "window_last": last},
        "first": either(24, first * size - size, last * size + size),
        "x": either_sign(16, -size, 2 * size),
        "y": either_sign(12, -2, 4),
    }


def random_convolution(config: TpuConfig, some: random.Random) -> tuple[tuple[int, int, int, int], ConvolutionGeometry]:
    """Shape of images that the buffer has room for, with whole granules a pixel, and what is made of them."""
    while True:
        pixel, images = some.randint(1, config.row_granules), some.randint(1, 3)
        shape = images, some.randint(1, 7), some.randint(1, 7), GRANULE_BYTES * pixel
        kernel = some.randint(1, 4), some.randint(1, 4)
        stride, dilation = ((some.choice([1, 1, 2, 3]), some.choice([1, 1, 2, 3])) for _ in range(2))
        sides = [some.choice([0, 0, 1, 2, 3]) for _ in range(4)]
        room = [shape[1] + sides[0] + sides[1], shape[2] + sides[2] + sides[3]]
        if any(d * (n - 1) >= most for d, n, most in zip(dilation, kernel, room, strict=True)):
            continue
        geometry = ConvolutionGeometry.of(shape, (*kernel, shape[3], 1), stride, sides, dilation)
        if int(np.prod(shape)) <= config.ub_bytes and geometry.product[0] <= config.matrix.accumulator_rows:
            return shape, geometry


class Convolution:
    """A random convolution that a machine has room for.

    Attributes
    ----------
    memory
        Bytes of the unified buffer, with the images somewhere in it.
    entries
        Fields that it decides. A row of the kernel is in as many entries as it takes.
    rows
        Activation rows of all of them.
    """

    def __init__(self, config: TpuConfig, some: random.Random, rng: np.random.Generator) -> None:
        size, (shape, geometry) = config.row_granules, random_convolution(config, some)
        images, height, width, channels = shape
        pixel, kernel = channels // GRANULE_BYTES, geometry.kernel
        granules = images * height * width * pixel
        self.memory = rng.integers(0, 256, config.ub_bytes, np.uint8)
        plane, pad = some.randint(0, config.ub_granules - granules), some.getrandbits(8)
        x = self.memory[GRANULE_BYTES * plane :][: GRANULE_BYTES * granules].reshape(shape)
        # For each row of the kernel a row of the matrix; what im2col fills in is 0.
        matrix = im2col(x.astype(np.int16) - pad, geometry)[0] + pad
        matrix = matrix.reshape(len(matrix), kernel[0], -1, GRANULE_BYTES).transpose(1, 0, 2, 3).astype(np.uint8)
        line, (top, left) = width * pixel, geometry.before
        (down, across), (spread, apart) = geometry.stride, geometry.dilation
        registers = {
            "columns": geometry.output[1], "lines": geometry.output[0], "column_step": across * pixel,
            "line_step": down * line, "image_step": height * line, "kernel_step": spread * line, "line": line,
            "height": height, "stride": down, "dilation": spread, "pad": pad, "window_first": plane // size,
            "window_last": (plane + granules - 1) // size,
        }  # fmt: skip
        # Stretches of a kernel row that are one in memory, cut into what a row of the array takes.
        stretches = [(0, kernel[1] * pixel)] if apart == 1 else [(column, pixel) for column in range(kernel[1])]
        self.entries, rows = [], []
        for column, length in stretches:
            for cut in range(0, length, size):
                used = min(size, length - cut)
                begin = (column * apart - left) * pixel + cut
                self.entries.append(
                    {
                        "geometry": registers, "convolve": 1, "x": begin, "y": -top, "pitch": used,
                        "first": (plane - top * line + begin) % MODULO, "rows": len(matrix[0]), "repeat": kernel[0],
                    }
                )  # fmt: skip
                taken = matrix[:, :, column * pixel + cut :][:, :, :used]
                rows.append(np.pad(taken, ((0, 0), (0, 0), (0, size - used), (0, 0))).reshape(-1, config.row_bytes))
        self.rows = np.concatenate(rows)
