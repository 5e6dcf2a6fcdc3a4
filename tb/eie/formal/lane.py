"""What a lane must do, for any one row."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from ....hw.eie.config import EieConfig
from ....hw.eie.lane import Lane
from ...formal import Assert, Assume, Cover

__all__ = ["LaneSpec"]


class LaneSpec(wiring.Component):
    """Read-out gives the sum, modulo 2**psum_bits, of the products that came since the row was cleared or read out."""

    def __init__(self, config: EieConfig):
        self.config, self.dut = config, Lane(config)
        ports = self.dut.signature.members
        free = ("i_operand", "i_read", "i_clear")
        super().__init__({name: ports[name] for name in free} | {"followed": In(range(config.rows))})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        operand, shift = self.i_operand, exact_log2(self.config.readout_rows)
        started, row = Signal(), Signal.like(self.followed)
        m.d.sync += [started.eq(1), row.eq(self.followed)]
        reads, clears = (port.valid & (port.group == self.followed[shift:]) for port in (self.i_read, self.i_clear))
        # Operands of the two cycles before, and rows that were read in the last one, are still on their way.
        busy, read, ours = Signal(2), Signal(), Signal()
        known, total, was = Signal(), Signal(self.config.psum_bits), Signal(self.config.psum_bits)
        m.d.sync += [
            busy.eq(Cat(operand.valid, busy)), read.eq(self.i_read.valid), ours.eq(reads), was.eq(total),
            known.eq(known | reads | clears),
        ]  # fmt: skip
        with m.If(reads | clears):
            m.d.sync += total.eq(0)
        with m.Elif(operand.valid & (operand.row == self.followed)):
            m.d.sync += total.eq(total + operand.weight * operand.activation)
        was_known = Signal()
        m.d.sync += was_known.eq(known)
        m.d.comb += [
            *(getattr(dut, name).eq(getattr(self, name)) for name in ("i_operand", "i_read", "i_clear")),
            Assume(~started | (row == self.followed)),
            Assume((self.followed < self.config.rows) & (operand.row < self.config.rows)),
            Assume(~operand.valid | ~(self.i_read.valid | self.i_clear.valid | read)),
            Assume(~(self.i_read.valid | self.i_clear.valid) | ~busy.any()),
            Assume(~self.i_clear.valid | ~(self.i_read.valid | read)),
            Assume(~(ours & reads)),
            Assert(~(ours & was_known) | (dut.o_sums[self.followed[:shift]] == was.as_signed())),
            Cover(ours & was_known & (was != 0)),
        ]
        return m
