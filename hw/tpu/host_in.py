"""Brings the host's data into the unified buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ..bus.axi import request_layout
from ..emit.shared import shared
from .config import TpuConfig
from .entry_queue import EntryQueue
from .layouts import store_layout, transfer_entry

__all__ = ["HostInUnit"]


class HostInUnit(wiring.Component):
    """Collects beats to rows of the unified buffer, and stores each row that a transfer touches once.

    A beat a cycle while there are beats and stores are taken: the last one of a row goes out with the row, in the cycle
    in which it comes. There are no cycles between rows and entries.

    Attributes
    ----------
    i_entries
        Stream of transfers (`transfer_entry`).
    o_requests
        Stream of requests (`request_layout`), one for an entry, two cycles after it was taken or later.
    i_beats
        Stream of beats, those of all requests in order.
    o_store
        Stream of what to write (`store_layout`); of an entry's last beat only the granules that it wants.
    o_done
        The last store of an entry is taken.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(transfer_entry(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_beats": In(stream.Signature(8 * config.bus_bytes)),
                "o_store": Out(stream.Signature(store_layout(config))),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beats, store = self.config, self.i_beats, self.o_store
        granules, chunks = config.bus_granules, config.row_chunks
        entries = EntryQueue(config, "host_in")
        m.submodules.entries = shared(entries)
        connect(m, flipped(self.i_entries), entries.i)
        connect(m, entries.o_requests, flipped(self.o_requests))
        entry = entries.o.payload

        # Where the next beat goes (row and chunk, one number), and granules left; of the entry if it is its first.
        next_place, next_left = Signal.like(entry.place), Signal.like(entry.granules)
        place, left, begun = Signal.like(entry.place), Signal.like(entry.granules), Signal()
        chunk = place[: exact_log2(chunks)]
        last, whole, goes = Signal(), Signal(), Signal()
        m.d.comb += [
            place.eq(Mux(begun, next_place, entry.place)),
            left.eq(Mux(begun, next_left, entry.granules)),
            last.eq(left <= granules),
            whole.eq((chunk == chunks - 1) | last),
            store.valid.eq(entries.o.valid & beats.valid & whole),
            store.payload.row.eq(place >> exact_log2(chunks)),
            beats.ready.eq(entries.o.valid & (~whole | store.ready)),
            goes.eq(beats.valid & beats.ready),
            entries.o.ready.eq(goes & last),
            self.o_done.eq(entries.o.ready),
        ]
        with m.If(goes):
            m.d.sync += [begun.eq(~last), next_place.eq(place + 1), next_left.eq(left - granules)]

        # What a row has before its last chunk waits here.
        parts, mask = [], []
        wanted = Cat(left > granule for granule in range(granules))
        for number in range(chunks):
            here, kept = Signal(name=f"here_{number}"), Signal(8 * config.bus_bytes, name=f"kept_{number}")
            has = Signal(name=f"has_{number}")
            m.d.comb += here.eq(chunk == number)
            with m.If(goes):
                m.d.sync += has.eq(~whole & (has | here))
            with m.If(beats.valid & here):
                m.d.sync += kept.eq(beats.payload)
            parts.append(Mux(here, beats.payload, kept))
            mask.append(Mux(here, wanted, has.replicate(granules)))
        m.d.comb += [store.payload.data.eq(Cat(parts)), store.payload.mask.eq(Cat(mask))]
        return m
