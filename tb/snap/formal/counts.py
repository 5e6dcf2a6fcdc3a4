"""Counts up to a limit in the way that solvers are fastest with, and why their order doesn't matter."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.snap.config import SnapConfig
from ...formal import Assert, Assume

__all__ = ["CountsSpec", "added", "clears_first", "count_of_halves", "counts_below"]


def added(one: Value, other: Value) -> Value:
    """Sum of two counts; of each, bit k says that it is at least k + 1, and a sum beyond the last bit sets all."""
    ones = Const(-1, len(one))
    ways = [Mux(other[k], Cat(ones[: k + 1], one)[: len(one)], 0) for k in range(len(other))]
    return reduce(or_, ways, one)


def counts_below(m: Module, name: str, bits, most: int) -> list[Signal]:
    """How many bits are set below each, and in all, up to `most`: one bit after the other."""
    counts = [Signal(most, name=f"{name}_{place}") for place in range(len(bits) + 1)]
    for place, bit in enumerate(bits):
        m.d.comb += counts[place + 1].eq(added(counts[place], Value.cast(bit)))
    return counts


def count_of_halves(m: Module, name: str, bits, most: int) -> Value:
    """How many bits are set in all, up to `most`: the lower half is added to the upper, until one count is left.

    It equals the last of `counts_below`, because `CountsSpec` proves that terms may be swapped and grouped at will.
    """
    counts = [Value.cast(Cat(bit, Const(0, most - 1))) for bit in bits]
    while (half := len(counts) // 2) > 0:
        sums = [Signal(most, name=f"{name}_{half}_{place}") for place in range(half)]
        m.d.comb += [total.eq(added(*pair)) for total, *pair in zip(sums, counts, counts[half:], strict=False)]
        counts = [*sums]
    return counts[0]


def clears_first(m: Module, name: str, bits: Value, counts: list[Signal]) -> list[Value]:
    """Facts: of the bits with at least k set below, ``x & (x - 1)`` are those with k + 1; `CountsSpec` proves them."""
    rests, most = [bits], len(counts[0])
    for k in range(most - 1):
        rest = Signal(len(bits), name=f"{name}_{k + 1}")
        m.d.comb += rest.eq(bits & Cat(count[k] for count in counts[:-1]))
        rests.append(rest)
    return [rest == (before & (before - 1)) for before, rest in zip(rests, rests[1:], strict=False)]


class CountsSpec(wiring.Component):
    """`added` makes counts of counts, in any order and grouping; 0 changes nothing, and a bit is a count of 0 or 1.

    So by induction over the terms, the same bits have the same count however they are added up. The facts of
    `clears_first` are proven for all bits of a list at once.
    """

    def __init__(self, config: SnapConfig):
        self.most = most = config.pe_multipliers + 1
        super().__init__({"a": In(most), "b": In(most), "c": In(most), "bits": In(config.window_entries)})

    def elaborate(self, platform) -> Module:
        """Assumptions and assertions."""
        m = Module()
        a, b, c, bit = self.a, self.b, self.c, self.bits[0]
        counts = counts_below(m, "count", self.bits, self.most)
        m.d.comb += [Assume(_is_count(count)) for count in (a, b, c)]
        m.d.comb += [
            Assert(_is_count(added(a, b))),
            Assert(added(a, b) == added(b, a)),
            Assert(added(added(a, b), c) == added(a, added(b, c))),
            Assert(added(a, Const(0, self.most)) == a),
            Assert(added(a, bit) == added(a, Cat(bit, Const(0, self.most - 1)))),
            *(Assert(fact) for fact in clears_first(m, "rest", self.bits, counts)),
        ]
        return m


def _is_count(value: Value) -> Value:
    """No bit is set above one that isn't."""
    return (value & (value + 1)) == 0
