"""Bursts that wait for their answers."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..config import check_int
from ..emit.emitter import UNINITIALISED
from .splitter import burst_layout

__all__ = ["OutstandingBursts"]


class OutstandingBursts(wiring.Component):
    """A queue of bursts with several readers, each of which goes through all of them; the last one frees their places.

    Parameters
    ----------
    address_bits, max_burst
        Of the bursts.
    depth
        Bursts that the queue holds.
    readers
        How many go through it, in the order of the list: none may overtake the one before it.

    Attributes
    ----------
    i_push, i_burst
        Put a burst at the end; only with ``o_room``.
    o_room
        There is room for one.
    i_next
        By reader: go on to the next burst; only with ``o_valid``.
    o_valid, o_burst
        By reader: there is a burst, from the cycle after it was put there on, and which.
    waiting
        For proofs: by reader, how many are before it.
    """

    def __init__(self, address_bits: int, max_burst: int, depth: int, readers: int):
        check_int("depth", depth, 1)
        check_int("readers", readers, 1)
        self.config = (address_bits, max_burst, depth, readers)
        layout = burst_layout(address_bits, max_burst)
        self.waiting = [Signal(range(depth + 1), name=f"waiting_{reader}") for reader in range(readers)]
        super().__init__(
            {
                "i_push": In(1),
                "i_burst": In(layout),
                "o_room": Out(1),
                "i_next": In(1).array(readers),
                "o_valid": Out(1).array(readers),
                "o_burst": Out(layout).array(readers),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        depth = self.config[2]
        layout: data.StructLayout = self.i_burst.shape()
        m.submodules.bursts = memory = Memory(shape=layout, depth=depth, init=[], attrs={UNINITIALISED: "1"})

        def row(name: str, moves) -> Signal:
            place = Signal(range(depth), name=name)
            with m.If(moves):
                m.d.sync += place.eq(Mux(place == depth - 1, 0, place + 1))
            return place

        write = memory.write_port()
        m.d.comb += [write.en.eq(self.i_push), write.addr.eq(row("put", self.i_push)), write.data.eq(self.i_burst)]
        for reader, waiting in enumerate(self.waiting):
            port = memory.read_port(domain="comb")
            m.d.comb += [
                port.addr.eq(row(f"row_{reader}", self.i_next[reader])),
                self.o_burst[reader].eq(port.data),
                self.o_valid[reader].eq(waiting != 0),
            ]
            m.d.sync += waiting.eq(waiting + self.i_push - self.i_next[reader])
        m.d.comb += self.o_room.eq(self.waiting[-1] != depth)
        return m
