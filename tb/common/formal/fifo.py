"""What a FIFO must give whoever stalls."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from ....hw.common.fifo import Fifo
from ...formal import Assert, Assume, Cover

__all__ = ["FifoSpec"]


class FifoSpec(wiring.Component):
    """Beats that are numbered come out by their numbers; what is in the FIFO is counted.

    Parameters
    ----------
    width, depth
        The FIFO's.
    """

    def __init__(self, width: int, depth: int):
        self.config = (width, depth)
        super().__init__({"i": In(stream.Signature(width)), "ready": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, numbers, assertions."""
        m = Module()
        m.submodules.dut = dut = Fifo(*self.config)
        connect(m, flipped(self.i), dut.i)
        put, got = Signal(self.config[0]), Signal(self.config[0])
        m.d.sync += [put.eq(put + (dut.i.valid & dut.i.ready)), got.eq(got + (dut.o.valid & dut.o.ready))]
        m.d.comb += [
            dut.o.ready.eq(self.ready),
            Assume(self.i.payload == put),
            Assert(~dut.o.valid | (dut.o.payload == got)),
            Assert((put - got)[: len(put)] == dut.level + dut.fresh + dut.held),
            Assert(dut.i.ready | (dut.level == self.config[1])),
            Cover(~dut.i.ready & dut.o.valid & (got != 0)),
        ]
        return m
