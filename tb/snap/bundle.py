"""All parts of the SNAP core side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.snap.aim import Aim
from ...hw.snap.aim_port import AimPort
from ...hw.snap.core import SnapCore
from ...hw.snap.core_reducer import CoreReducer
from ...hw.snap.entry_file import EntryFile
from ...hw.snap.index_file import IndexFile
from ...hw.snap.job_signature import JobSignature
from ...hw.snap.list_queue import ListQueue
from ...hw.snap.multiply_add import MultiplyAdd
from ...hw.snap.pe import PE
from ...hw.snap.psum_file import PsumFile
from ...hw.snap.reduction_selector import ReductionSelector
from ...hw.snap.requester import Requester
from ...hw.snap.ring import Ring
from ...hw.snap.row import SnapRow
from ...hw.snap.sequence_decoder import SequenceDecoder
from ...hw.snap.stream_check import ActivationCheck, WeightCheck
from ..bundle import make
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "aim": Aim,
    "list_queue": ListQueue,
    "sequence_decoder": SequenceDecoder,
    "reduction_selector": ReductionSelector,
    "ring": Ring,
    "psum_file": PsumFile,
    "core_reducer": CoreReducer,
    "job_signature": JobSignature,
    "requester": Requester,
    "aim_port": AimPort,
    "index_file": IndexFile,
    "entry_file": EntryFile,
    "weight_check": WeightCheck,
    "activation_check": ActivationCheck,
    "multiply_add": MultiplyAdd,
    "row": SnapRow,
    "pe": PE,
    "core": SnapCore,
    "narrow_core": SnapCore,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    return make(COMPONENTS, PARTS, part)
