"""Strides, padding and dilations of ONNX's convolutions and pools, with what their attributes leave open."""

import dataclasses

from .errors import RefusedError
from .operation import Operation

__all__ = ["Windows", "pads_of", "pair_of", "windows"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Windows:
    """Where windows lie.

    Parameters
    ----------
    kernel, strides, dilations
        Down and across.
    pads
        At the top, left, bottom and right.
    output
        Positions down and across.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    output: tuple[int, int]


def windows(operation: Operation, shape: tuple[int, ...], kernel: tuple[int, ...] | None = None,
            extra: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Windows:  # fmt: skip
    """Where the windows of an operator lie on a tensor of a shape.

    Parameters
    ----------
    operation
        A convolution or pool.
    shape
        N C H W.
    kernel
        R and S, if an input has them; the attribute ``kernel_shape`` must agree.
    extra
        Padding of a Pad in front.

    Raises
    ------
    RefusedError
        If there are not two spatial axes, or attributes make no windows.
    """
    if len(shape) != 4:
        raise RefusedError(f"of {len(shape)} axes; only images (N C H W) are supported")
    given = operation.attributes.get("kernel_shape")
    if kernel is None and given is None:
        raise RefusedError("attribute kernel_shape is missing")
    sizes = pair_of("kernel_shape", kernel if kernel is not None else given)
    if given is not None and pair_of("kernel_shape", given) != sizes:
        raise RefusedError(f"attribute kernel_shape is {tuple(given)}, but the weights are {sizes}")
    strides, dilations = (pair_of(name, operation.attributes.get(name, (1, 1))) for name in ("strides", "dilations"))
    reach = tuple(d * (size - 1) + 1 for d, size in zip(dilations, sizes, strict=True))
    top, left, bottom, right = (a + b for a, b in zip(_pads(operation, shape[2:], reach, strides), extra, strict=True))
    room = shape[2] + top + bottom - reach[0], shape[3] + left + right - reach[1]
    if min(room) < 0:
        raise RefusedError(f"its kernel of {reach[0]} x {reach[1]} is larger than the padded image")
    output = [space // stride + 1 for space, stride in zip(room, strides, strict=True)]
    if operation.attributes.get("ceil_mode", 0):
        for axis, before in enumerate((top, left)):
            rounded = -(-room[axis] // strides[axis])
            # a window must begin on the image or its padding at the top or left
            if rounded * strides[axis] < shape[2 + axis] + before:
                output[axis] = rounded + 1
        bottom, right = (
            end + max(0, (count - 1) * stride - space)
            for end, count, stride, space in zip((bottom, right), output, strides, room, strict=True)
        )
    return Windows(kernel=sizes, strides=strides, pads=(top, left, bottom, right), dilations=dilations,
                   output=(output[0], output[1]))  # fmt: skip


def _pads(operation: Operation, sizes: tuple[int, ...], reach: tuple[int, ...], strides: tuple[int, int]) -> list[int]:
    """At the top, left, bottom and right."""
    kind = operation.attributes.get("auto_pad", b"NOTSET")
    match kind.decode() if isinstance(kind, bytes) else kind:
        case "NOTSET" | "":
            return pads_of(operation.attributes.get("pads", (0, 0, 0, 0)))
        case "VALID":
            return [0, 0, 0, 0]
        case "SAME_UPPER" | "SAME_LOWER" as name:
            totals = [
                max(0, (-(-size // stride) - 1) * stride + far - size)
                for size, stride, far in zip(sizes, strides, reach, strict=True)
            ]
            less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
            return [*less, *more] if name == "SAME_UPPER" else [*more, *less]
        case name:
            raise RefusedError(f"attribute auto_pad is {name}")


def pads_of(values: object) -> list[int]:
    """Four numbers that aren't negative."""
    pads = [int(value) for value in values]  # pyrefly: ignore[not-iterable]  # of an attribute
    if len(pads) != 4 or min(pads) < 0:
        raise RefusedError(f"pads are {pads}; only four that aren't negative are supported")
    return pads


def pair_of(name: str, values: object) -> tuple[int, int]:
    """Two numbers of at least 1."""
    pair = [int(value) for value in values]  # pyrefly: ignore[not-iterable]  # of an attribute
    if len(pair) != 2 or min(pair) < 1:
        raise RefusedError(f"attribute {name} is {pair}; only two numbers of at least 1 are supported")
    return pair[0], pair[1]
