"""A lane from sums to bytes."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from ..emit.shared import shared
from .byte_rounder import ByteRounder, byte_places
from .normalizer import FLOAT32_BITS, Normalizer, rounded
from .pipeline import Pipeline

__all__ = ["Requantizer", "byte_layout"]

SUM_BITS = 32
FRACTION_BITS = FLOAT32_BITS - 1


def byte_layout(tag_bits: int) -> data.StructLayout:
    """What lanes put out.

    ``value``: a signed or unsigned number of 8 bits as a signed one of 9; its low 8 bits are the byte. ``tag``: as it
    came.
    """
    return data.StructLayout({"value": signed(9), "tag": tag_bits})


class Requantizer(wiring.Component):
    """``clip(round(float32(float32(sum + bias) * factor)) + zero_point)``, one value a cycle, 4 cycles later.

    Bit-exact with `sim.golden.requantize`: the sum is rounded to float32, the product too, and that to an integer, each
    time half to even. Any sum of 32 bits and any positive finite factor is right. A product that overflows to infinity
    saturates like any large one. Subnormal numbers need no care: a subnormal factor (which is taken for one of up to
    2**-126) or product is so small that the result is 0 however it is rounded.

    Parameters
    ----------
    sum_bits
        Of the sums.
    tag_bits
        Of what is passed through beside each value.

    Attributes
    ----------
    i
        Stream of ``sum``, ``bias``, ``factor`` (bits of a float32; the sign is not looked at) and ``tag``.
    o
        Stream of `byte_layout`. ``i.ready`` depends on ``o.ready`` in the same cycle.
    i_zero_point, i_low, i_high
        What is added, and the ends of the result, all of the type of the result; as signed numbers of 9 bits. They
        must not change while values are under way.
    o_overflow
        For one cycle, after that in which it was taken: a sum with its bias needed more than 32 bits. It is wrapped.
    """

    def __init__(self, sum_bits: int, tag_bits: int):
        check_int("sum_bits", sum_bits, 1)
        check_int("tag_bits", tag_bits, 0)
        self.config = (sum_bits, tag_bits)
        layout = {"sum": signed(sum_bits), "bias": signed(SUM_BITS), "factor": 32, "tag": tag_bits}
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout(layout))),
                "o": Out(stream.Signature(byte_layout(tag_bits))),
                "i_zero_point": In(signed(9)),
                "i_low": In(signed(9)),
                "i_high": In(signed(9)),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        pipeline = Pipeline(m, self.i, self.o)
        entering = self.i.payload

        total = Signal(signed(max(self.config[0], SUM_BITS) + 1), name="total")
        above = total[SUM_BITS - 1 :]  # all like the sign, if 32 bits suffice
        m.d.comb += total.eq(entering.sum + entering.bias)
        m.d.sync += self.o_overflow.eq(pipeline.moves & self.i.valid & above.any() & ~above.all())
        first = pipeline.rank(total=total[:SUM_BITS], factor=entering.factor[:-1], tag=entering.tag)

        # sum as float32: mantissa * 2**(7 + carry - shift); factor: 1.fraction * 2**(exponent - 127)
        normalizer = Normalizer(SUM_BITS)
        m.submodules.normalizer = shared(normalizer)
        m.d.comb += normalizer.i.eq(first.total)
        mantissa, carry = rounded(m, "sum", normalizer.o_kept, normalizer.o_up)
        fraction, exponent = first.factor[:FRACTION_BITS], first.factor[FRACTION_BITS:]
        scale = Signal(signed(10), name="scale")
        m.d.comb += scale.eq(exponent + carry - normalizer.o_shift)
        second = pipeline.rank(
            mantissa=mantissa, fraction=fraction, scale=scale, negative=normalizer.o_negative, tag=first.tag
        )

        # Digits of the product before the point, if it has 48; it may have one less, which is known a cycle later.
        product = Signal(2 * FLOAT32_BITS, name="product")
        m.d.comb += product.eq(second.mantissa * Cat(second.fraction, Const(1, 1)))
        places = byte_places(m, "places", second.scale - 94)
        third = pipeline.rank(product=product, places=places, negative=second.negative, tag=second.tag)

        whole = third.product[-1]
        digits = Signal(2 * FLOAT32_BITS, name="digits")
        kept, half, rest = digits[-FLOAT32_BITS:], digits[FLOAT32_BITS - 1], digits[: FLOAT32_BITS - 1]
        rounder = ByteRounder()
        m.submodules.rounder = shared(rounder)
        m.d.comb += [
            digits.eq(Mux(whole, third.product, third.product << 1)),
            rounder.i_negative.eq(third.negative),
            rounder.i_kept.eq(kept),
            rounder.i_up.eq(half & (rest.any() | kept[0])),
            rounder.i_places.eq(third.places - (~whole & third.places.any())),
            rounder.i_zero_point.eq(self.i_zero_point),
            rounder.i_low.eq(self.i_low),
            rounder.i_high.eq(self.i_high),
        ]
        fourth = pipeline.rank(value=rounder.o, tag=third.tag)
        pipeline.end()
        m.d.comb += [self.o.payload.value.eq(fourth.value), self.o.payload.tag.eq(fourth.tag)]
        return m
