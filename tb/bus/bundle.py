"""All parts of buses side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.bus.beat_loader import BeatLoader
from ...hw.bus.beat_reader import BeatReader
from ...hw.bus.errors import FirstError
from ...hw.bus.outstanding import OutstandingBursts
from ...hw.bus.read_arbiter import ReadArbiter
from ...hw.bus.reader import Reader
from ...hw.bus.registers import RegisterFile
from ...hw.bus.splitter import BurstSplitter
from ...hw.bus.writer import Writer
from ..bundle import make
from .arbitrated_reader import ArbitratedReader
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "reader": Reader,
    "writer": Writer,
    "read_arbiter": ReadArbiter,
    "arbitrated": ArbitratedReader,
    "registers": RegisterFile,
    "beat_loader": BeatLoader,
    "beat_reader": BeatReader,
    "burst_splitter": BurstSplitter,
    "outstanding_bursts": OutstandingBursts,
    "first_error": FirstError,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    return make(COMPONENTS, PARTS, part)
