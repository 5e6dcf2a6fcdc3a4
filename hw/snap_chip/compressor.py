"""Makes segments in memory's format of the output buffer's stored tiles."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..emit.shared import shared
from .config import OA_SLOTS, SnapChipConfig
from .layer import diagonal_fields, layer_fields, pick_fields
from .output_scan import TILE_COUNT_BITS, OutputScan
from .residual_stage import ResidualStage
from .segment_writer import segment_beat
from .tile_packer import TilePacker

__all__ = ["Compressor"]


class Compressor(wiring.Component):
    """Output pixels from the buffer, with a residual added if there is one, packed into beats of segments.

    Without a residual a pixel a cycle, if it has no more words than a beat.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_finished, o_tiles, o_read, o_port, o_address, i_data
        As those of `OutputScan`.
    i_residual
        Segments of the residual, in order.
    o_beats
        Stream of `segment_beat`.
    o_idle
        Nothing is left of the layer.
    """

    fields = tuple(dict.fromkeys((*OutputScan.fields, *ResidualStage.fields, "out_zero")))

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields, *diagonal_fields(config, "first_port"))),
                "i_finished": In(1),
                "o_tiles": Out(TILE_COUNT_BITS),
                "o_read": Out(1),
                "o_port": Out(range(config.banks)),
                "o_address": Out(range(OA_SLOTS * config.region_pixels)),
                "i_data": In(data.ArrayLayout(8, config.tile_channels)),
                "i_residual": In(stream.Signature(config.data_bits)),
                "o_beats": Out(stream.Signature(segment_beat(config))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer = self.config, self.i_layer
        scan, residual, packer = OutputScan(config), ResidualStage(config), TilePacker(config)
        m.submodules.scan, m.submodules.residual, m.submodules.packer = shared(scan), shared(residual), shared(packer)
        connect(m, scan.o_pixels, residual.i_pixels)
        connect(m, flipped(self.i_residual), residual.i_beats)
        connect(m, residual.o_pixels, packer.i_pixels)
        connect(m, packer.o_beats, flipped(self.o_beats))
        m.d.comb += [
            scan.i_start.eq(self.i_start),
            scan.i_layer.eq(pick_fields(layer, scan.i_layer.shape())),
            scan.i_finished.eq(self.i_finished),
            scan.i_data.eq(self.i_data),
            self.o_tiles.eq(scan.o_tiles),
            self.o_read.eq(scan.o_read),
            self.o_port.eq(scan.o_port),
            self.o_address.eq(scan.o_address),
            residual.i_layer.eq(pick_fields(layer, residual.i_layer.shape())),
            packer.i_zero.eq(layer.out_zero),
            self.o_idle.eq(scan.o_idle & residual.o_idle & packer.o_idle),
        ]
        return m
