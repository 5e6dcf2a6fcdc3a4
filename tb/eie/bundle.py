"""Parts of EIE by kind."""

from amaranth.lib import wiring

from ...hw.eie.credits import Credits
from ...hw.eie.lowest_flag import LowestFlag
from ...hw.eie.source import Source
from ..bundle import make
from . import machine_parts

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "lowest_flag": LowestFlag,
    "source": Source,
    "credits": Credits,
}

PARTS = machine_parts.PARTS
"""Configurations by name of the part, by component."""


def component(part: str) -> wiring.Component:
    """The component of a part, by its name."""
    return make(COMPONENTS, PARTS, part)
