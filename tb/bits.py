"""Between values of a manifest's shape and the bits of a port, as Python integers."""

from collections.abc import Mapping
from typing import Any

__all__ = ["pack_bits", "unpack_bits"]


def pack_bits(value: Any, shape: Mapping[str, Any]) -> int:
    """Bits of one value of a manifest's shape: a number, a sequence (element 0 lowest) or a dict by field.

    Raises
    ------
    ValueError
        If a number is out of range, or a sequence or dict has other parts than the shape.
    """
    if shape["kind"] == "array":
        if len(value) != shape["length"]:
            raise ValueError(f"value must have {shape['length']} elements, not {len(value)}")
        width = shape["element"]["width"]
        return sum(pack_bits(item, shape["element"]) << index * width for index, item in enumerate(value))
    if shape["kind"] == "struct":
        if set(value) != set(shape["fields"]):
            raise ValueError(f"value must have the fields {', '.join(shape['fields'])}, not {', '.join(value)}")
        return sum(pack_bits(value[name], part["shape"]) << part["offset"] for name, part in shape["fields"].items())
    width = shape["width"]
    low, high = (-(1 << width - 1), 1 << width - 1) if shape["kind"] == "signed" else (0, 1 << width)
    if not low <= value < high:
        raise ValueError(f"value must be from {low} to {high - 1}, not {value}")
    return int(value) & (1 << width) - 1


def unpack_bits(bits: int, shape: Mapping[str, Any]) -> Any:
    """Inverse of `pack_bits`; arrays become lists."""
    if shape["kind"] == "array":
        width, mask = shape["element"]["width"], (1 << shape["element"]["width"]) - 1
        return [unpack_bits(bits >> index * width & mask, shape["element"]) for index in range(shape["length"])]
    if shape["kind"] == "struct":
        return {
            name: unpack_bits(bits >> part["offset"] & (1 << part["shape"]["width"]) - 1, part["shape"])
            for name, part in shape["fields"].items()
        }
    width = shape["width"]
    return bits - (1 << width) if shape["kind"] == "signed" and bits >> width - 1 else bits
