"""All parts of the matrix unit side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped

from ...hw.common.delay import DelayLine
from ...hw.emit.shared import shared
from ...hw.systolic.accumulators import AccumulatorColumn, Accumulators
from ...hw.systolic.drain import DrainControl
from ...hw.systolic.matrix_unit import MatrixUnit
from ...hw.systolic.mesh import Mesh
from ...hw.systolic.pe import PE
from ...hw.systolic.sequencer import Sequencer
from ...hw.systolic.skew import LeftEdge, Triangle
from ...hw.systolic.tile import Tile
from ...hw.systolic.weight_fifo import WeightFIFO
from ...hw.systolic.weight_loader import WeightLoader
from ..cases import make
from .parts import PARTS

__all__ = ["Bundle", "component"]

COMPONENTS = {
    "delay_line": DelayLine,
    "triangle": Triangle,
    "pe": PE,
    "tile": Tile,
    "mesh": Mesh,
    "left_edge": LeftEdge,
    "accumulators": Accumulators,
    "accumulator_column": AccumulatorColumn,
    "drain": DrainControl,
    "weight_fifo": WeightFIFO,
    "weight_loader": WeightLoader,
    "sequencer": Sequencer,
    "matrix_unit": MatrixUnit,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    kind = next(kind for kind, configs in PARTS.items() if part in configs)
    return make(COMPONENTS[kind], PARTS[kind][part])


class Bundle(wiring.Component):
    """Every part, with the part's name before the names of its ports."""

    def __init__(self):
        names = [name for configs in PARTS.values() for name in configs]
        self._parts = {name: component(name) for name in names}
        super().__init__({name: Out(part.signature) for name, part in self._parts.items()})

    def elaborate(self, platform) -> Module:
        """Parts and wires."""
        m = Module()
        for name, part in self._parts.items():
            m.submodules[name] = shared(part)
            connect(m, part, flipped(getattr(self, name)))
        return m
