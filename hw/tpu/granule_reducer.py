"""Bytes of one granule from tap to tap: the greatest, the sum, or the first two."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import GRANULE_BYTES

__all__ = ["KEPT_BITS", "GranuleReducer"]

KEPT_BITS = 18
"""Of the sum of 31 x 31 bytes, signed or not."""


class GranuleReducer(wiring.Component):
    """Four bytes side by side; what is taken in one cycle is seen in the next.

    Attributes
    ----------
    i_take
        Take the bytes.
    i_input
        Take those of ``i_bytes``, else `i_pad`.
    i_begin
        They are the first.
    i_bytes, i_pad
        The bytes.
    i_signed, i_greatest, i_pair
        Bytes are signed; keep the greatest, or the first byte and above it the last one, instead of the sum.
    i_low, i_high
        Limits of the greatest, bytes.
    o_kept
        By byte, `KEPT_BITS` of its sum or pair.
    o_greatest
        The bytes that are the greatest, within the limits.
    """

    def __init__(self):
        self.config = ()
        bits = 8 * GRANULE_BYTES
        super().__init__(
            {
                **{f"i_{name}": In(1) for name in ("take", "input", "begin", "signed", "greatest", "pair")},
                "i_bytes": In(bits),
                **{f"i_{name}": In(8) for name in ("pad", "low", "high")},
                "o_kept": Out(KEPT_BITS * GRANULE_BYTES),
                "o_greatest": Out(bits),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        flip = Cat(Const(0, 7), self.i_signed)  # makes the order of signed bytes that of unsigned ones
        for number in range(GRANULE_BYTES):
            byte, before = Signal(8, name=f"byte_{number}"), Signal(8, name=f"before_{number}")
            wide, kept = Signal(KEPT_BITS, name=f"wide_{number}"), Signal(KEPT_BITS, name=f"kept_{number}")
            greater = Signal(8, name=f"greater_{number}")
            m.d.comb += [
                byte.eq(Mux(self.i_input, self.i_bytes.word_select(number, 8), self.i_pad)),
                before.eq(Mux(self.i_begin, self.i_low, kept[:8])),
                greater.eq(Mux((byte ^ flip) > (before ^ flip), byte, before)),
                wide.eq(Cat(byte, (byte[-1] & self.i_signed).replicate(KEPT_BITS - 8))),
                self.o_kept.word_select(number, KEPT_BITS).eq(kept),
                self.o_greatest.word_select(number, 8).eq(
                    Mux((kept[:8] ^ flip) > (self.i_high ^ flip), self.i_high, kept[:8])
                ),
            ]
            with m.If(self.i_take):
                with m.If(self.i_greatest):
                    m.d.sync += kept.eq(greater)
                with m.Elif(self.i_begin):
                    m.d.sync += kept.eq(wide)
                with m.Elif(self.i_pair):
                    m.d.sync += kept.eq(Cat(kept[:8], byte))
                with m.Else():
                    m.d.sync += kept.eq(kept + wide)
        return m
