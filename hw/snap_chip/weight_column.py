"""Weight buffer and feeder of a core's column."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..emit.shared import shared
from ..snap.layouts import weight_beat
from .config import SnapChipConfig
from .weight_feeder import WeightFeeder
from .weight_layouts import weight_block, weight_job
from .weight_ring import WeightRing

__all__ = ["WeightColumn"]


class WeightColumn(wiring.Component):
    """Loads a column's weights ahead of the work, and gives the core its windows.

    Attributes
    ----------
    i_jobs, o_requests, i_valid, i_data
        See `WeightRing`.
    i_blocks, o_beats
        See `WeightFeeder`.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_jobs": In(stream.Signature(weight_job(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "i_blocks": In(stream.Signature(weight_block(config))),
                "o_beats": Out(stream.Signature(weight_beat(config.core))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        ring, feeder = WeightRing(self.config), WeightFeeder(self.config)
        m.submodules.ring, m.submodules.feeder = shared(ring), shared(feeder)
        connect(m, flipped(self.i_jobs), ring.i_jobs)
        connect(m, ring.o_requests, flipped(self.o_requests))
        connect(m, ring.o_words, feeder.i_words)
        connect(m, flipped(self.i_blocks), feeder.i_blocks)
        connect(m, feeder.o_beats, flipped(self.o_beats))
        m.d.comb += [ring.i_valid.eq(self.i_valid), ring.i_data.eq(self.i_data), ring.i_control.eq(feeder.o_control)]
        return m
