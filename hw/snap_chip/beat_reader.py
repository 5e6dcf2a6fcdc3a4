"""Reads runs of beats from memory into a FIFO."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..common.fifo import Fifo
from ..config import check_int
from ..emit.shared import shared
from .config import SnapChipConfig
from .weight_layouts import weight_job
from .weight_loader import WeightLoader

__all__ = ["BeatReader"]


class BeatReader(wiring.Component):
    """Gives the beats of its jobs in order; it asks for no more than it has room for.

    Parameters
    ----------
    config
        The chip.
    depth
        Beats that wait at most.

    Attributes
    ----------
    i_jobs
        Stream of what to read (`weight_job`).
    o_requests, i_valid, i_data
        To and from memory: beats are taken at once.
    o_beats
        Stream of beats; one that comes in cycle t is offered from t + 2 on.
    """

    def __init__(self, config: SnapChipConfig, depth: int):
        check_int("depth", depth, config.bus.max_burst)
        self.config = (config, depth)
        super().__init__(
            {
                "i_jobs": In(stream.Signature(weight_job(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "o_beats": Out(stream.Signature(config.data_bits)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, depth = self.config
        loader, fifo = WeightLoader(config, depth), Fifo(config.data_bits, depth)
        m.submodules.loader, m.submodules.fifo = shared(loader), shared(fifo)
        connect(m, flipped(self.i_jobs), loader.i_jobs)
        connect(m, loader.o_requests, flipped(self.o_requests))
        connect(m, fifo.o, flipped(self.o_beats))
        m.d.comb += [
            fifo.i.valid.eq(self.i_valid),
            fifo.i.payload.eq(self.i_data),
            loader.i_free.eq(fifo.o.valid & fifo.o.ready),
        ]
        return m
