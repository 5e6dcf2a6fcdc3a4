"""A lane that adds two quantized tensors."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from ..emit.shared import shared
from .aligned_adder import EXPONENT_BITS, AlignedAdder, mantissa_and_exponent
from .byte_rounder import ByteRounder, byte_places
from .normalizer import FLOAT32_BITS, Normalizer, rounded
from .pipeline import Pipeline
from .requantizer import byte_layout

__all__ = ["ResidualAdd"]

NUMBER_BITS = 9
"""Of a signed or unsigned number of 8 bits as a signed one."""

INFINITE = 255
"""The exponent of infinity."""

MOST = (1 << EXPONENT_BITS - 1) - 1
"""Stands for it, as no finite product is near enough to take something of it away."""


class ResidualAdd(wiring.Component):
    """``clip(round(fma(a_factor, a, fma(b_factor, b, constant))))``, one value a cycle, 6 cycles later.

    Bit-exact with `sim.golden.residual_add`, which is ONNX's ``QLinearAdd``: each fused multiply-add is rounded once to
    float32, the result to an integer, all half to even. Any positive finite factors and any finite constant are right,
    subnormal ones too, and sums that overflow to infinity saturate.

    Parameters
    ----------
    tag_bits
        Of what is passed through beside each value.

    Attributes
    ----------
    i
        Stream of ``a`` and ``b`` (signed or unsigned numbers of 8 bits as signed ones of 9) and ``tag``.
    o
        Stream of `byte_layout`. ``i.ready`` depends on ``o.ready`` in the same cycle.
    i_a_factor, i_b_factor, i_constant
        Bits of float32 numbers; the signs of the factors are not looked at. They and the ends must not change while
        values are under way.
    i_low, i_high
        Ends of the result; signed numbers of 9 bits.
    """

    def __init__(self, tag_bits: int):
        check_int("tag_bits", tag_bits, 0)
        self.config = (tag_bits,)
        layout = data.StructLayout({"a": signed(NUMBER_BITS), "b": signed(NUMBER_BITS), "tag": tag_bits})
        super().__init__(
            {
                "i": In(stream.Signature(layout)),
                "o": Out(stream.Signature(byte_layout(tag_bits))),
                "i_a_factor": In(32),
                "i_b_factor": In(32),
                "i_constant": In(32),
                "i_low": In(signed(9)),
                "i_high": In(signed(9)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        pipeline = Pipeline(m, self.i, self.o)
        entering = self.i.payload
        a_mantissa, a_exponent = mantissa_and_exponent(m, "a_factor", self.i_a_factor)
        b_mantissa, b_exponent = mantissa_and_exponent(m, "b_factor", self.i_b_factor)
        constant, constant_exponent = mantissa_and_exponent(m, "constant", self.i_constant)

        first = pipeline.rank(product=_product(m, "b_product", b_mantissa, entering.b), a=entering.a, tag=entering.tag)

        inner = self._adder(m, "inner_adder", first.product, b_exponent)
        m.d.comb += [
            inner.i_addend_negative.eq(self.i_constant[-1]),
            inner.i_addend.eq(constant),
            inner.i_addend_exponent.eq(constant_exponent),
        ]
        second = pipeline.rank(sum=inner.o, exponent=inner.o_exponent, a=first.a, tag=first.tag)

        # Exponents may fall below float32's least: what is subnormal there is exact here and there, being a sum of
        # multiples of the smallest subnormal number.
        normalizer = self._normalizer(m, "inner_normalizer", second.sum)
        mantissa, carry = rounded(m, "inner", normalizer.o_kept, normalizer.o_up)
        exponent, infinite = Signal(signed(EXPONENT_BITS), name="exponent"), Signal(name="infinite")
        m.d.comb += [
            exponent.eq(second.exponent + NUMBER_BITS + carry - normalizer.o_shift),
            infinite.eq(exponent >= INFINITE),
        ]
        third = pipeline.rank(
            product=_product(m, "a_product", a_mantissa, second.a),
            negative=normalizer.o_negative,
            mantissa=mantissa,
            exponent=exponent | Mux(infinite, MOST, 0),
            tag=second.tag,
        )

        outer = self._adder(m, "outer_adder", third.product, a_exponent)
        m.d.comb += [
            outer.i_addend_negative.eq(third.negative),
            outer.i_addend.eq(third.mantissa),
            outer.i_addend_exponent.eq(third.exponent),
        ]
        fourth = pipeline.rank(sum=outer.o, exponent=outer.o_exponent, tag=third.tag)

        normalizer = self._normalizer(m, "outer_normalizer", fourth.sum)
        fifth = pipeline.rank(
            negative=normalizer.o_negative,
            kept=normalizer.o_kept,
            up=normalizer.o_up,
            places=byte_places(m, "places", fourth.exponent - 116 - normalizer.o_shift),
            tag=fourth.tag,
        )

        rounder = ByteRounder()
        m.submodules.rounder = shared(rounder)
        m.d.comb += [
            rounder.i_negative.eq(fifth.negative),
            rounder.i_kept.eq(fifth.kept),
            rounder.i_up.eq(fifth.up),
            rounder.i_places.eq(fifth.places),
            rounder.i_low.eq(self.i_low),
            rounder.i_high.eq(self.i_high),
        ]
        sixth = pipeline.rank(value=rounder.o, tag=fifth.tag)
        pipeline.end()
        m.d.comb += [self.o.payload.value.eq(sixth.value), self.o.payload.tag.eq(sixth.tag)]
        return m

    def _adder(self, m: Module, name: str, product, exponent) -> AlignedAdder:
        adder = AlignedAdder(NUMBER_BITS)
        m.submodules[name] = shared(adder)
        m.d.comb += [adder.i_product.eq(product), adder.i_exponent.eq(exponent)]
        return adder

    def _normalizer(self, m: Module, name: str, value) -> Normalizer:
        normalizer = Normalizer(len(value))
        m.submodules[name] = shared(normalizer)
        m.d.comb += normalizer.i.eq(value)
        return normalizer


def _product(m: Module, name: str, mantissa, number) -> Signal:
    product = Signal(signed(FLOAT32_BITS + NUMBER_BITS), name=name)
    m.d.comb += product.eq(mantissa * number)
    return product
