"""One stream for several receivers."""

import itertools

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["Broadcast"]


class Broadcast(wiring.Component):
    """Each beat goes to all receivers, each of which has a FIFO of its own. Latency 1.

    Parameters
    ----------
    width, receivers
        Bits of a beat; number of receivers.
    waiting
        Beats that wait for a receiver behind the one that it is offered.

    Attributes
    ----------
    i, o
        Streams.
    """

    def __init__(self, width: int, receivers: int, waiting: int = 1):
        check_int("width", width, 1)
        check_int("receivers", receivers, 1)
        check_int("waiting", waiting, 1)
        self.config = (width, receivers, waiting)
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width)).array(receivers)})

    def elaborate(self, platform) -> Module:
        m = Module()
        width, receivers, waiting = self.config
        rooms, taken = Signal(receivers), Signal()
        m.d.comb += [self.i.ready.eq(rooms.all()), taken.eq(self.i.valid & self.i.ready)]
        for number, out in enumerate(self.o):
            beats = [Signal(width, name=f"beat_{number}_{place}", reset_less=True) for place in range(waiting)]
            count, free = Signal(range(waiting + 1), name=f"count_{number}"), Signal(name=f"free_{number}")
            m.d.comb += [rooms[number].eq(count != waiting), free.eq(~out.valid | out.ready)]
            with m.If(free):
                m.d.sync += [
                    out.valid.eq((count != 0) | taken),
                    out.payload.eq(Mux(count != 0, beats[0], self.i.payload)),
                    count.eq(Mux(count != 0, count - 1 + taken, 0)),
                ]
                for beat, behind in itertools.pairwise(beats):
                    m.d.sync += beat.eq(behind)
            with m.Elif(taken):
                m.d.sync += count.eq(count + 1)
            # Where the new beat waits, if it does.
            last = Signal(range(waiting + 1), name=f"last_{number}")
            m.d.comb += last.eq(Mux(free, count - 1, count))
            for place, beat in enumerate(beats):
                with m.If(taken & (last == place) & (~free | (count != 0))):
                    m.d.sync += beat.eq(self.i.payload)
        return m
