"""What the rounding to bytes must give for every number."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.common.byte_rounder import ByteRounder
from ...formal import Assert, Assume, Cover

__all__ = ["ByteRounderSpec"]

POINT = 25
"""Bits behind the point when the number of places is 0."""


class ByteRounderSpec(wiring.Component):
    """Both roundings one after the other, at full width."""

    def __init__(self):
        byte = signed(9)
        super().__init__(
            {
                "negative": In(1), "kept": In(24), "up": In(1), "places": In(4),
                "zero_point": In(byte), "low": In(byte), "high": In(byte),
            }
        )  # fmt: skip

    def elaborate(self, platform) -> Module:
        """Design, assumptions about its operands, assertions."""
        m = Module()
        m.submodules.dut = dut = ByteRounder()
        m.d.comb += [
            dut.i_negative.eq(self.negative),
            dut.i_kept.eq(self.kept),
            dut.i_up.eq(self.up),
            dut.i_places.eq(self.places),
            dut.i_zero_point.eq(self.zero_point),
            dut.i_low.eq(self.low),
            dut.i_high.eq(self.high),
        ]
        added, number = Signal(25), Signal(25 + 11)
        integer, behind = number[POINT:], number[:POINT]
        half = 1 << POINT - 1
        nearest, total = Signal(signed(13)), Signal(signed(15))
        is_signed = self.low < 0
        m.d.comb += [
            added.eq(self.kept + self.up),
            # what the normalizer gives: the first digit on top, or 0
            Assume(((added == 0) & ~self.up) | (added >= 1 << 23)),
            Assume(self.places <= 11),
            Assume((self.low <= self.zero_point) & (self.zero_point <= self.high)),
            Assume((self.low >= -128) & (~is_signed | (self.high <= 127))),
            number.eq(added << self.places),
            nearest.eq(integer + ((behind > half) | ((behind == half) & integer[0]))),
            total.eq(Mux(self.negative, -nearest, nearest) + self.zero_point),
            Assert(dut.o == Mux(total < self.low, self.low, Mux(total > self.high, self.high, total))),
            Cover((behind == half) & integer[0] & self.up & (dut.o == 7) & (self.zero_point == 1)),
        ]
        return m
