"""Reduction-pattern selector: which products of a cycle go to the same psum (SNAP, Table I)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import SnapConfig

__all__ = ["ReductionSelector"]


class ReductionSelector(wiring.Component):
    """Groups the products of a cycle by psum address, so that each psum is updated at most once.

    Table I of the paper has the patterns of three addresses in order: ABC | AB,C | A,BC | A,B,C. Where a list ends
    and the next begins, and from the order of lanes in the rings, A and C can be equal with B between them: AC,B is
    the fifth, and any M addresses in any order are grouped. Purely combinational.

    Attributes
    ----------
    i_valid, i_addresses
        Products that there are; their psum slots, the bank above.
    o_write
        Products that are the first of their psum; its sum is written on their lane.
    o_members
        By lane: the products that its sum consists of, none if it doesn't write.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        count = config.pe_multipliers
        super().__init__(
            {
                "i_valid": In(count),
                "i_addresses": In(data.ArrayLayout(config.slot_bits + 1, count)),
                "o_write": Out(count),
                "o_members": Out(data.ArrayLayout(count, count)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        count = self.config.pe_multipliers
        same = [Signal(count, name=f"same_{lane}") for lane in range(count)]
        for lane in range(count):
            for other in range(lane):
                both = self.i_valid[lane] & self.i_valid[other]
                m.d.comb += same[other][lane].eq(both & (self.i_addresses[lane] == self.i_addresses[other]))
            later = ~Cat(same[other][lane] for other in range(lane)).any()
            m.d.comb += [
                same[lane][lane].eq(self.i_valid[lane]),
                self.o_write[lane].eq(self.i_valid[lane] & later),
                self.o_members[lane].eq(same[lane] & self.o_write[lane].replicate(count)),
            ]
        return m
