"""Entry decoder: weights from a codebook, rows from indices (EIE, section IV: arithmetic unit)."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import EieConfig
from .layouts import codebook_quarter, entry_layout, operand_layout, taken_layout

__all__ = ["EntryDecoder"]


class EntryDecoder(wiring.Component):
    """Entries become operands of the lanes, a cycle later.

    Where indices are relative, an entry is as many rows behind the one before (or the column's beginning) as the index
    says, and one more; code 0 with the largest index is a filler, which only moves the row on.

    Attributes
    ----------
    i_codebook
        A quarter of the codebook to keep from the next cycle on.
    i_taken, i_entries
        Entries and how they were taken.
    o_operands
        By lane; only products are valid.
    o_row, o_filler
        One of the entries is of a row that there is none of; has code 0 and isn't a filler, where indices are relative.
        It gives no product. Along with `o_operands`.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_codebook": In(codebook_quarter(config)),
                "i_taken": In(taken_layout(config)),
                "i_entries": In(data.ArrayLayout(entry_layout(config), config.lanes)),
                "o_operands": Out(data.ArrayLayout(operand_layout(config), config.lanes)),
                "o_row": Out(1),
                "o_filler": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, taken = self.config, self.i_taken
        weights = []
        for quarter in range(4):
            values = Signal(self.i_codebook.weights.shape(), name=f"weights_{quarter}", reset_less=True)
            with m.If(self.i_codebook.valid & (self.i_codebook.quarter == quarter)):
                m.d.sync += values.eq(self.i_codebook.weights)
            weights += list(values)
        codebook = Array(weights)
        row_errors, filler_errors = Signal(config.lanes), Signal(config.lanes)
        m.d.sync += [self.o_row.eq(row_errors.any()), self.o_filler.eq(filler_errors.any())]
        for lane, (entry, operand) in enumerate(zip(self.i_entries, self.o_operands, strict=True)):
            valid, silent, beyond = taken.valid[lane], Signal(name=f"silent_{lane}"), Signal(name=f"beyond_{lane}")
            row = self._relative_row(m, entry) if config.relative else entry.index
            m.d.comb += [
                beyond.eq(row >= config.rows),
                silent.eq((entry.code == 0) & config.relative),
                row_errors[lane].eq(valid & beyond),
                filler_errors[lane].eq(valid & silent & ~entry.index.all()),
            ]
            m.d.sync += [
                operand.valid.eq(valid & ~silent & ~beyond),
                operand.row.eq(row),
                operand.weight.eq(codebook[entry.code]),
                operand.activation.eq(Mux(taken.second[lane], taken.activations[1], taken.activations[0])),
            ]
        return m

    def _relative_row(self, m: Module, entry):
        """Row of the one lane's entry; one beyond the last stays beyond it up to the column's end."""
        following = Signal(bits_for(self.config.rows))  # the row behind the entry before
        row = Signal(range(self.config.rows + (1 << self.config.index_bits)))
        m.d.comb += row.eq(Mux(self.i_taken.first, 0, following) + entry.index)
        with m.If(self.i_taken.valid[0]):
            m.d.sync += following.eq(Mux(row >= self.config.rows, self.config.rows, row + 1))
        return row
