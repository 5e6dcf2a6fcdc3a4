"""A lane that multiplies an integer by a float32 and adds another."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .aligned_adder import EXPONENT_BITS, AlignedAdder, mantissa_and_exponent
from .delay import registered
from .normalizer import FLOAT32_BITS, Normalizer, rounded

__all__ = ["FusedMultiplyAdd"]

X_BITS = 19


class FusedMultiplyAdd(wiring.Component):
    """``float32(x * factor + addend)``: exact, and rounded once, half to even; a value a cycle, `LATENCY` cycles later.

    Any finite factor and addend is right, as long as the result is less than 2**128: there is no infinity. A result
    below 2**-126 becomes 0, and any 0 is +0, whatever the signs of the operands.

    Attributes
    ----------
    i_x
        Signed integer of 19 bits.
    i_factor, i_addend
        Bits of float32 numbers.
    o_value
        Bits of the float32. What comes out in the first cycles is undefined.
    """

    LATENCY = 3

    def __init__(self):
        self.config = ()
        super().__init__({"i_x": In(signed(X_BITS)), "i_factor": In(32), "i_addend": In(32), "o_value": Out(32)})

    def elaborate(self, platform) -> Module:
        m = Module()

        def register(name: str, value) -> Signal:
            return registered(m, True, name, value, reset_less=True)

        # With a negative factor all is computed with the other sign: it then changes that of the addend and the result.
        mantissa, exponent = mantissa_and_exponent(m, "factor", self.i_factor)
        product = register("product", mantissa * self.i_x)
        product_exponent = register("product_exponent", exponent)
        turned = register("product_turned", self.i_factor[-1])
        addend = register("addend", self.i_addend)

        adder = AlignedAdder(X_BITS)
        m.submodules.adder = shared(adder)
        addend_mantissa, addend_exponent = mantissa_and_exponent(m, "addend", addend)
        m.d.comb += [
            adder.i_product.eq(product),
            adder.i_exponent.eq(product_exponent),
            adder.i_addend_negative.eq(addend[-1] ^ turned),
            adder.i_addend.eq(addend_mantissa),
            adder.i_addend_exponent.eq(addend_exponent),
        ]
        total = register("sum", adder.o)
        total_exponent = register("sum_exponent", adder.o_exponent)
        turned = register("sum_turned", turned)

        # No rounding is lost on a result that becomes 0: being a multiple of 2**-149, it is exact below 2**-126.
        normalizer = Normalizer(len(total))
        m.submodules.normalizer = shared(normalizer)
        m.d.comb += normalizer.i.eq(total)
        mantissa, carry = rounded(m, "result", normalizer.o_kept, normalizer.o_up)
        exponent = Signal(signed(EXPONENT_BITS), name="exponent")
        is_normal = mantissa[-1] & (exponent > 0)
        m.d.comb += exponent.eq(total_exponent + X_BITS + carry - normalizer.o_shift)
        value = Cat(mantissa[: FLOAT32_BITS - 1], exponent[:8], normalizer.o_negative ^ turned)
        m.d.comb += self.o_value.eq(register("value", Mux(is_normal, value, 0)))
        return m
