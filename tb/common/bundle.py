"""All shared parts side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.common.aligned_adder import AlignedAdder
from ...hw.common.broadcast import Broadcast
from ...hw.common.byte_rounder import ByteRounder
from ...hw.common.compact import Compact
from ...hw.common.fifo import Fifo
from ...hw.common.fused_multiply_add import FusedMultiplyAdd
from ...hw.common.multiplier import Multiplier
from ...hw.common.normalizer import Normalizer
from ...hw.common.ram import Ram
from ...hw.common.requantizer import Requantizer
from ...hw.common.residual_add import ResidualAdd
from ...hw.common.round_to_byte import RoundToByte
from ...hw.common.spread import Spread
from ..bundle import make
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "broadcast": Broadcast,
    "fifo": Fifo,
    "ram": Ram,
    "multiplier": Multiplier,
    "normalizer": Normalizer,
    "byte_rounder": ByteRounder,
    "round_to_byte": RoundToByte,
    "aligned_adder": AlignedAdder,
    "fused_multiply_add": FusedMultiplyAdd,
    "requantizer": Requantizer,
    "residual_add": ResidualAdd,
    "compact": Compact,
    "spread": Spread,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    return make(COMPONENTS, PARTS, part)
