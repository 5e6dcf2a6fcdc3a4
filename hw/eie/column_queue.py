"""Queue of the columns that a cluster has yet to work on (EIE, section IV: activation queue)."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from ..emit.emitter import UNINITIALISED
from .config import EieConfig
from .layouts import column_layout, line_number, queued_column

__all__ = ["ColumnQueue"]


class ColumnQueue(wiring.Component):
    """``queue_depth`` columns: the two oldest are read, and the oldest that the fetch cursor has not passed.

    What is written in a cycle is there in the next. The writer knows that there is room, the readers what is queued:
    nothing here checks.

    Attributes
    ----------
    i_push, i_column
        A column comes.
    i_mark, i_slot
        The cursor's column begins in this line.
    i_pass
        The cursor goes on to the next column.
    i_pop
        So many of the oldest columns are used up; the cursor has passed them.
    o_columns
        The two oldest.
    o_next, o_waiting
        The cursor's column, and whether there is one.
    o_passed, o_count
        How many columns the cursor has passed, and how many there are.
    popped, passed, pushed
        Registers: columns that were used up, passed, written; modulo twice the memory's size (for proofs only).
    """

    def __init__(self, config: EieConfig):
        self.config = config
        bits = max(1, ceil_log2(config.queue_depth))
        self.popped, self.passed, self.pushed = (Signal(bits + 1, name=name) for name in ("popped", "passed", "pushed"))
        super().__init__(
            {
                "i_push": In(1),
                "i_column": In(column_layout(config)),
                "i_mark": In(1),
                "i_slot": In(line_number(config)),
                "i_pass": In(1),
                "i_pop": In(range(3)),
                "o_columns": Out(data.ArrayLayout(queued_column(config), 2)),
                "o_next": Out(column_layout(config)),
                "o_waiting": Out(1),
                "o_passed": Out(bits_for(config.queue_depth)),
                "o_count": Out(bits_for(config.queue_depth)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        popped, passed, pushed = self.popped, self.passed, self.pushed
        bits = len(popped) - 1

        def memory(name: str, shape) -> Memory:
            m.submodules[name] = made = Memory(shape=shape, depth=1 << bits, init=[], attrs={UNINITIALISED: "1"})
            return made

        # The cursor comes later than the writer: what it knows is in a memory of its own.
        columns, slots = memory("columns", column_layout(self.config)), memory("slots", line_number(self.config))
        write, mark, cursor = columns.write_port(), slots.write_port(), columns.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.i_push),
            write.addr.eq(pushed),
            write.data.eq(self.i_column),
            mark.en.eq(self.i_mark),
            mark.addr.eq(passed),
            mark.data.eq(self.i_slot),
            cursor.addr.eq(passed),
            self.o_next.eq(cursor.data),
            self.o_waiting.eq(passed != pushed),
            self.o_passed.eq((passed - popped)[: bits + 1]),
            self.o_count.eq((pushed - popped)[: bits + 1]),
        ]
        for number, shown in enumerate(self.o_columns):
            column, slot = columns.read_port(domain="comb"), slots.read_port(domain="comb")
            m.d.comb += [
                column.addr.eq(popped + number),
                slot.addr.eq(popped + number),
                shown.column.eq(column.data),
                shown.slot.eq(slot.data),
            ]
        m.d.sync += [
            pushed.eq(pushed + self.i_push),
            passed.eq(passed + self.i_pass),
            popped.eq(popped + self.i_pop),
        ]
        return m
