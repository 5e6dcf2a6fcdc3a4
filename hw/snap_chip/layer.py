"""The layer at work, as the chip's parts see it."""

from amaranth.hdl import Cat, Value, signed
from amaranth.lib import data

from .command import FIELDS

__all__ = ["layer_fields", "layer_layout", "pick_fields"]

_SHAPES = {field.name: signed(field.bits) if field.signed else field.bits for field in FIELDS}


def layer_layout() -> data.StructLayout:
    """All fields of a command but those of the weight buffers."""
    return data.StructLayout(_SHAPES)


def layer_fields(*names: str) -> data.StructLayout:
    """Some fields of a command: what a part of the chip has to know of a layer."""
    return data.StructLayout({name: _SHAPES[name] for name in names})


def pick_fields(layer: data.View, layout: data.StructLayout) -> Value:
    """The fields of `layout` of a `layer` that has more, for ``eq``."""
    return Cat(layer[name] for name in layout.members)
