"""Parts of the TPU side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.tpu.feeder import Feeder
from ...hw.tpu.unified_buffer import UnifiedBuffer
from ..bundle import PartsBundle, make
from .fed_matrix import FedMatrix
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "Bundle", "component"]

COMPONENTS = {"unified_buffer": UnifiedBuffer, "feeder": Feeder, "fed_matrix": FedMatrix}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    return make(COMPONENTS, PARTS, part)


class Bundle(PartsBundle):
    """All of them."""

    def __init__(self):
        super().__init__(COMPONENTS, PARTS)
