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
    """Takes the first set bits from a bitmap. Combinational.

    Parameters
    ----------
    width
        Bits of the bitmap.
    count
        Bits that are taken at most.

    Attributes
    ----------
    i_bits
        The bitmap.
    i_most
        How many may be taken now.
    o_taken
        How many are.
    o_places
        Where they were, the lowest first.
    o_rest
        The bitmap without them.
    """

    def __init__(self, width: int, count: int):
        check_int("width", width, 2)
        check_int("count", count, 1, width)
        self.config = (width, count)
        super().__init__(
            {
                "i_bits": In(width),
                "i_most": In(range(count + 1)),
                "o_taken": Out(range(count + 1)),
                "o_places": Out(data.ArrayLayout(range(width), count)),
                "o_rest": Out(width),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width, count = self.config
        # Bit k of these: more than k set bits are before this one, or no more than k may be taken.
        never, before = Signal(count), Signal(count, name="before_0")
        m.d.comb += [never.eq(Cat(self.i_most <= k for k in range(count))), before.eq(never)]
        picks: list[list[Value]] = [[] for _ in range(count)]
        for start in range(0, width, GROUP):
            bits = self.i_bits[start : start + GROUP]
            ahead = before
            for place, bit in enumerate(bits, start):
                pick, following = Signal(count, name=f"pick_{place}"), Signal(count, name=f"ahead_{place}")
                m.d.comb += [
                    pick.eq((Cat(1, ahead) & ~ahead) & bit.replicate(count)),
                    self.o_rest[place].eq(bit & ~pick.any()),
                    following.eq(ahead | pick),
                ]
                ahead = following
                for number in range(count):
                    picks[number].append(pick[number])
            before = self._more(m, f"before_{start + GROUP}", before, self._at_least(m, f"group_{start}", bits))
        for number, chosen in enumerate(picks):
            m.d.comb += self.o_places[number].eq(_encode(chosen))
        m.d.comb += self.o_taken.eq(_length(before & ~never))
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
    bits = []
    while len(picks) > 1:  # odd or even; then the same of pairs
        bits.append(reduce(or_, picks[1::2]))
        picks = [reduce(or_, picks[at : at + 2]) for at in range(0, len(picks), 2)]
    return Cat(bits)


def _length(ones: Value) -> Value:
    """How many ones there are, all below any zero."""
    length: Value = Const(0, bits_for(len(ones)))
    for number in range(len(ones)):
        length = Mux(ones[number], number + 1, length)
    return length
