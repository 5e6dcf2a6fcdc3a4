"""Brings results from the unified buffer to the host."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for, exact_log2

from ..bus.axi import request_layout
from ..bus.writer import write_beat
from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import GRANULE_BYTES, TpuConfig
from .entry_queue import EntryQueue
from .layouts import transfer_entry, ub_row
from .unified_buffer import ROW_LATENCY

__all__ = ["HostOutUnit"]


class HostOutUnit(wiring.Component):
    """Fetches the rows of the unified buffer that a transfer touches, each once, and gives their beats.

    It fetches what it has room for, so rows are taken whenever they come, and rows of the next entries while beats of
    an entry wait. If fetches and beats are taken at once, it gives a beat a cycle, without gaps between rows and
    entries. An entry's first fetch is offered two cycles after the entry was taken; a row's first beat, four cycles
    after its fetch was taken.

    Attributes
    ----------
    i_entries
        Stream of transfers (`transfer_entry`).
    o_fetch, i_fetch_ready
        A row to read (``valid``, ``row``), and that it is read.
    i_row
        It, `ROW_LATENCY` cycles later.
    o_requests
        Stream of requests (`request_layout`), one for an entry, two cycles after it was taken or later.
    o_beats
        Stream of what to write (`write_beat`); an entry's last beat has strobes for the bytes that it wants.
    o_done
        The last fetch of an entry is taken.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(transfer_entry(config))),
                "o_fetch": Out(data.StructLayout({"valid": 1, "row": ub_row(config)})),
                "i_fetch_ready": In(1),
                "i_row": In(8 * config.row_bytes),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "o_beats": Out(stream.Signature(write_beat(config.bus))),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        entries = EntryQueue(config, "host_out")
        m.submodules.entries = shared(entries)
        connect(m, flipped(self.i_entries), entries.i)
        connect(m, entries.o_requests, flipped(self.o_requests))
        extent = data.StructLayout(
            # Of a row: chunk of its first beat, and granules up to the end of the last.
            {"chunk": range(config.row_chunks), "end": bits_for(config.row_granules)}
        )
        # For a beat a cycle: from a fetch to its row's first beat pass ROW_LATENCY + 2 cycles, in which other rows give
        # theirs, and its room is only free after its last beat.
        rows = 1 + -(-(ROW_LATENCY + 2) // config.row_chunks)
        fifo = Fifo(extent.size + 8 * config.row_bytes, rows)
        m.submodules.fifo = shared(fifo)
        fetched, leaves = Signal(), Signal()
        coming = self._fetch(m, entries, extent, rows, fetched, leaves)
        arrives = fetched
        for cycle in range(ROW_LATENCY):
            later = Signal(name=f"arrives_{cycle}"), Signal.like(coming, name=f"coming_{cycle}")
            m.d.sync += [later[0].eq(arrives), later[1].eq(coming)]
            arrives, coming = later
        m.d.comb += [fifo.i.valid.eq(arrives), fifo.i.payload.eq(Cat(coming, self.i_row))]
        self._give(m, fifo, extent, leaves)
        return m

    def _fetch(self, m: Module, entries: EntryQueue, extent: data.StructLayout, rows: int, fetched, leaves):
        """Go through the rows of the entries; returns the `extent` of the one that is asked for."""
        config, entry, fetch = self.config, entries.o.payload, self.o_fetch
        # The next row and how many granules are left; of the entry in its first row. Later rows begin with chunk 0.
        next_row, next_left, begun = Signal.like(fetch.row), Signal.like(entry.granules), Signal()
        left, credits = Signal.like(entry.granules), Signal(range(rows + 1), init=rows)
        there, last = Signal(extent["end"].shape, name="there"), Signal()
        coming = Signal(extent)
        chunk_bits = exact_log2(config.row_chunks)
        first = coming.chunk * config.bus_granules
        m.d.comb += [
            coming.chunk.eq(Mux(begun, 0, entry.place[:chunk_bits])),
            left.eq(Mux(begun, next_left, entry.granules)),
            there.eq(config.row_granules - first),
            last.eq(left <= there),
            fetch.row.eq(Mux(begun, next_row, entry.place >> chunk_bits)),
            fetch.valid.eq(entries.o.valid & (credits != 0)),
            fetched.eq(fetch.valid & self.i_fetch_ready),
            coming.end.eq(Mux(last, first + left, config.row_granules)),
            entries.o.ready.eq(fetched & last),
            self.o_done.eq(entries.o.ready),
        ]
        m.d.sync += credits.eq(credits - fetched + leaves)
        with m.If(fetched):
            m.d.sync += [begun.eq(~last), next_row.eq(fetch.row + 1), next_left.eq(left - there)]
        return coming

    def _give(self, m: Module, fifo: Fifo, extent: data.StructLayout, leaves) -> None:
        """The beats of the rows in the FIFO."""
        config, beats = self.config, self.o_beats
        size = extent.size
        place, row = data.View(extent, fifo.o.payload[:size]), fifo.o.payload[size:]
        begun, next_chunk, chunk = Signal(), Signal(range(config.row_chunks)), Signal(range(config.row_chunks))
        left, final = Signal.like(place.end), Signal()
        m.d.comb += [
            chunk.eq(Mux(begun, next_chunk, place.chunk)),
            left.eq(place.end - chunk * config.bus_granules),
            final.eq(left <= config.bus_granules),
            beats.valid.eq(fifo.o.valid),
            beats.payload.data.eq(row.word_select(chunk, 8 * config.bus_bytes)),
            beats.payload.strobe.eq(
                Cat((left > granule).replicate(GRANULE_BYTES) for granule in range(config.bus_granules))
            ),
            leaves.eq(fifo.o.valid & beats.ready & final),
            fifo.o.ready.eq(beats.ready & final),
        ]
        with m.If(beats.valid & beats.ready):
            m.d.sync += [begun.eq(~final), next_chunk.eq(chunk + 1)]
