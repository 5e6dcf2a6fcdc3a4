"""The end of a lane: a number of a float32's precision becomes a byte."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .normalizer import FLOAT32_BITS

__all__ = ["ByteRounder", "byte_places"]

BYTE = 8
TOO_MANY = BYTE + 2
"""With these places or more, a number has more than 8 digits before the point."""


class ByteRounder(wiring.Component):
    """Rounds to the nearest integer, half to even, adds the zero point, and clips; no registers.

    The number is ``(i_kept + i_up) * 2**(i_places - 1 - 24)``, that is, already rounded to the 24 bits of a float32.
    The rounding to an integer sees both roundings at once, so that `i_up` need not be added before.

    Attributes
    ----------
    i_negative, i_kept, i_up
        As of `Normalizer`.
    i_places
        One more than there are digits before the point, from `byte_places`. 0: the number is less than a half, or just
        that.
    i_zero_point, i_low, i_high
        Signed or unsigned numbers of 8 bits as signed ones of 9.
    o
        The result, from `i_low` to `i_high`.
    """

    def __init__(self):
        self.config = ()
        byte = signed(BYTE + 1)
        super().__init__(
            {
                "i_negative": In(1),
                "i_kept": In(FLOAT32_BITS),
                "i_up": In(1),
                "i_places": In(range(TOO_MANY + 2)),
                "i_zero_point": In(byte),
                "i_low": In(byte),
                "i_high": In(byte),
                "o": Out(byte),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        kept, up = self.i_kept, self.i_up
        # The lowest bits are behind the point always. What is shifted in continues them in the two cases that matter:
        # all ones and one more, or none and no more.
        top, below = kept[-BYTE - 1 :], kept[: -BYTE - 1]
        shifted = Signal(2 * BYTE + 2 + BYTE, name="shifted")
        m.d.comb += shifted.eq(Cat(up.replicate(BYTE), top) << self.i_places)
        half, rest = shifted[-BYTE - 1], shifted[-2 * BYTE - 1 : -BYTE - 1]
        integer, add = Signal(signed(BYTE + 2), name="integer"), Signal(name="add")
        is_number = kept[-2:].any()  # and not 0
        m.d.comb += [
            integer.eq(Cat(shifted[-BYTE:], (self.i_places >= TOO_MANY) & is_number)),
            add.eq(
                (half & (rest.any() | below.any() | up | integer[0]))
                | (~half & rest.all() & below.all() & up & integer[0])
            ),
        ]
        # -(integer + add) is ~integer + 1 - add: one adder for sign, rounding and zero point
        total = Signal(signed(BYTE + 3), name="total")
        mask = self.i_negative.replicate(BYTE + 2)
        m.d.comb += [
            total.eq((integer ^ mask.as_signed()) + self.i_zero_point + (add ^ self.i_negative)),
            self.o.eq(Mux(total < self.i_low, self.i_low, Mux(total > self.i_high, self.i_high, total[: BYTE + 1]))),
        ]
        return m


def byte_places(m: Module, name: str, places) -> Signal:
    """`places` (signed) as far as they matter to `ByteRounder`, even if one is taken away again: from 0 to 11."""
    most = TOO_MANY + 1
    clipped = Signal(range(most + 1), name=name)
    m.d.comb += clipped.eq(Mux(places < 0, 0, Mux(places > most, most, places)))
    return clipped
