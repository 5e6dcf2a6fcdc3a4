"""Signature of an output stream."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..sim.golden.signature import SEED, SIGNATURE_BITS, TAPS, fold_rotation

__all__ = ["Signature"]


class Signature(wiring.Component):
    """A multiple-input signature register over the beats of a stream (model: `sim.golden.signature.signature`).

    A beat counts two cycles after it was taken.

    Parameters
    ----------
    width
        Bits of the payload.
    count_bits
        Width of the counter of beats, which stops at its end.

    Attributes
    ----------
    i_payload, i_take
        A beat, and whether one is taken in this cycle.
    i_clear
        Start anew; not while beats come.
    o_state, o_beats
        Signature and number of the beats so far.
    """

    def __init__(self, width: int, count_bits: int):
        self.config = (width, count_bits)
        super().__init__(
            {
                "i_payload": In(width),
                "i_take": In(1),
                "i_clear": In(1),
                "o_state": Out(SIGNATURE_BITS, init=SEED),  # pyrefly: ignore[unexpected-keyword]  # the stubs call it reset
                "o_beats": Out(count_bits),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width, _ = self.config
        payload, take = Signal(width, reset_less=True), Signal()
        folded, took = Signal(SIGNATURE_BITS, reset_less=True), Signal()
        m.d.sync += [payload.eq(self.i_payload), take.eq(self.i_take), took.eq(take)]
        terms = []
        for word, start in enumerate(range(0, width, SIGNATURE_BITS)):
            term = Signal(SIGNATURE_BITS, name=f"word_{word}")
            m.d.comb += term.eq(payload[start : start + SIGNATURE_BITS])
            terms.append(term.rotate_left(fold_rotation(word)))
        while len(terms) > 1:  # a balanced tree
            terms = [left ^ right for left, right in zip(terms[::2], [*terms[1::2], 0], strict=False)]
        m.d.sync += folded.eq(terms[0])
        state = self.o_state
        with m.If(self.i_clear):
            m.d.sync += [state.eq(SEED), self.o_beats.eq(0)]
        with m.Elif(took):
            m.d.sync += state.eq(Cat(state[1:], 0)[:SIGNATURE_BITS] ^ Mux(state[0], TAPS, 0) ^ folded)
            with m.If(~self.o_beats.all()):
                m.d.sync += self.o_beats.eq(self.o_beats + 1)
        return m
