"""What the adder of a product and a float32 must give for all operands."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.common.aligned_adder import AlignedAdder
from ...formal import Assert, Assume, Cover

__all__ = ["AlignedAdderSpec"]

LEAST = -30
"""Distance of exponents beyond which the addend is no more than a bit below the product."""

ROOM = 34
"""Bits below the product in the exact sum, beside those of the integer less one."""

ENOUGH = 25
"""Bits of a rounded number and one that says which side of a tie: the lowest bit may then stand for all below."""


class AlignedAdderSpec(wiring.Component):
    """The sum is exact; or its lowest bit stands for what isn't 0 below, and there are enough others.

    Parameters
    ----------
    integer_bits
        The adder's.
    """

    def __init__(self, integer_bits: int):
        self.config = (integer_bits,)
        super().__init__(
            {
                "product": In(signed(24 + integer_bits)), "exponent": In(signed(10)),
                "negative": In(1), "addend": In(24), "addend_exponent": In(signed(10)),
            }
        )  # fmt: skip

    def elaborate(self, platform) -> Module:
        """Design, assumptions about its operands, assertions."""
        m = Module()
        m.submodules.dut = dut = AlignedAdder(*self.config)
        span = self.config[0] - 1
        # from here on the product is no more than a bit below the addend
        most, room = 2 * span + 30, span + ROOM
        m.d.comb += [
            dut.i_product.eq(self.product),
            dut.i_exponent.eq(self.exponent),
            dut.i_addend_negative.eq(self.negative),
            dut.i_addend.eq(self.addend),
            dut.i_addend_exponent.eq(self.addend_exponent),
        ]
        size, distance, unit = Signal(25 + span), Signal(signed(11)), Signal(8)
        near = Signal(signed(11))
        exact, whole = Signal(signed(room + most + 26)), Signal(signed(room + most + 26))
        of_product, rest, found = Signal(), Signal(), Signal(30 + span)
        m.d.comb += [
            size.eq(Mux(self.product < 0, -self.product, self.product)),
            distance.eq(self.addend_exponent - self.exponent),
            near.eq(Mux(distance < LEAST, LEAST, Mux(distance > most, most, distance))),
            # a float32 times an integer; a float32, or one that was rounded without a least exponent
            Assume(size < 1 << 24 + span),
            Assume((self.exponent >= 1) & (self.exponent < 255)),
            Assume((size == 0) | (size >= 1 << 23) | ((self.exponent == 1) & (self.addend_exponent >= 1))),
            Assume((self.addend == 0) | self.addend[-1] | (self.addend_exponent == 1)),
            Assume(self.addend_exponent >= -480),
            of_product.eq(dut.o_exponent == self.exponent),
            Assert((dut.o == 0) | of_product | (dut.o_exponent == self.addend_exponent - span)),
            unit.eq(Mux(of_product, room - 4, near + room - 4 - span)),
            exact.eq(
                (self.product << room)
                + (Mux(self.negative, -self.addend, self.addend) << (near + room).as_unsigned()[:7])
            ),
            whole.eq(exact >> unit),
            rest.eq((whole << unit)[: len(exact)] != exact.as_unsigned()),
            found.eq(Mux(dut.o < 0, -dut.o, dut.o)),
            Assert(dut.o == (whole | rest)),
            Assert(~rest | (found >= 1 << ENOUGH)),
            Cover(rest & of_product & self.negative & (dut.o > 0)),
            Cover(rest & ~of_product & (distance == span + 6) & (found < 1 << span + 27)),
        ]
        return m
