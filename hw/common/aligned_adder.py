"""Sum of a product and a float32, exact as far as rounding it once to float32 can tell."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from .normalizer import FLOAT32_BITS

__all__ = ["EXPONENT_BITS", "AlignedAdder", "mantissa_and_exponent"]

EXPONENT_BITS = 10
"""Of exponents as float32 has them (a mantissa of 24 bits counts ``2**(exponent - 150)``), but signed."""

BELOW = 4
"""Bits below the product's last one; the lowest of them says that there is something below it."""


class AlignedAdder(wiring.Component):
    """``o * 2**(o_exponent - 154)`` is ``i_product * 2**(i_exponent - 150) + addend``, less bits too small to matter.

    No registers. The operand that reaches less far up is shifted down to the other, and what leaves the sum's bits
    below is gathered in the lowest of them. That suffices for a single rounding to 24 bits: either nothing leaves, or
    the operands are so far apart that no more than a place is lost on top.

    Parameters
    ----------
    integer_bits
        Of the signed integer in the product.

    Attributes
    ----------
    i_product, i_exponent
        A mantissa times the integer, and the mantissa's exponent. Only the exponent 1 may have a mantissa without its
        first bit.
    i_addend_negative, i_addend, i_addend_exponent
        Sign, mantissa and exponent. The first bit of the mantissa is 0 only if the number is 0, or the exponent 1.
    o, o_exponent
        The sum. If it is 0, the exponent means nothing.
    """

    def __init__(self, integer_bits: int):
        check_int("integer_bits", integer_bits, 2)
        self.config = (integer_bits,)
        product_bits = FLOAT32_BITS + integer_bits
        self._sum_bits = product_bits + BELOW + 1
        super().__init__(
            {
                "i_product": In(signed(product_bits)),
                "i_exponent": In(signed(EXPONENT_BITS)),
                "i_addend_negative": In(1),
                "i_addend": In(FLOAT32_BITS),
                "i_addend_exponent": In(signed(EXPONENT_BITS)),
                "o": Out(signed(self._sum_bits)),
                "o_exponent": Out(signed(EXPONENT_BITS)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # The product may begin so many places further up than the addend when both end at the same.
        span = self.config[0] - 1
        # From 0 on the addend is on top, `distance` + 1 places above; else the product, by ~`distance`.
        distance, on_top = Signal(signed(EXPONENT_BITS + 1), name="distance"), Signal(name="on_top")
        product_is_zero = Signal(name="product_is_zero")
        m.d.comb += [
            distance.eq(self.i_addend_exponent - self.i_exponent - span - 1),
            product_is_zero.eq(self.i_product == 0),
            # The exponent of a zero must not decide.
            on_top.eq(product_is_zero | (self.i_addend[-1] & ~distance[-1])),
        ]
        bits = self._sum_bits - 1
        product, addend = Signal(signed(bits), name="product"), Signal(signed(bits), name="addend")
        shifted = self._shift_down(m, Mux(on_top, product >> 1, addend), distance)
        mask = Signal(signed(1), name="mask")  # inverts the addend; the one that is missing then comes in as a carry
        m.d.comb += [
            product.eq(self.i_product << BELOW),
            addend.eq(self.i_addend << BELOW + span),
            mask.eq(self.i_addend_negative),
            self.o.eq(Mux(on_top, shifted, product) + (Mux(on_top, addend, shifted) ^ mask) + self.i_addend_negative),
            self.o_exponent.eq(Mux(on_top, self.i_addend_exponent - span, self.i_exponent)),
        ]
        return m

    def _shift_down(self, m: Module, value, distance: Signal) -> Signal:
        """`value` shifted by `distance`, or by its inverse if that is negative; a lost one sets the lowest bit."""
        steps = (self._sum_bits - 1).bit_length()
        amount = Signal(EXPONENT_BITS, name="amount")
        far = Signal(name="far")
        m.d.comb += [amount.eq(distance[:-1] ^ distance[-1].replicate(EXPONENT_BITS)), far.eq(amount[steps:].any())]
        for step in reversed(range(steps)):
            by = 1 << step
            shifted = Signal(signed(self._sum_bits - 1), name=f"down_{by}")
            down = Cat(value[: by + 1].any(), value[by + 1 :], value[-1].replicate(by))
            m.d.comb += shifted.eq(Mux(amount[step] | far, down, value))
            value = shifted
        return value


def mantissa_and_exponent(m: Module, name: str, bits) -> tuple[Signal, Signal]:
    """Those of a float32; a subnormal one, and 0, has the least exponent and no hidden bit."""
    mantissa, exponent = Signal(FLOAT32_BITS, name=f"{name}_mantissa"), Signal(8, name=f"{name}_exponent")
    hidden = bits[23:31].any()
    m.d.comb += [mantissa.eq(Cat(bits[:23], hidden)), exponent.eq(Mux(hidden, bits[23:31], 1))]
    return mantissa, exponent
