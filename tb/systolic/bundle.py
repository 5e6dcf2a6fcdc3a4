"""All parts of the matrix unit side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.common.delay import DelayLine
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
from ..bundle import make
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "component"]

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
    return make(COMPONENTS, PARTS, part)
