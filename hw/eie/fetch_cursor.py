"""Fetch cursor: reads the lines of the queued columns ahead of those who take their entries."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from .config import EieConfig
from .layouts import column_layout, line_address, line_number

__all__ = ["FetchCursor"]


class FetchCursor(wiring.Component):
    """A line or a column a cycle; a column's last line and the step to the next column are one cycle.

    A column that begins in the line that was read last shares it. All outputs are of the same cycle as the inputs.

    Attributes
    ----------
    i_begin
        First cycle of a job, which shares no line with the one before. No column is here.
    i_valid, i_column
        The oldest column that it has not passed, if there is one.
    i_held
        Lines read that are still needed, up to ``line_buffer``.
    o_read, o_address
        Read this line.
    o_pass
        Done with the column.
    o_mark, o_slot
        The column begins in this line; said until one of its lines is read or it is passed.
    o_begun
        Register: a line of the column was read.
    o_lines
        Register: lines read.
    o_kept
        Register: the newest line is one of this job, and may be shared.
    newest, rest
        Registers: address of the line that was read last; lines of a begun column that are left, less 1 (for proofs
        only).
    """

    def __init__(self, config: EieConfig):
        self.config = config
        self.newest = Signal(line_address(config), name="newest", reset_less=True)
        self.rest = Signal(range(2 + config.rows // config.line_entries), name="rest", reset_less=True)
        super().__init__(
            {
                "i_begin": In(1),
                "i_valid": In(1),
                "i_column": In(column_layout(config)),
                "i_held": In(bits_for(config.line_buffer)),
                "o_read": Out(1),
                "o_address": Out(line_address(config)),
                "o_pass": Out(1),
                "o_mark": Out(1),
                "o_slot": Out(line_number(config)),
                "o_begun": Out(1),
                "o_lines": Out(line_number(config)),
                "o_kept": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, column, newest, rest = self.config, self.i_column, self.newest, self.rest
        shift = exact_log2(config.line_entries)
        first, offset = column.start[shift:], column.start[:shift]
        empty, shared, nothing = Signal(), Signal(), Signal()
        more, left = Signal.like(rest), Signal.like(rest)  # lines after the first, after the one to read now
        m.d.comb += [
            empty.eq(column.count == 0),
            shared.eq(self.o_kept & (first == newest)),
            more.eq((offset + column.count - 1) >> shift),
            nothing.eq(~self.o_begun & (empty | (shared & (more == 0)))),
            left.eq(Mux(self.o_begun, rest, more - shared)),
            self.o_read.eq(self.i_valid & ~nothing & (self.i_held < config.line_buffer)),
            self.o_address.eq(Mux(self.o_begun | shared, newest + 1, first)),
            self.o_pass.eq(self.i_valid & (nothing | (self.o_read & (left == 0)))),
            self.o_mark.eq(self.i_valid & ~self.o_begun),
            self.o_slot.eq(self.o_lines - (self.o_kept & (shared | empty))),
        ]
        with m.If(self.i_begin):
            m.d.sync += self.o_kept.eq(0)
        with m.If(self.o_read):
            m.d.sync += [
                newest.eq(self.o_address),
                rest.eq(left - 1),
                self.o_begun.eq(left != 0),
                self.o_lines.eq(self.o_lines + 1),
                self.o_kept.eq(1),
            ]
        return m
