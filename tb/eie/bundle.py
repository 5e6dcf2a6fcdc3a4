"""Parts of EIE by kind."""

from amaranth.lib import wiring

from ...hw.eie.activation_memory import ActivationMemory
from ...hw.eie.cluster import Cluster
from ...hw.eie.codebooks import Codebooks
from ...hw.eie.column_reader import ColumnReader
from ...hw.eie.command_decoder import CommandDecoder
from ...hw.eie.control import Control
from ...hw.eie.credits import Credits
from ...hw.eie.eie import Eie
from ...hw.eie.entry_decoder import EntryDecoder
from ...hw.eie.finisher import Finisher
from ...hw.eie.lane import Lane
from ...hw.eie.line_port import LinePort
from ...hw.eie.lowest_flag import LowestFlag
from ...hw.eie.machine_counters import MachineCounters
from ...hw.eie.pointer_unit import PointerUnit
from ...hw.eie.source import Source
from ..bundle import make
from . import cluster_parts, machine_parts

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "pointer_unit": PointerUnit,
    "column_reader": ColumnReader,
    "entry_decoder": EntryDecoder,
    "lane": Lane,
    "finisher": Finisher,
    "cluster": Cluster,
    "lowest_flag": LowestFlag,
    "source": Source,
    "credits": Credits,
    "command_decoder": CommandDecoder,
    "control": Control,
    "activation_memory": ActivationMemory,
    "codebooks": Codebooks,
    "line_port": LinePort,
    "machine_counters": MachineCounters,
    "eie": Eie,
}

PARTS = cluster_parts.PARTS | machine_parts.PARTS | machine_parts.WHOLE
"""Configurations by name of the part, by component."""


def component(part: str) -> wiring.Component:
    """The component of a part, by its name."""
    return make(COMPONENTS, PARTS, part)
