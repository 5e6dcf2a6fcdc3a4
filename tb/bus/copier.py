"""A design for tests: copies from one place of memory to another, through a reader and a writer on one port."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...hw.bus.axi import Axi4Signature, bus_error, channels, request_layout
from ...hw.bus.config import PortConfig
from ...hw.bus.reader import Reader
from ...hw.bus.writer import Writer
from ...hw.emit.shared import shared

__all__ = ["Copier"]


class Copier(wiring.Component):
    """What is read is written; requests of both sides come from outside.

    Attributes
    ----------
    i_reads, i_writes
        Streams of requests (`request_layout`).
    o_done, o_read_error, o_write_error, i_clear
        Of reader and writer.
    m_axi
        Memory port.
    """

    def __init__(self, config: PortConfig):
        self.config = config
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        requests = stream.Signature(request_layout(config))
        super().__init__(
            {
                "i_reads": In(requests),
                "i_writes": In(requests),
                "o_done": Out(1),
                "o_read_error": Out(bus_error(config)),
                "o_write_error": Out(bus_error(config)),
                "i_clear": In(1),
                "m_axi": Out(Axi4Signature(**widths)),
            }
        )

    def elaborate(self, platform) -> Module:
        """Reader, writer and wires."""
        m = Module()
        reader, writer = Reader(self.config), Writer(self.config)
        m.submodules.reader, m.submodules.writer = shared(reader), shared(writer)
        for part, requests in ((reader, self.i_reads), (writer, self.i_writes)):
            connect(m, flipped(requests), part.i_requests)
            connect(m, part.m_axi, flipped(channels(self.m_axi, part.m_axi.signature)))
            m.d.comb += part.i_clear.eq(self.i_clear)
        beat = writer.i_beats.payload
        m.d.comb += [
            beat.data.eq(reader.o_beats.payload.data),
            writer.i_beats.valid.eq(reader.o_beats.valid),
            reader.o_beats.ready.eq(writer.i_beats.ready),
            self.o_done.eq(writer.o_done),
            self.o_read_error.eq(reader.o_error),
            self.o_write_error.eq(writer.o_error),
        ]
        if self.config.strobes:
            m.d.comb += beat.strobe.eq(-1)
        return m
