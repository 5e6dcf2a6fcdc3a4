"""Fetches parameter sets ahead of their instructions."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import TpuConfig
from .entry_queue import EntryQueue
from .layouts import parameters_entry

__all__ = ["ParameterUnit"]


class ParameterUnit(wiring.Component):
    """Beats of parameter sets in a FIFO of ``parameter_sets`` sets; a beat in and one out a cycle.

    Attributes
    ----------
    i_entries
        Stream of what to read (`parameters_entry`).
    o_requests
        Stream of requests (`request_layout`), one for an entry, two cycles after it was taken or later.
    i_beats
        Stream of beats, those of all requests in order.
    o_beats
        Stream of the same beats, two cycles later or when they are wanted.
    o_done
        The last beat of an entry goes into the FIFO.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        beats = stream.Signature(8 * config.bus_bytes)
        super().__init__(
            {
                "i_entries": In(stream.Signature(parameters_entry(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_beats": In(beats),
                "o_beats": Out(beats),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beats = self.config, self.i_beats
        entries = EntryQueue(config, "parameters")
        fifo = Fifo(8 * config.bus_bytes, config.parameter_sets * config.set_beats)
        m.submodules.entries, m.submodules.fifo = shared(entries), shared(fifo)
        connect(m, flipped(self.i_entries), entries.i)
        connect(m, entries.o_requests, flipped(self.o_requests))
        connect(m, fifo.o, flipped(self.o_beats))
        number = Signal(range(config.parameter_sets * config.set_beats))
        goes, last = Signal(), Signal()
        m.d.comb += [
            fifo.i.payload.eq(beats.payload),
            fifo.i.valid.eq(beats.valid & entries.o.valid),
            beats.ready.eq(fifo.i.ready & entries.o.valid),
            goes.eq(fifo.i.valid & fifo.i.ready),
            last.eq(number == entries.o.payload.sets * config.set_beats - 1),
            entries.o.ready.eq(goes & last),
            self.o_done.eq(entries.o.ready),
        ]
        with m.If(goes):
            m.d.sync += number.eq(Mux(last, 0, number + 1))
        return m
