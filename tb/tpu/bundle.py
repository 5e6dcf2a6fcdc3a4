"""Parts of the TPU by kind."""

from amaranth.lib import wiring

from ...hw.tpu.activation_unit import ActivationUnit
from ...hw.tpu.decoder import Decoder
from ...hw.tpu.entry_queue import EntryQueue
from ...hw.tpu.feeder import Feeder
from ...hw.tpu.fetch import Fetch
from ...hw.tpu.granule_reducer import GranuleReducer
from ...hw.tpu.host_in import HostInUnit
from ...hw.tpu.host_out import HostOutUnit
from ...hw.tpu.parameter_unit import ParameterUnit
from ...hw.tpu.scoreboard import Scoreboard
from ...hw.tpu.tap_rows import TapRows
from ...hw.tpu.tap_walk import TapWalk
from ...hw.tpu.unified_buffer import UnifiedBuffer
from ...hw.tpu.vector_lane import VectorLane
from ...hw.tpu.vector_unit import VectorUnit
from ...hw.tpu.weight_unit import WeightUnit
from ...hw.tpu.window_address import WindowAddress
from ...hw.tpu.window_bounds import WindowBounds
from ..bundle import make
from . import activation_parts, control_parts, dma_parts, parts, vector_parts
from .fed_matrix import FedMatrix

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "unified_buffer": UnifiedBuffer,
    "window_bounds": WindowBounds,
    "window_address": WindowAddress,
    "feeder": Feeder,
    "fed_matrix": FedMatrix,
    "activation_unit": ActivationUnit,
    "fetch": Fetch,
    "decoder": Decoder,
    "scoreboard": Scoreboard,
    "weight_unit": WeightUnit,
    "parameter_unit": ParameterUnit,
    "entry_queue": EntryQueue,
    "host_in": HostInUnit,
    "host_out": HostOutUnit,
    "vector_unit": VectorUnit,
    "tap_rows": TapRows,
    "tap_walk": TapWalk,
    "granule_reducer": GranuleReducer,
    "vector_lane": VectorLane,
}

PARTS = parts.PARTS | activation_parts.PARTS | control_parts.PARTS | dma_parts.PARTS | vector_parts.PARTS
"""Configurations by name of the part, by component."""


def component(part: str) -> wiring.Component:
    """The component of a part, by its name."""
    return make(COMPONENTS, PARTS, part)
