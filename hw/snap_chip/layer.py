"""The layer at work, as the chip's parts see it."""

from amaranth.hdl import Cat, Value, signed
from amaranth.lib import data

from .command import FIELDS, OPTIONAL_FIELDS, fields_of
from .config import SnapChipConfig

__all__ = ["diagonal_fields", "layer_fields", "layer_layout", "pick_fields"]

_SHAPES = {field.name: signed(field.bits) if field.signed else field.bits for field in FIELDS + OPTIONAL_FIELDS}


def layer_layout(config: SnapChipConfig) -> data.StructLayout:
    """All fields of a command but those of the weight buffers."""
    return layer_fields(*(field.name for field in fields_of(config)))


def diagonal_fields(config: SnapChipConfig, *names: str) -> tuple[str, ...]:
    """Such names, if the chip has fields about diagonal mode; else none."""
    return names if config.global_accumulator else ()


def layer_fields(*names: str) -> data.StructLayout:
    """Some fields of a command: what a part of the chip has to know of a layer."""
    return data.StructLayout({name: _SHAPES[name] for name in names})


def pick_fields(layer: data.View, layout: data.StructLayout) -> Value:
    """The fields of `layout` of a `layer` that has more, for ``eq``."""
    return Cat(layer[name] for name in layout.members)
