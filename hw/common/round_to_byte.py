"""A float32 becomes a byte."""

from amaranth.hdl import Cat, Const, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .byte_rounder import ByteRounder, byte_places
from .delay import registered

__all__ = ["RoundToByte"]

NO_PLACES = 125
"""The exponent of numbers from a quarter to a half."""


class RoundToByte(wiring.Component):
    """``clip(round(value), low, high)``: to the nearest integer, half to even; a value a cycle, `LATENCY` cycles later.

    Large numbers saturate, infinite ones too.

    Attributes
    ----------
    i_value
        Bits of a float32, which isn't NaN.
    i_low, i_high
        Ends of the results for the value of the same cycle; ``i_low`` must not be above ``i_high``.
    o
        Signed number of 9 bits. What comes out in the first cycle is undefined.
    """

    LATENCY = 1

    def __init__(self):
        self.config = ()
        byte = signed(9)
        super().__init__({"i_value": In(32), "i_low": In(byte), "i_high": In(byte), "o": Out(byte)})

    def elaborate(self, platform) -> Module:
        m = Module()
        rounder = ByteRounder()
        m.submodules.rounder = shared(rounder)
        fraction, exponent, negative = self.i_value[:23], self.i_value[23:31], self.i_value[31]
        m.d.comb += [
            rounder.i_negative.eq(negative),
            rounder.i_kept.eq(Cat(fraction, Const(1, 1))),  # 0, which has no first bit, becomes 0 all the same
            rounder.i_places.eq(byte_places(m, "places", exponent - NO_PLACES)),
            rounder.i_low.eq(self.i_low),
            rounder.i_high.eq(self.i_high),
            self.o.eq(registered(m, True, "rounded", rounder.o, reset_less=True)),
        ]
        return m
