"""Entries of a unit that moves data, and the requests for them."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus.axi import request_layout
from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import QUEUES, TpuConfig
from .layouts import parameters_entry, transfer_entry, weights_entry

__all__ = ["EntryQueue"]

ENTRIES = {
    "weights": weights_entry,
    "parameters": parameters_entry,
    "host_in": transfer_entry,
    "host_out": transfer_entry,
}


class EntryQueue(wiring.Component):
    """Asks memory for whole entries at once, however long the work on those before them takes.

    An entry that is taken in cycle t is offered from t + 2 on, and so is the request for it.

    Parameters
    ----------
    config
        The TPU.
    unit
        Which one's entries: ``weights``, ``parameters``, ``host_in`` or ``host_out``.

    Attributes
    ----------
    i, o
        Streams of entries, with room for all that the unit may have (`QUEUES`).
    o_requests
        Stream of requests (`request_layout`), one for an entry.
    """

    def __init__(self, config: TpuConfig, unit: str):
        self.config = (config, unit)
        entries = stream.Signature(ENTRIES[unit](config))
        super().__init__(
            {"i": In(entries), "o": Out(entries), "o_requests": Out(stream.Signature(request_layout(config.bus)))}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, unit = self.config
        entry, depth = self.i.payload, QUEUES[unit]
        units = 1  # beats that are counted as one
        if unit == "weights":
            count = entry.beats
        elif unit == "parameters":
            count, units = entry.sets, config.set_beats
        else:  # the last one may count in part
            count = (entry.granules + (config.bus_granules - 1)) >> exact_log2(config.bus_granules)
        ask = data.StructLayout({"address": entry.address.shape(), "count": count.shape()})
        work, asks = Fifo(entry.shape().size, depth), Fifo(ask.size, depth)
        m.submodules.work, m.submodules.asks = shared(work), shared(asks)
        coming, next_ask = data.View(ask, asks.i.payload), data.View(ask, asks.o.payload)
        m.d.comb += [
            self.i.ready.eq(work.i.ready & asks.i.ready),
            work.i.valid.eq(self.i.valid & asks.i.ready),
            asks.i.valid.eq(self.i.valid & work.i.ready),
            work.i.payload.eq(entry),
            coming.address.eq(entry.address),
            coming.count.eq(count),
            self.o.payload.eq(work.o.payload),
            self.o_requests.payload.address.eq(next_ask.address),
            self.o_requests.payload.beats.eq(next_ask.count * units),
        ]
        for fifo, out in ((work, self.o), (asks, self.o_requests)):
            m.d.comb += [out.valid.eq(fifo.o.valid), fifo.o.ready.eq(out.ready)]
        return m
