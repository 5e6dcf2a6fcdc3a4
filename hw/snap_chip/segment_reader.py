"""Reads a tensor from memory: the table of lengths, and the segments."""

# Fields of layouts are values of classes that no checker can know.
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for, exact_log2

from ..bus.axi import request_layout
from ..bus.reader import read_beat
from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import SnapChipConfig
from .segment_writer import LENGTH_BITS

__all__ = ["SegmentReader", "tensor_place"]

PITCH_BITS = 16


def tensor_place(config: SnapChipConfig) -> data.StructLayout:
    """Where a tensor lies, in beats.

    ``address``: first segment; ``pitch``: from a segment to the next; ``table``: lengths. ``bands`` and ``tiles``:
    their product is the number of segments, `SnapChipConfig.segments` at most.
    """
    bits = config.bus.beat_address_bits
    return data.StructLayout({"address": bits, "pitch": PITCH_BITS, "table": bits, "bands": 12, "tiles": 12})


class SegmentReader(wiring.Component):
    """Gives the beats of a tensor's segments in order, as a client of a `ReadArbiter`.

    Each request is one burst, and there is room for what it asks. The table is read along with the segments, a beat
    ahead of them. A request a cycle, but for one cycle between segments, and one for a beat of the table. The answer to
    a request comes 3 cycles after it at the earliest. A beat that comes in cycle t is offered in t + 2.

    Attributes
    ----------
    i_start
        Begin to read a tensor; only if idle.
    i_place
        `tensor_place`: it stays until the reader is idle again.
    o_requests
        Stream of requests (`request_layout`).
    i_valid, i_beat
        An answer (`read_beat`); it is always taken.
    o_beats
        Stream of beats.
    o_idle
        All segments were given out.
    room, kinds
        For proofs: beats that there is room for beside all that were asked for; the FIFO of what was asked for: 1 for a
        beat of the table.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        depth = config.bus.fifo_depth
        self.room = Signal(range(depth + 1), init=depth, name="room")
        super().__init__(
            {
                "i_start": In(1),
                "i_place": In(tensor_place(config)),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_valid": In(1),
                "i_beat": In(read_beat(config.bus)),
                "o_beats": Out(stream.Signature(config.data_bits)),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, bus, out, place, room = self.config, self.config.bus, self.o_requests, self.i_place, self.room
        most, lengths = bus.max_burst, config.data_bits // LENGTH_BITS
        self.kinds = kinds = Fifo(1, bus.outstanding)
        fifo = Fifo(config.data_bits, bus.fifo_depth)
        m.submodules.kinds, m.submodules.fifo = shared(kinds), shared(fifo)
        connect(m, fifo.o, flipped(self.o_beats))

        segments = Signal(range(config.segments + 1))
        m.d.comb += segments.eq(place.bands[: len(segments)] * place.tiles[: len(segments)])
        # Segments that are not begun; whose lengths were not asked for.
        unread, unlisted = (Signal.like(segments, name=name) for name in ("unread", "unlisted"))
        table, start, address = (Signal(bus.beat_address_bits, name=name) for name in ("table", "start", "address"))
        left = Signal(LENGTH_BITS)  # beats of the segment
        row, ahead = (Signal(config.data_bits, name=name, reset_less=True) for name in ("row", "ahead"))
        listed, is_ahead, is_asked = Signal(range(lengths + 1)), Signal(), Signal()  # lengths in the row

        free, may, asks_table, asks, beats, to_border, fits = (
            Signal(),
            Signal(),
            Signal(),
            Signal(),
            *(Signal(bits_for(most), name=name) for name in ("beats", "to_border", "fits")),
        )
        m.d.comb += [
            free.eq((~out.valid | out.ready) & kinds.i.ready),
            asks_table.eq(free & (unlisted != 0) & ~is_asked & ~is_ahead),
            to_border.eq(most - address[: exact_log2(most)]),
            fits.eq(Mux(room < to_border, room, to_border)),
            beats.eq(Mux(left < fits, left, fits)),
            asks.eq(free & ~asks_table & (beats != 0)),
            may.eq(asks_table | asks),
            kinds.i.valid.eq(may),
            kinds.i.payload.eq(asks_table),
        ]
        with m.If(~out.valid | out.ready):
            m.d.sync += out.valid.eq(may)
        with m.If(may):
            m.d.sync += [
                out.payload.address.eq(Mux(asks_table, table, address)),
                out.payload.beats.eq(Mux(asks_table, 1, beats)),
            ]
        with m.If(asks_table):
            m.d.sync += [
                table.eq(table + 1),
                unlisted.eq(Mux(unlisted < lengths, 0, unlisted - lengths)),
                is_asked.eq(1),
            ]
        with m.If(asks):
            m.d.sync += [address.eq(address + beats), left.eq(left - beats)]
        with m.If((left == 0) & (unread != 0)):
            with m.If(listed != 0):
                m.d.sync += [
                    left.eq(row[:LENGTH_BITS]),
                    row.eq(row >> LENGTH_BITS),
                    listed.eq(listed - 1),
                    unread.eq(unread - 1),
                    address.eq(start),
                    start.eq(start + place.pitch),
                ]
            with m.Elif(is_ahead):
                m.d.sync += [row.eq(ahead), listed.eq(lengths), is_ahead.eq(0)]
        with m.If(self.i_start):
            m.d.sync += [
                table.eq(place.table),
                start.eq(place.address),
                unread.eq(segments),
                unlisted.eq(segments),
                listed.eq(0),
            ]

        listing, leaves = Signal(), Signal()
        m.d.comb += [
            listing.eq(kinds.o.payload),
            kinds.o.ready.eq(self.i_valid & self.i_beat.last),
            fifo.i.valid.eq(self.i_valid & ~listing),
            fifo.i.payload.eq(self.i_beat.data),
            leaves.eq(self.o_beats.valid & self.o_beats.ready),
            self.o_idle.eq((unread == 0) & (left == 0) & (room == bus.fifo_depth)),
        ]
        with m.If(self.i_valid & listing):
            m.d.sync += [ahead.eq(self.i_beat.data), is_ahead.eq(1), is_asked.eq(0)]
        m.d.sync += room.eq(room - Mux(asks, beats, 0) + leaves)
        return m
