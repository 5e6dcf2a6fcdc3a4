"""A cluster's lane: products are added to sums (EIE, section IV: arithmetic unit, activation read and write)."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..common.multiplier import Multiplier
from ..common.ram import Ram
from ..emit.shared import shared
from .config import EieConfig
from .layouts import operand_layout, read_layout, sums_layout

__all__ = ["Lane"]


class Lane(wiring.Component):
    """A product a cycle, added to one of ``rows`` sums, also if it is the row of the cycle before.

    Sums are in ``readout_rows`` memories, by row modulo their number. A product may be read out 3 cycles after its
    operands came.

    Attributes
    ----------
    i_operand
        Operands and row.
    i_read, o_sums
        Rows to read out, at no time together with operands; their sums, a cycle later. They are 0 behind it, in the
        second cycle after.
    i_clear
        Rows to make 0.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_operand": In(operand_layout(config)),
                "i_read": In(read_layout(config)),
                "i_clear": In(read_layout(config)),
                "o_sums": Out(sums_layout(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, operand = self.config, self.i_operand
        multiplier = Multiplier(config.data_bits, config.data_bits, 1)
        m.submodules.multiplier = shared(multiplier)
        m.d.comb += [multiplier.a.eq(operand.weight), multiplier.b.eq(operand.activation)]

        adding, writing = Signal(), Signal()
        row, written = (Signal.like(operand.row, name=name, reset_less=True) for name in ("row", "written"))
        repeated, recent = Signal(), Signal()
        m.d.sync += [
            adding.eq(operand.valid), row.eq(operand.row),
            writing.eq(adding), written.eq(row),
            # Sums that the memories don't show yet: of the adder in the next cycle, and in this one.
            repeated.eq(adding & (row == operand.row)), recent.eq(writing & (written == operand.row)),
        ]  # fmt: skip
        zeroing = Signal(read_layout(config))
        m.d.sync += zeroing.eq(self.i_read)
        zero = Signal(read_layout(config))
        m.d.comb += zero.eq(Mux(self.i_clear.valid, self.i_clear.as_value(), zeroing.as_value()))

        total = Signal(signed(config.psum_bits))
        newest, last = (Signal.like(total, name=name, reset_less=True) for name in ("newest", "last"))
        held = self._banks(m, row, writing, written, newest, zero)
        base = Signal.like(total)
        m.d.comb += [
            base.eq(Mux(repeated, newest, Mux(recent, last, held))),
            total.eq(base + multiplier.o),
        ]
        m.d.sync += [newest.eq(total), last.eq(newest)]
        return m

    def _banks(self, m: Module, row, writing, written, newest, zero):
        """The memories; what was read in the cycle before of the bank of `row`."""
        config, shift = self.config, exact_log2(self.config.readout_rows)
        operand, read = self.i_operand, self.i_read
        for number, shown in enumerate(self.o_sums):
            bank = Ram(config.psum_bits, config.rows // config.readout_rows)
            m.submodules[f"bank_{number}"] = shared(bank)
            m.d.comb += [
                bank.i_read_enable.eq(read.valid | (operand.valid & (operand.row[:shift] == number))),
                bank.i_read_address.eq(Mux(read.valid, read.group, operand.row[shift:])),
                bank.i_write_enable.eq(zero.valid | (writing & (written[:shift] == number))),
                bank.i_write_address.eq(Mux(zero.valid, zero.group, written[shift:])),
                bank.i_write_data.eq(Mux(zero.valid, 0, newest)),
                shown.eq(bank.o_read_data),
            ]
        return self.o_sums[row[:shift]]
