"""Finds the first set bits of a bitmap."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..config import check_int

__all__ = ["BitPicker"]

GROUP = 8
"""Bits that are looked through one after the other; groups of them are counted side by side."""


class BitPicker(wiring.Component):
    """The places of the first set bits, and the bitmap without some of them. Combinational.

    Parameters
    ----------
    width
        Bits of the bitmap.
    count
        Set bits that are found at most.

    Attributes
    ----------
    i_bits
        The bitmap.
    o_found
        Set bits, `count` at most.
    o_places
        Where they are, the lowest first.
    i_take
        How many of those found are taken.
    o_rest
        The bitmap without these.
    """

    def __init__(self, width: int, count: int):
        check_int("width", width, 2)
        check_int("count", count, 1, width)
        self.config = (width, count)
        super().__init__(
            {
                "i_bits": In(width),
                "o_found": Out(range(count + 1)),
                "o_places": Out(data.ArrayLayout(range(width), count)),
                "i_take": In(range(count + 1)),
                "o_rest": Out(width),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width, count = self.config
        taken = Signal(count)  # of those found: this one is taken
        m.d.comb += taken.eq(Cat(self.i_take > number for number in range(count)))
        before: Value = Const(0, count)  # bit k: there are more than k set bits before this one
        picks: list[list[Value]] = [[] for _ in range(count)]
        for start in range(0, width, GROUP):
            bits = self.i_bits[start : start + GROUP]
            ahead = before
            for place, bit in enumerate(bits, start):
                pick, following = Signal(count, name=f"pick_{place}"), Signal(count, name=f"ahead_{place}")
                m.d.comb += [
                    pick.eq((Cat(1, ahead) & ~ahead) & bit.replicate(count)),
                    self.o_rest[place].eq(bit & ~(pick & taken).any()),
                    following.eq(ahead | pick),
                ]
                ahead = following
                for number in range(count):
                    picks[number].append(pick[number])
            before = self._more(m, f"before_{start}", before, self._at_least(m, f"group_{start}", bits))
        for number, chosen in enumerate(picks):
            m.d.comb += self.o_places[number].eq(_encode(chosen))
        m.d.comb += self.o_found.eq(_length(before))
        return m

    def _at_least(self, m: Module, name: str, bits: Value) -> Value:
        """Bit k: more than k bits are set."""
        parts: list[Value] = list(bits)
        while len(parts) > 1:
            odd = parts[-1:] if len(parts) % 2 else []
            level = len(parts)
            parts = [
                self._more(m, f"{name}_{level}_{number}", one, other)
                for number, (one, other) in enumerate(zip(parts[::2], parts[1::2], strict=False))
            ] + odd
        return parts[0]

    def _more(self, m: Module, name: str, one: Value, other: Value) -> Value:
        """Sum of two numbers of which bit k says that they are greater than k."""
        most = min(len(one) + len(other), self.config[1])
        total = Signal(most, name=name)
        for k in range(most):
            ways = [half[k] for half in (one, other) if k < len(half)]
            ways += [one[n] & other[k - n - 1] for n in range(k) if n < len(one) and k - n - 1 < len(other)]
            m.d.comb += total[k].eq(reduce(or_, ways))
        return total


def _encode(picks: list[Value]) -> Value:
    """Place of the one pick that is there."""
    return Cat(
        reduce(or_, [pick for place, pick in enumerate(picks) if place >> bit & 1])
        for bit in range(bits_for(len(picks) - 1))
    )


def _length(ones: Value) -> Value:
    """How many ones there are, all below any zero."""
    length: Value = Const(0, bits_for(len(ones)))
    for number in range(len(ones)):
        length = Mux(ones[number], number + 1, length)
    return length
