"""Puts values back to the places that are flagged."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from .compact import places_down

__all__ = ["Spread"]


class Spread(wiring.Component):
    """The inverse of `Compact`: value n goes to the n-th place that is flagged, the others are filled. No latency.

    Parameters
    ----------
    size, bits
        Number of places; width of values.

    Attributes
    ----------
    i_values, i_flags, i_fill
        Values from place 0 on; places that get one; what the others get.
    o_values
        By place.
    """

    def __init__(self, size: int, bits: int):
        check_int("size", size, 1)
        check_int("bits", bits, 1)
        self.config = (size, bits)
        super().__init__(
            {
                "i_values": In(data.ArrayLayout(bits, size)),
                "i_flags": In(size),
                "i_fill": In(bits),
                "o_values": Out(data.ArrayLayout(bits, size)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        size, bits = self.config
        values = [self.i_values[place] for place in range(size)]
        # The way down, backwards: what would come down from a place goes up to it.
        for far, comes in reversed(places_down(m, self.i_flags)[0]):
            moved = [Signal(bits, name=f"value_{far}_{place}") for place in range(size)]
            for place, value in enumerate(moved):
                goes_up = comes[place - far] if place >= far else None
                m.d.comb += value.eq(
                    values[place] if goes_up is None else Mux(goes_up, values[place - far], values[place])
                )
            values = moved
        for place, value in enumerate(values):
            m.d.comb += self.o_values[place].eq(Mux(self.i_flags[place], value, self.i_fill))
        return m
