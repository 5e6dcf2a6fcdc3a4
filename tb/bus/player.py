"""A design for tests: a memory port that does what a stream says, cycle by cycle, right or wrong."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...hw.bus.axi import Axi4Signature
from ...hw.bus.config import PortConfig

__all__ = ["Player"]


class Player(wiring.Component):
    """Shows a beat of the stream on the port in the cycle in which the beat is offered; all is 0 without a beat.

    Attributes
    ----------
    i_play
        Stream of values of the port's outputs.
    o_data
        What is on the port's RDATA, valid or not.
    o_read_id, o_write_id
        IDs of the last answers that were taken.
    m_axi
        Memory port.
    """

    def __init__(self, config: PortConfig):
        self.config = config
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        port = Axi4Signature(**widths)
        outputs = {name: member.shape for name, member in port.members.items() if member.flow is Out}
        super().__init__(
            {
                "i_play": In(stream.Signature(data.StructLayout(outputs))),
                "o_data": Out(config.data_bits),
                "o_read_id": Out(config.id_bits),
                "o_write_id": Out(config.id_bits),
                "m_axi": Out(port),
            }
        )

    def elaborate(self, platform) -> Module:
        """Wires, and two registers."""
        m = Module()
        m.d.comb += [self.i_play.ready.eq(1), self.o_data.eq(self.m_axi.rdata)]
        with m.If(self.i_play.valid):
            for name in self.i_play.payload.shape().members:
                m.d.comb += getattr(self.m_axi, name).eq(self.i_play.payload[name])
        for channel, identity in (("r", self.o_read_id), ("b", self.o_write_id)):
            valid, ready, its = (getattr(self.m_axi, channel + name) for name in ("valid", "ready", "id"))
            with m.If(valid & ready):
                m.d.sync += identity.eq(its)
        return m
