"""Reads runs of beats from memory into a FIFO."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.fifo import Fifo
from ..config import check_int
from ..emit.shared import shared
from .axi import request_layout
from .beat_loader import BeatLoader, job_layout
from .config import PortConfig

__all__ = ["BeatReader"]


class BeatReader(wiring.Component):
    """Gives the beats of its jobs in order; it asks for no more than it has room for, so it can be an arbiter's client.

    Parameters
    ----------
    config
        The memory port.
    depth
        Beats that it may have asked for and not given: at least a burst. To read without gaps: as many as there are
        cycles from a request to its beats, and a burst more.
    passes_bits
        As of `BeatLoader`.

    Attributes
    ----------
    i_jobs
        Stream of what to read (`job_layout`).
    o_requests, i_valid, i_data
        To and from memory: beats are taken at once.
    o_beats
        Stream of beats; one that comes in cycle t is offered from t + 2 on.
    """

    def __init__(self, config: PortConfig, depth: int, passes_bits: int = 0):
        check_int("depth", depth, config.max_burst)
        self.config = (config, depth, passes_bits)
        super().__init__(
            {
                "i_jobs": In(stream.Signature(job_layout(config, passes_bits))),
                "o_requests": Out(stream.Signature(request_layout(config))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "o_beats": Out(stream.Signature(config.data_bits)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, depth, _ = self.config
        loader, fifo = BeatLoader(*self.config), Fifo(config.data_bits, depth)
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
