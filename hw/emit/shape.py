"""Descriptions of Amaranth shapes as plain values, for the manifest."""

from typing import Any

from amaranth.hdl import Shape, ShapeLike
from amaranth.lib import data

__all__ = ["describe_shape"]


def describe_shape(shape: ShapeLike) -> dict[str, Any]:
    """Kind, width, and for arrays and structs their parts with bit offsets.

    Layouts that are neither arrays nor structs are described as unsigned numbers of their width.
    """
    width = Shape.cast(shape).width
    if isinstance(shape, type) and issubclass(shape, data.Struct):
        return describe_shape(data.Layout.cast(shape))  # pyrefly: ignore[bad-argument-type]  # the stubs know no classes
    if isinstance(shape, data.ArrayLayout):
        return {
            "kind": "array",
            "width": width,
            "length": shape.length,
            "element": describe_shape(shape.elem_shape),
        }
    if isinstance(shape, data.StructLayout):
        fields = {str(name): {"offset": field.offset, "shape": describe_shape(field.shape)} for name, field in shape}
        return {"kind": "struct", "width": width, "fields": fields}
    return {"kind": "signed" if Shape.cast(shape).signed else "unsigned", "width": width}
