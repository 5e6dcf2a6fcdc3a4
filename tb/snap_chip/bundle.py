"""All parts of the SNAP chip side by side in one design, so that one Verilator build serves all their testbenches."""

from amaranth.lib import wiring

from ...hw.snap_chip.bit_picker import BitPicker
from ...hw.snap_chip.block_scan import BlockScan
from ...hw.snap_chip.block_sequencer import BlockSequencer
from ...hw.snap_chip.byte_unpacker import ByteUnpacker
from ...hw.snap_chip.command_fetch import CommandFetch
from ...hw.snap_chip.compressor import Compressor
from ...hw.snap_chip.core_array import CoreArray
from ...hw.snap_chip.ia_bank import IaBank
from ...hw.snap_chip.ia_buffer import IaBuffer
from ...hw.snap_chip.ia_loader import IaLoader
from ...hw.snap_chip.locator import Locator
from ...hw.snap_chip.max_pool import MaxPool
from ...hw.snap_chip.output_buffer import OutputBuffer
from ...hw.snap_chip.output_scan import OutputScan
from ...hw.snap_chip.residual_stage import ResidualStage
from ...hw.snap_chip.scale_table import ScaleTable
from ...hw.snap_chip.segment_reader import SegmentReader
from ...hw.snap_chip.segment_writer import SegmentWriter
from ...hw.snap_chip.tile_expander import TileExpander
from ...hw.snap_chip.tile_fetch import TileFetch
from ...hw.snap_chip.tile_packer import TilePacker
from ...hw.snap_chip.tile_parser import TileParser
from ...hw.snap_chip.tile_slots import TileSlots
from ...hw.snap_chip.weight_column import WeightColumn
from ...hw.snap_chip.weight_feeder import WeightFeeder
from ...hw.snap_chip.weight_ring import WeightRing
from ..bundle import make
from .parts import PARTS

__all__ = ["COMPONENTS", "PARTS", "component"]

COMPONENTS = {
    "byte_unpacker": ByteUnpacker,
    "bit_picker": BitPicker,
    "weight_ring": WeightRing,
    "weight_feeder": WeightFeeder,
    "weight_column": WeightColumn,
    "block_scan": BlockScan,
    "block_sequencer": BlockSequencer,
    "ia_loader": IaLoader,
    "ia_buffer": IaBuffer,
    "tile_parser": TileParser,
    "locator": Locator,
    "max_pool": MaxPool,
    "tile_expander": TileExpander,
    "tile_packer": TilePacker,
    "segment_writer": SegmentWriter,
    "command_fetch": CommandFetch,
    "compressor": Compressor,
    "output_buffer": OutputBuffer,
    "output_scan": OutputScan,
    "residual_stage": ResidualStage,
    "segment_reader": SegmentReader,
    "tile_fetch": TileFetch,
    "tile_slots": TileSlots,
    "ia_bank": IaBank,
    "scale_table": ScaleTable,
    "core_array": CoreArray,
}


def component(part: str) -> wiring.Component:
    """The component of a part, by its name in `parts`."""
    return make(COMPONENTS, PARTS, part)
