"""Makes whole weight tiles of what lies in weight memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..emit.shared import shared
from ..systolic.layouts import weight_row
from .config import TpuConfig
from .entry_queue import EntryQueue
from .layouts import weights_entry

__all__ = ["WeightUnit"]


class WeightUnit(wiring.Component):
    """Collects beats to rows of weights; columns and rows that an entry's tiles lack are 0.

    A beat a cycle while there are beats: the last one of a row goes out with the row, in the cycle in which it comes.
    A row of zeros a cycle. There are no cycles between rows, tiles and entries.

    Attributes
    ----------
    i_entries
        Stream of what to read (`weights_entry`).
    o_requests
        Stream of requests (`request_layout`), one for an entry, two cycles after it was taken or later.
    i_beats
        Stream of beats, those of all requests in order.
    o_rows
        Stream of rows (`weight_row`), ``matrix.rows`` for a tile.
    o_done
        The last row of an entry is taken.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(weights_entry(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_beats": In(stream.Signature(8 * config.bus_bytes)),
                "o_rows": Out(stream.Signature(weight_row(config.matrix))),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beats, rows = self.config, self.i_beats, self.o_rows
        entries = EntryQueue(config, "weights")
        m.submodules.entries = shared(entries)
        connect(m, flipped(self.i_entries), entries.i)
        connect(m, entries.o_requests, flipped(self.o_requests))
        entry = entries.o.payload
        tile, row, chunk = Signal.like(entry.tiles), Signal(range(config.matrix.rows)), Signal(range(config.row_chunks))
        stored, final, goes, last = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            stored.eq(row < entry.rows),  # the row lies in memory
            final.eq(chunk == entry.chunks - 1),  # with the next beat it is whole
            rows.valid.eq(entries.o.valid & Mux(stored, beats.valid & final, 1)),
            beats.ready.eq(entries.o.valid & stored & (~final | rows.ready)),
            goes.eq(rows.valid & rows.ready),
            last.eq((row == config.matrix.rows - 1) & (tile == entry.tiles - 1)),
            entries.o.ready.eq(goes & last),
            self.o_done.eq(entries.o.ready),
        ]
        with m.If(goes):
            m.d.sync += [chunk.eq(0), row.eq(row + 1)]
            with m.If(row == config.matrix.rows - 1):
                m.d.sync += tile.eq(Mux(last, 0, tile + 1))
        with m.Elif(beats.valid & beats.ready):
            m.d.sync += chunk.eq(chunk + 1)

        # What a row has before its last chunk waits here.
        parts = []
        for number in range(config.row_chunks):
            part = beats.payload
            if number < config.row_chunks - 1:
                kept = Signal(8 * config.bus_bytes, name=f"kept_{number}", reset_less=True)
                with m.If(beats.valid & (chunk == number)):
                    m.d.sync += kept.eq(beats.payload)
                part = Mux(number == entry.chunks - 1, part, kept)
            parts.append(Mux(stored & (number < entry.chunks), part, 0))
        m.d.comb += rows.payload.eq(Cat(parts))
        return m
