"""A register in both directions of a stream."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamRegister"]


class StreamRegister(wiring.Component):
    """Two places, so that neither ``ready`` nor payload pass through in a cycle. Latency 1, a beat a cycle.

    Parameters
    ----------
    width
        Bits of the payload.
    """

    def __init__(self, width: int):
        self.config = width
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform) -> Module:
        m = Module()
        kept, full = Signal(self.config, reset_less=True), Signal()
        payload, valid = Signal(self.config, reset_less=True), Signal()
        m.d.comb += [self.i.ready.eq(~full), self.o.payload.eq(payload), self.o.valid.eq(valid)]
        with m.If(~valid | self.o.ready):
            m.d.sync += [valid.eq(self.i.valid | full), payload.eq(Mux(full, kept, self.i.payload)), full.eq(0)]
        with m.Elif(~full):
            m.d.sync += [kept.eq(self.i.payload), full.eq(self.i.valid)]
        return m
