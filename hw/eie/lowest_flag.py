"""Which of many flags is the lowest that is set."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["LowestFlag"]

RADIX = 4
"""Flags, or groups of them, that a node of the tree chooses from (EIE, section IV.B)."""


class LowestFlag(wiring.Component):
    """Leading non-zero detection: a tree whose nodes choose the lowest of four (EIE, Fig. 4a). No latency.

    Parameters
    ----------
    size
        Number of flags.

    Attributes
    ----------
    i_flags
        Flags.
    o_any
        Whether one is set.
    o_lowest
        The lowest one that is set alone.
    o_position
        Its number; 0 if there is none.
    """

    def __init__(self, size: int):
        check_int("size", size, 2)
        self.config = (size,)
        super().__init__({"i_flags": In(size), "o_any": Out(1), "o_lowest": Out(size), "o_position": Out(range(size))})

    def elaborate(self, platform) -> Module:
        m = Module()
        (size,) = self.config
        any_set, lowest = self._choose(m, self.i_flags)
        m.d.comb += [self.o_any.eq(any_set), self.o_lowest.eq(lowest)]
        for bit in range(len(self.o_position)):
            holders = Cat(self.o_lowest[place] for place in range(size) if place >> bit & 1)
            m.d.comb += self.o_position[bit].eq(holders.any())
        return m

    def _choose(self, m: Module, flags: Value) -> tuple[Value, Value]:
        """A level of nodes, and those above it: whether a flag is set, and the lowest one alone."""
        groups = [flags[at : at + RADIX] for at in range(0, len(flags), RADIX)]
        chosen = []
        for group in groups:
            # A flag is chosen if none below it is set.
            chosen.append(Cat(bit & ~group[:at].any() if at else bit for at, bit in enumerate(group)))
        if len(groups) == 1:
            return groups[0].any(), chosen[0]
        filled, enabled = Signal(len(groups), name=f"filled_{len(flags)}"), Signal(len(groups), name=f"on_{len(flags)}")
        m.d.comb += filled.eq(Cat(group.any() for group in groups))
        any_set, lowest = self._choose(m, filled)
        m.d.comb += enabled.eq(lowest)
        return any_set, Cat(part & on.replicate(len(part)) for part, on in zip(chosen, enabled, strict=True))
