"""Writes a layer's output: its segments, and the table of their lengths."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for, exact_log2

from ..bus.axi import Axi4WriteSignature, bus_error
from ..bus.writer import Writer
from ..emit.shared import shared
from .config import SnapChipConfig
from .layer import layer_fields

__all__ = ["LENGTH_BITS", "SegmentWriter", "segment_beat"]

LENGTH_BITS = 32
"""Width of a segment's length in the table."""


def segment_beat(config: SnapChipConfig) -> data.StructLayout:
    """A beat of a segment; ``last``: its last one."""
    return data.StructLayout({"data": config.data_bits, "last": 1})


class SegmentWriter(wiring.Component):
    """Writes segments as they come, and a beat of the table whenever the lengths for one are known.

    Each request is one burst, which ends where a burst has to end, or with its segment. Beats are taken as fast as the
    writer takes them, but for two cycles at each segment's end and one more for a beat of the table.

    Attributes
    ----------
    i_start
        A layer begins; only when the one before is done.
    i_layer
        Of the command.
    i_beats
        Stream of `segment_beat`: segments by region, stored tile.
    o_done
        For a cycle: all segments and the table are in memory, as far as it answered without an error.
    o_idle, o_error, i_clear, m_axi
        As those of a `Writer`.
    """

    fields = ("out_address", "out_pitch", "out_table", "out_tiles", "regions")

    def __init__(self, config: SnapChipConfig):
        self.config = config
        bus = config.bus
        widths = {name: getattr(bus, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields)),
                "i_beats": In(stream.Signature(segment_beat(config))),
                "o_done": Out(1),
                "o_idle": Out(1),
                "o_error": Out(bus_error(bus)),
                "i_clear": In(1),
                "m_axi": Out(Axi4WriteSignature(**widths)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, bus, beats = self.config, self.i_layer, self.config.bus, self.i_beats
        most, lengths = bus.max_burst, config.data_bits // LENGTH_BITS
        writer = Writer(bus)
        m.submodules.writer = shared(writer)
        connect(m, writer.m_axi, flipped(self.m_axi))
        requests = writer.i_requests
        m.d.comb += [
            self.o_error.eq(writer.o_error),
            writer.i_clear.eq(self.i_clear),
            self.o_idle.eq(writer.o_idle & ~requests.valid),
        ]

        start, address, table = (
            Signal(bus.beat_address_bits, name=name) for name in ("start", "address", "table_address")
        )
        count, length = Signal(bits_for(most)), Signal(LENGTH_BITS)  # beats of the request, of the segment
        listed, row = Signal(range(lengths + 1)), Signal(config.data_bits, reset_less=True)
        tile, region = Signal.like(layer.out_tiles), Signal.like(layer.regions)
        last_tile, last_region, ends, taken, free = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            last_tile.eq(tile + 1 == layer.out_tiles),
            last_region.eq(region + 1 == layer.regions),
            free.eq(~requests.valid | requests.ready),
            ends.eq(beats.payload.last | (Cat(address + count + 1)[: exact_log2(most)] == 0)),
            taken.eq(beats.valid & beats.ready),
        ]
        with m.If(free):
            m.d.sync += requests.valid.eq(0)

        def ask(first, amount) -> None:
            m.d.sync += [requests.valid.eq(1), requests.payload.address.eq(first), requests.payload.beats.eq(amount)]

        with m.FSM():
            with m.State("idle"):
                with m.If(self.i_start):
                    m.d.sync += [
                        start.eq(layer.out_address),
                        address.eq(layer.out_address),
                        table.eq(layer.out_table),
                        tile.eq(0),
                        region.eq(0),
                        listed.eq(0),
                    ]
                    m.next = "segment"
            with m.State("segment"):
                m.d.comb += [
                    writer.i_beats.valid.eq(beats.valid & (free | ~ends)),
                    writer.i_beats.payload.data.eq(beats.payload.data),
                    beats.ready.eq(writer.i_beats.ready & (free | ~ends)),
                ]
                with m.If(taken):
                    m.d.sync += [count.eq(Mux(ends, 0, count + 1)), length.eq(length + 1)]
                    with m.If(ends):
                        ask(address, count + 1)
                        m.d.sync += address.eq(address + count + 1)
                    with m.If(beats.payload.last):
                        m.next = "list"
            with m.State("list"):
                # Each length comes in at the top; those of the last row go on down until the first is at the bottom.
                following = (start + layer.out_pitch)[: len(start)]
                m.d.sync += [
                    row.eq(Cat(row, length)[LENGTH_BITS:]),
                    listed.eq(listed + 1),
                    length.eq(0),
                    start.eq(following),
                    address.eq(following),
                    tile.eq(Mux(last_tile, 0, tile + 1)),
                    region.eq(region + last_tile),
                ]
                m.next = "segment"
                with m.If(last_tile & last_region):
                    m.next = "fill"
                with m.If(listed == lengths - 1):
                    m.next = "table"
            with m.State("fill"):
                m.d.sync += [row.eq(row >> LENGTH_BITS), listed.eq(listed + 1)]
                with m.If(listed == lengths - 1):
                    m.next = "table"
            with m.State("table"):
                m.d.comb += [writer.i_beats.valid.eq(free), writer.i_beats.payload.data.eq(row)]
                with m.If(free & writer.i_beats.ready):
                    ask(table, 1)
                    m.d.sync += [table.eq(table + 1), listed.eq(0)]
                    m.next = "segment"
                    with m.If((tile == 0) & (region == layer.regions)):
                        m.next = "answers"
            with m.State("answers"):
                m.d.comb += self.o_done.eq(self.o_idle)
                with m.If(self.o_idle):
                    m.next = "idle"
        return m
