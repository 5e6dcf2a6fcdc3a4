"""Sizes of layers that a chip's commands can say, beside which its buffers have limits of their own."""

import math

from ...hw.config import check
from ...hw.errors import ConfigError
from ...hw.snap_chip.command import FIELDS
from ...hw.snap_chip.config import SnapChipConfig
from ..golden.geometry import ConvolutionGeometry
from .layers import MOST_CHANNELS, MOST_PIXELS, Tensor

__all__ = ["check_geometry", "check_tensor", "refuse_above", "size_limits"]

_MOST = {field.name: field.highest for field in FIELDS}


def size_limits(config: SnapChipConfig) -> dict[str, int]:
    """Greatest size of each kind."""
    rows = config.banks
    return {
        "lines of a tensor": MOST_PIXELS,
        "columns of a tensor": min(MOST_PIXELS, _MOST["width_groups"] * rows),
        "columns of an output": config.region_pixels * rows,
        "channels of a tensor": MOST_CHANNELS,
        "segments of a tensor": config.segments,
        "kernel, down and across": _MOST["kernel_lines"],
        "stride, down and across": _MOST["stride_lines"],
        "dilation down": _MOST["dilation_lines"],
        "dilation across": (_MOST["dilation_quotient"] + 1) * rows - 1,
        "padding at the top": _MOST["padding_lines"],
        "padding at the left": (_MOST["padding_quotient"] + 1) * rows,
    }


def refuse_above(what: str, need: int, room: int, field: str) -> None:
    """Refuse what a buffer has no room for.

    Raises
    ------
    ConfigError
        With the field of the configuration that is too small, also as a hint.
    """
    if need > room:
        hint = f"a configuration with a larger {field} has room for more"
        raise ConfigError(f"{what} must be at most {room}, not {need}", hint, field=field, value=need)


def check_tensor(config: SnapChipConfig, name: str, tensor: Tensor) -> None:
    """Refuse a tensor that is too wide for the chip."""
    most = size_limits(config)["columns of a tensor"]
    check(f"columns of {name}", tensor.width <= most, f"at most {most}", tensor.width)


def check_geometry(config: SnapChipConfig, geometry: ConvolutionGeometry, source: Tensor) -> None:
    """Refuse kernels, strides, dilations and paddings that a command can't say.

    Raises
    ------
    ConfigError
        With the field of the layer.
    """
    limits, rows = size_limits(config), config.banks
    for field in ("kernel", "stride"):
        most, sizes = limits[f"{field}, down and across"], getattr(geometry, field)
        check(field, max(sizes) <= most, f"at most {most} down and across", sizes)
    (down, across), (stride_down, stride_across) = geometry.dilation, geometry.stride
    for name, value in (("dilation down", down), ("dilation across", across)):
        check(name, value <= limits[name], f"at most {limits[name]}", value)
    if math.gcd(stride_across, rows) > 1:
        text = f"stride across must be without a common divisor with the {rows} rows of a core, not {stride_across}"
        raise ConfigError(text, "core.core_rows of the configuration is their number", field="stride")
    top, bottom, left, right = geometry.padding
    reach = tuple((size - 1) * step for size, step in zip(geometry.kernel, geometry.dilation, strict=True))
    for name, value, least in (("top", top, reach[0]), ("left", left, reach[1])):
        most = min(least, limits[f"padding at the {name}"])
        check(f"padding at the {name}", value <= most, f"at most {most}, less than the kernel reaches", value)
    ends = (("bottom", bottom, 0, stride_down, top), ("right", right, 1, stride_across, left))
    for name, value, axis, stride, before in ends:
        last = (geometry.output[axis] - 1) * stride - before  # where the last kernel begins
        rule = f"at most {reach[axis]}, less than the kernel reaches"
        check(f"padding at the {name}", last < source.shape[axis], rule, value)
