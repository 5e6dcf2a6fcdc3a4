"""All units that move data side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.tpu.host_in import HostInUnit
from ...hw.tpu.host_out import HostOutUnit
from ...hw.tpu.parameter_unit import ParameterUnit
from ...hw.tpu.weight_unit import WeightUnit
from ..bundle import PartsBundle, make
from .dma_parts import PARTS

__all__ = ["COMPONENTS", "Bundle", "component"]

COMPONENTS = {
    "weight_unit": WeightUnit,
    "parameter_unit": ParameterUnit,
    "host_in": HostInUnit,
    "host_out": HostOutUnit,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `dma_parts`."""
    return make(COMPONENTS, PARTS, part)


class Bundle(PartsBundle):
    """All of them."""

    def __init__(self):
        super().__init__(COMPONENTS, PARTS)
