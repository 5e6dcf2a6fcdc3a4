"""All parts of buses side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped

from ...hw.bus.reader import Reader
from ...hw.bus.registers import RegisterFile
from ...hw.bus.writer import Writer
from ...hw.emit.shared import shared
from ..cases import make
from .parts import PARTS

__all__ = ["Bundle", "component"]

COMPONENTS = {"reader": Reader, "writer": Writer, "registers": RegisterFile}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    kind = next(kind for kind, configs in PARTS.items() if part in configs)
    return make(COMPONENTS[kind], PARTS[kind][part])


class Bundle(wiring.Component):
    """Every part, with the part's name before the names of its ports."""

    def __init__(self):
        self._parts = {name: component(name) for configs in PARTS.values() for name in configs}
        super().__init__({name: Out(part.signature) for name, part in self._parts.items()})

    def elaborate(self, platform) -> Module:
        """Parts and wires."""
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = shared(part)
            connect(m, part, flipped(getattr(self, name)))
        return m
