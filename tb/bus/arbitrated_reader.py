"""A design for tests: a reader with several clients."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...hw.bus.axi import Axi4ReadSignature, request_layout
from ...hw.bus.config import PortConfig
from ...hw.bus.read_arbiter import ReadArbiter
from ...hw.bus.reader import Reader, read_beat
from ...hw.emit.shared import shared

__all__ = ["ArbitratedReader"]


class ArbitratedReader(wiring.Component):
    """Arbiter and reader, with the arbiter's ports to clients.

    Attributes
    ----------
    i_requests, o_valid, o_beat
        See `ReadArbiter`.
    o_idle, m_axi
        See `Reader`.
    """

    def __init__(self, config: PortConfig, clients: int):
        self.config = (config, clients)
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "i_requests": In(stream.Signature(request_layout(config))).array(clients),
                "o_valid": Out(clients),
                "o_beat": Out(read_beat(config)),
                "o_idle": Out(1),
                "m_axi": Out(Axi4ReadSignature(**widths)),
            }
        )

    def elaborate(self, platform) -> Module:
        """Arbiter, reader and wires."""
        m = Module()
        arbiter, reader = ReadArbiter(*self.config), Reader(self.config[0])
        m.submodules.arbiter, m.submodules.reader = shared(arbiter), shared(reader)
        for outside, inside in zip(self.i_requests, arbiter.i_requests, strict=True):
            connect(m, flipped(outside), inside)
        connect(m, arbiter.o_requests, reader.i_requests)
        connect(m, reader.o_beats, arbiter.i_beats)
        connect(m, reader.m_axi, flipped(self.m_axi))
        m.d.comb += [
            self.o_valid.eq(arbiter.o_valid),
            self.o_beat.eq(arbiter.o_beat),
            self.o_idle.eq(reader.o_idle),
        ]
        return m
