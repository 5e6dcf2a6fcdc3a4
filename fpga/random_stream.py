"""A stream of reproducible random bits."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..sim.golden.xorshift import LANE_BITS, SHIFTS, lane_seeds

__all__ = ["RandomStream"]


class RandomStream(wiring.Component):
    """Sends the same random beats after each start (model: `sim.golden.xorshift.xorshift_words`).

    Parameters
    ----------
    width, beats, seed
        Bits of a beat, beats after each start, and what they are made from.
    fault_bit
        Bit of the first beat that a fault turns over.

    Attributes
    ----------
    i_start, i_fault
        Start, from the next cycle on, with or without a fault. Only when all beats of the start before were taken.
    o
        The beats.
    """

    def __init__(self, *, width: int, beats: int, seed: int, fault_bit: int = 0):
        self._width, self._beats, self._seed, self._fault_bit = width, beats, seed, fault_bit
        super().__init__({"i_start": In(1), "i_fault": In(1), "o": Out(stream.Signature(width))})

    def elaborate(self, platform) -> Module:
        m = Module()
        left, fault = Signal(range(self._beats + 1)), Signal()
        states = []
        taken = Signal()
        m.d.comb += taken.eq(self.o.valid & self.o.ready)
        for lane, seed in enumerate(lane_seeds(self._width, self._seed)):
            state = Signal(LANE_BITS, name=f"state_{lane}", init=seed)
            following = state
            for number, shift in enumerate(SHIFTS):
                mixed = Signal(LANE_BITS, name=f"mixed_{lane}_{number}")
                m.d.comb += mixed.eq(following ^ (following << shift if shift > 0 else following >> -shift))
                following = mixed
            with m.If(self.i_start | taken):
                m.d.sync += state.eq(Mux(self.i_start, seed, following))
            states.append(state)
        with m.If(self.i_start):
            m.d.sync += [left.eq(self._beats), fault.eq(self.i_fault)]
        with m.Elif(taken):
            m.d.sync += [left.eq(left - 1), fault.eq(0)]
        m.d.comb += [
            self.o.valid.eq(left != 0),
            self.o.payload.eq(Cat(states)[: self._width] ^ (fault << self._fault_bit)),
        ]
        return m
