"""One stream for several receivers."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["Broadcast"]


class Broadcast(wiring.Component):
    """Each beat goes to all receivers, each of which has a FIFO of two beats. Latency 1.

    Parameters
    ----------
    width, receivers
        Bits of a beat; number of receivers.

    Attributes
    ----------
    i, o
        Streams.
    """

    def __init__(self, width: int, receivers: int):
        check_int("width", width, 1)
        check_int("receivers", receivers, 1)
        self.config = (width, receivers)
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width)).array(receivers)})

    def elaborate(self, platform) -> Module:
        m = Module()
        width, receivers = self.config
        rooms, taken = Signal(receivers), Signal()
        m.d.comb += [self.i.ready.eq(rooms.all()), taken.eq(self.i.valid & self.i.ready)]
        for number, out in enumerate(self.o):
            waiting = Signal(width, name=f"waiting_{number}", reset_less=True)
            full, free = Signal(name=f"full_{number}"), Signal(name=f"free_{number}")
            m.d.comb += [rooms[number].eq(~full), free.eq(~out.valid | out.ready)]
            with m.If(free):
                m.d.sync += [out.valid.eq(full | taken), out.payload.eq(Mux(full, waiting, self.i.payload)), full.eq(0)]
            with m.Elif(taken):
                m.d.sync += [full.eq(1), waiting.eq(self.i.payload)]
        return m
