"""Integers as floating-point numbers, rounded half to even."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["FLOAT32_BITS", "Normalizer", "rounded"]

FLOAT32_BITS = 24
"""Bits of a float32's mantissa, the hidden one included."""


class Normalizer(wiring.Component):
    """Shifts a signed integer until its first digit is on top, and says how to round it to fewer bits; no registers.

    The rounded magnitude is ``(o_kept + o_up) * 2**(bits - 1 - kept_bits - o_shift)``, half to even; `rounded` adds.

    There is no adder for the magnitude of a negative number: all bits are inverted, ones instead of zeros come in from
    below, and the one that is still to be added at the very end is added by the rounding. So the magnitude's first
    digit may also be the carry of ``o_kept + o_up``, where `o_kept` has a zero on top and ones below.

    Parameters
    ----------
    bits
        Of the integer.
    kept_bits
        Of the result, at least 2 less.

    Attributes
    ----------
    i
        The integer.
    o_negative
        Its sign.
    o_kept, o_up
        The magnitude's first bits, and whether one is to be added to them. For 0 both are 0.
    o_shift
        Places by which the integer was shifted up; for 0 any number.
    """

    def __init__(self, bits: int, kept_bits: int = FLOAT32_BITS):
        check_int("kept_bits", kept_bits, 1)
        check_int("bits", bits, kept_bits + 2)
        self.config = (bits, kept_bits)
        self._steps = (bits - 2).bit_length()
        super().__init__(
            {
                "i": In(signed(bits)),
                "o_negative": Out(1),
                "o_kept": Out(kept_bits),
                "o_up": Out(1),
                "o_shift": Out(self._steps),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bits, kept_bits = self.config
        negative = self.o_negative
        places = self.i[:-1] ^ negative.replicate(bits - 1)
        m.d.comb += negative.eq(self.i[-1])
        for step in reversed(range(self._steps)):
            by = 1 << step
            shifted = Signal(bits - 1, name=f"shifted_{by}")
            wanted = self.o_shift[step]
            m.d.comb += [
                wanted.eq(~places[-by:].any()),
                shifted.eq(Mux(wanted, Cat(negative.replicate(by), places)[: bits - 1], places)),
            ]
            places = shifted
        low, kept = places[:-kept_bits], places[-kept_bits:]
        half, below = low[-1], low[:-1]
        m.d.comb += [
            self.o_kept.eq(kept),
            # with the one that a negative number still lacks: 0.0111... is the half, 0.1 is more than a half
            self.o_up.eq(
                (half & (below.any() | negative | kept[0])) | (~half & below.all() & negative & kept[0]),
            ),
        ]
        return m


def rounded(m: Module, name: str, kept, up) -> tuple[Signal, Signal]:
    """``kept + up`` with its first digit on top, and whether it had to be shifted down by a place for that."""
    added = Signal(len(kept) + 1, name=f"{name}_added")
    mantissa, carry = Signal(len(kept), name=f"{name}_mantissa"), Signal(name=f"{name}_carry")
    m.d.comb += [
        added.eq(kept + up),
        carry.eq(added[-1]),
        mantissa.eq(Cat(added[: len(kept) - 1], added[-2] | carry)),  # below a carry there are only zeros
    ]
    return mantissa, carry
