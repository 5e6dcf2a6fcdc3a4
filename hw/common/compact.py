"""Moves the values that are flagged together."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from .ranks import ranks

__all__ = ["Compact", "places_down"]


def places_down(m: Module, flags: Value) -> tuple[list[tuple[int, list[Value]]], Value]:
    """How flagged values get from their places to the lowest ones, in order, by steps of 1, 2, 4... places.

    A value has as far to go as there are gaps below it: places without a flag. On its way it passes no more gaps than
    places, so that the gaps below any place that it comes to still tell which of the longer steps it takes. It meets no
    other: two of them are always further apart than what the upper one has to go more than the lower one.

    Returns
    -------
    list, Value
        By step: how far, and by place whether the value so far above comes down to it; then how many flags there are.
    """
    size, filled, steps = len(flags), flags, []
    gaps = [Value.cast(count) for count in ranks(m, "gap", ~flags, max(1, size - 1))]
    for step in range((size - 1).bit_length()):
        far = 1 << step
        wants, comes, stays = (Signal(size, name=f"{name}_{far}") for name in ("wants", "comes", "stays"))
        m.d.comb += [
            wants.eq(Cat(count[step] if step < len(count) else Const(0, 1) for count in gaps)),
            comes.eq((filled & wants) >> far),
            stays.eq(filled & ~wants),
        ]
        filled = comes | stays
        steps.append((far, [comes[place] for place in range(size)]))
    return steps, size - (gaps[-1] + ~flags[-1])


class Compact(wiring.Component):
    """Flagged values from place 0 on, in their order, and zeros behind them. No latency.

    Parameters
    ----------
    size, bits
        Number of values; their width.

    Attributes
    ----------
    i_values, i_flags
        Values; which of them count.
    o_values, o_count
        Those that do; how many there are.
    """

    def __init__(self, size: int, bits: int):
        check_int("size", size, 1)
        check_int("bits", bits, 1)
        self.config = (size, bits)
        super().__init__(
            {
                "i_values": In(data.ArrayLayout(bits, size)),
                "i_flags": In(size),
                "o_values": Out(data.ArrayLayout(bits, size)),
                "o_count": Out(range(size + 1)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        size, bits = self.config
        steps, count = places_down(m, self.i_flags)
        values = [self.i_values[place] for place in range(size)]
        for far, comes in steps:
            moved = [Signal(bits, name=f"value_{far}_{place}") for place in range(size)]
            for place, value in enumerate(moved):
                above = values[place + far] if place + far < size else 0
                m.d.comb += value.eq(Mux(comes[place], above, values[place]))
            values = moved
        # Not the places that the steps have filled: ABC got lost in finding out that these are the same.
        for place, value in enumerate(values):
            m.d.comb += self.o_values[place].eq(Mux(self.o_count > place, value, 0))
        m.d.comb += self.o_count.eq(count)
        return m
