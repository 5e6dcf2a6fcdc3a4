"""What a float32 rounded to a byte must be."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.common.round_to_byte import RoundToByte
from ...formal import Assert, Assume, Cover

__all__ = ["RoundToByteSpec"]

POINT = 26
"""Bits behind the point."""

MOST = 12
"""Digits before the point up to which numbers are told apart."""


class RoundToByteSpec(wiring.Component):
    """The number of the cycle before with its point at a fixed place, rounded and clipped."""

    def __init__(self):
        super().__init__({"value": In(32), "low": In(signed(9)), "high": In(signed(9))})

    def elaborate(self, platform) -> Module:
        """Design, assumptions about its operands, assertions."""
        m = Module()
        m.submodules.dut = dut = RoundToByte()
        exponent, places, number = Signal(8), Signal(4), Signal(POINT + MOST)
        integer, behind, half = number[POINT:], number[:POINT], 1 << POINT - 1
        nearest, wanted, before = Signal(MOST + 1), Signal(signed(MOST + 2)), Signal(signed(9))
        started = Signal()
        m.d.comb += [
            dut.i_value.eq(self.value),
            dut.i_low.eq(self.low),
            dut.i_high.eq(self.high),
            Assume(self.low <= self.high),
            exponent.eq(self.value[23:31]),
            # what is below an eighth, 0 too, is as good as an eighth
            places.eq(Mux(exponent < 124, 0, Mux(exponent > 124 + MOST + 2, MOST + 2, exponent - 124))),
            number.eq(Cat(self.value[:23], Const(1, 1)) << places),
            nearest.eq(integer + ((behind > half) | ((behind == half) & integer[0]))),
            wanted.eq(Mux(self.value[31], -nearest, nearest)),
            Assert(~started | (dut.o == before)),
            Cover(started & (behind == half) & integer[0] & (dut.o == -56) & (before == -56)),
        ]
        m.d.sync += [
            started.eq(1),
            before.eq(Mux(wanted < self.low, self.low, Mux(wanted > self.high, self.high, wanted))),
        ]
        return m
