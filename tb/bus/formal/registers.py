"""What the register file must do on its bus, whatever software does."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.bus.register_map import RegisterMap
from ....hw.bus.registers import RegisterFile
from ...formal import Assert, Cover
from .stable import assert_stable

__all__ = ["RegistersSpec"]


class RegistersSpec(wiring.Component):
    """One answer an access, after all of it has come and not before; an answer that waits stays.

    Parameters
    ----------
    registers
        The description.
    """

    def __init__(self, registers: RegisterMap):
        self.registers = registers
        bits = registers.address_bits
        inputs = {"awvalid": 1, "awaddr": bits, "wvalid": 1, "wdata": 32, "wstrb": 4, "bready": 1}
        inputs |= {"arvalid": 1, "araddr": bits, "rready": 1}
        super().__init__({name: In(width) for name, width in inputs.items()})

    def elaborate(self, platform) -> Module:
        """Design, accesses that are on their way, and assertions."""
        m = Module()
        m.submodules.dut = dut = RegisterFile(self.registers)
        axi = dut.s_axil
        m.d.comb += [getattr(axi, name).eq(getattr(self, name)) for name in self.signature.members]

        def on_its_way(name: str, come, answered):
            """Whether a part of an access came and isn't answered; never two that aren't."""
            waits = Signal(range(4), name=name)
            m.d.sync += waits.eq(waits + come - answered)
            return waits

        answered = axi.bvalid & self.bready
        addresses = on_its_way("addresses", self.awvalid & axi.awready, answered)
        data = on_its_way("data", self.wvalid & axi.wready, answered)
        reads = on_its_way("reads", self.arvalid & axi.arready, axi.rvalid & self.rready)
        m.d.comb += [
            Assert(~axi.bvalid | ((addresses != 0) & (data != 0))),
            Assert(~axi.rvalid | (reads != 0)),
            Assert((addresses <= 2) & (data <= 2) & (reads <= 2)),
            # What came and what is answered differ by what is held, so nothing is lost.
            Assert(addresses == ~axi.awready + axi.bvalid),
            Assert(data == ~axi.wready + axi.bvalid),
            Assert(reads == ~axi.arready + axi.rvalid),
            Cover(axi.bvalid & ~axi.awready & ~axi.wready),
            Cover(axi.rvalid & ~axi.arready & axi.bvalid),
        ]
        assert_stable(m, "b", axi.bvalid, self.bready, axi.bresp)
        assert_stable(m, "r", axi.rvalid, self.rready, axi.rresp, axi.rdata)
        return m
