"""From sizes of convolutions and pools to the registers and fields that say where their windows lie."""

from typing import NamedTuple

from ...hw.config import check
from ...hw.tpu.config import TpuConfig
from ...hw.tpu.isa import GEOMETRY, INSTRUCTIONS
from ..golden.geometry import ConvolutionGeometry
from .windows import MODULUS

__all__ = ["Windows", "geometry"]


class Windows(NamedTuple):
    """Where windows lie.

    Parameters
    ----------
    registers
        Values of `isa.GEOMETRY`, all of them. They are the same wherever windows begin.
    start
        Fields ``ub``, ``x`` and ``y`` of ``convolve`` or ``pool``.
    """

    registers: dict[str, int]
    start: dict[str, int]


def geometry(
    config: TpuConfig,
    sizes: ConvolutionGeometry,
    height: int,
    width: int,
    *,
    pixel: int,
    plane: int,
    pad: int = 0,
    image: int = 0,
    line: int = 0,
    column: int = 0,
    tap: int = 0,
) -> Windows:
    """Return where the windows of a convolution or pool over a plane lie.

    Results come image by image, in each line by line, from one that is chosen: if that is not the first of an image,
    they must end with its image; if it is not the first of a line, they must end with its line.

    Parameters
    ----------
    config
        The TPU.
    sizes
        Kernel, strides, dilations, padding and results; groups are not looked at.
    height, width
        Pixels of an image.
    pixel
        Granules of a pixel, which is what a slice has of its channels.
    plane
        First granule of the images, which lie one behind the other, pixel by pixel.
    pad
        Byte that pads.
    image, line, column
        The first result.
    tap
        Column of the kernel where windows begin.

    Raises
    ------
    ConfigError
        If a size doesn't fit its register or field.
    """
    top, _, left, _ = sizes.padding
    (down, across), (down_spread, across_spread) = sizes.stride, sizes.dilation
    row, whole = width * pixel, height * width * pixel
    registers = {
        "columns": sizes.output[1],
        "lines": sizes.output[0],
        "column_step": across * pixel,
        "line_step": down * row,
        "image_step": whole,
        "kernel_step": down_spread * row,
        "tap_step": across_spread * pixel,
        "line": row,
        "height": height,
        "stride": down,
        "dilation": down_spread,
        "pad": pad & 0xFF,
        "window_first": plane // config.row_granules,
        "window_last": (plane + sizes.batch * whole - 1) // config.row_granules,
    }
    for name, value in registers.items():
        check(name, 0 <= value < 1 << GEOMETRY[name].bits, f"of {GEOMETRY[name].bits} bits", value)
    x = (column * across + tap * across_spread - left) * pixel
    y = line * down - top
    ub = (plane + image * whole + y * row + x) % MODULUS
    fields = {field.name: field for field in INSTRUCTIONS["convolve"].fields}
    for name, value in (("x", x), ("y", y)):
        low, high = fields[name].range
        check(name, low <= value <= high, f"from {low} to {high}", value)
    return Windows(registers, {"ub": ub, "x": x, "y": y})
