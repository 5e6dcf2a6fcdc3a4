"""What the reduction-pattern selector must do, for every input."""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.snap.config import SnapConfig
from ....hw.snap.reduction_selector import ReductionSelector
from ...formal import Assert, Cover

__all__ = ["SelectorSpec"]


class SelectorSpec(wiring.Component):
    """Every product reaches exactly one sum, of its own address, and no address is written twice."""

    def __init__(self, config: SnapConfig):
        self.config = config
        count = config.pe_multipliers
        super().__init__({"valid": In(count), "addresses": In(data.ArrayLayout(config.slot_bits + 1, count))})

    def elaborate(self, platform) -> Module:
        """Design and assertions."""
        m = Module()
        m.submodules.dut = dut = ReductionSelector(self.config)
        lanes = range(self.config.pe_multipliers)
        m.d.comb += [dut.i_valid.eq(self.valid), dut.i_addresses.eq(self.addresses)]
        for product in lanes:
            homes = sum(dut.o_members[lane][product] for lane in lanes)
            m.d.comb += Assert(homes == self.valid[product])
        for lane in lanes:
            m.d.comb += Assert(dut.o_write[lane] == dut.o_members[lane].any())
            m.d.comb += Assert(~dut.o_write[lane] | dut.o_members[lane][lane])
            for other in lanes:
                equal = self.addresses[lane] == self.addresses[other]
                m.d.comb += Assert(~dut.o_members[lane][other] | equal)
                if other < lane:
                    m.d.comb += Assert(~(dut.o_write[lane] & dut.o_write[other] & equal))
                    m.d.comb += Assert(~dut.o_members[lane][other])
        if len(lanes) >= 3:
            m.d.comb += Cover((dut.o_members[0] == 5) & (dut.o_members[1] == 2))  # AC,B
        return m
