"""What queue, fetch cursor, taker and ring of lines must do together, for any columns."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ....hw.eie.column_reader import ColumnReader
from ....hw.eie.config import EieConfig
from ....hw.eie.layouts import column_layout, line_address, line_layout
from ...formal import Assert, Assume, Cover

__all__ = ["ReaderSpec"]


class NumberedLines(wiring.Component):
    """In place of the matrix memory: the index of every entry is its address."""

    def __init__(self, config: EieConfig):
        self.config = config
        address, line = line_address(config), line_layout(config).size
        super().__init__(
            {
                "i_write_enable": In(1), "i_write_address": In(address), "i_write_data": In(line),
                "i_read_enable": In(1), "i_read_address": In(address), "o_read_data": Out(line),
            }
        )  # fmt: skip

    def elaborate(self, platform) -> Module:
        """A register, as the memory has one."""
        m = Module()
        line = Signal(line_layout(self.config))
        with m.If(self.i_read_enable):
            for place in range(self.config.line_entries):
                m.d.sync += line[place].index.eq(self.i_read_address * self.config.line_entries + place)
        m.d.comb += self.o_read_data.eq(line)
        return m


class ReaderSpec(wiring.Component):
    """One column, any of all that come, is followed from the queue to the multipliers.

    Its entries come once, in order, none while a column before it is left, with its activation; it is popped with the
    last of them, and a column that is the oldest is popped after so many cycles at the latest.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__({"begin": In(1), "push": In(1), "column": In(column_layout(config)), "follow": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        config, column = self.config, self.column
        m.submodules.dut = dut = ColumnReader(config, NumberedLines(config))
        m.d.comb += [
            dut.i_begin.eq(self.begin),
            dut.i_push.eq(self.push),
            dut.i_column.eq(column),
            Assume(~self.begin | ((dut.o_count == 0) & ~self.push)),
            Assume(~self.push | (dut.o_count < config.queue_depth)),
            Assume((column.count <= config.rows) & (column.start + column.count <= config.entries)),
            Assume((column.count != 0) | (not config.skip_empty)),
            Assert(dut.o_count <= config.queue_depth),
            Assert(dut.o_pop <= dut.o_count),
        ]
        followed, kept = Signal(), Signal(column_layout(config))
        index, sent, age = Signal(bits_for(config.queue_depth)), Signal(bits_for(config.rows)), Signal(4)
        # What was taken is known a cycle later: so is how much of the column was sent.
        was_here, was_index, popped = Signal(), Signal.like(index), Signal()
        taken, entries = dut.o_taken, dut.o_entries
        first, others = taken.valid & ~taken.second, taken.valid & taken.second
        mine, before = Signal(config.lanes), Signal(bits_for(config.lanes))
        now = Signal.like(sent)
        m.d.comb += [
            mine.eq(Mux(was_here, Mux(was_index == 0, first, Mux(was_index == 1, others, 0)), 0)),
            before.eq(Mux(was_index == 0, 0, sum(first))),
            now.eq(sent + sum(mine)),
            Assert(~was_here | (popped == (now == kept.count)) | (kept.count == 0)),
            Assert((taken.valid & (taken.valid + 1)) == 0),  # from lane 0 on
            Assert((first & (first + 1)) == 0),
        ]
        for lane, entry in enumerate(entries):
            m.d.comb += [
                Assert(~mine[lane] | (entry.index == kept.start + sent + lane - before)),
                Assert(~mine[lane] | (taken.activations[taken.second[lane]] == kept.activation)),
            ]
        m.d.comb += Assert(~mine[0] | (taken.first == (sent == 0)))
        pops = followed & (dut.o_pop > index)
        m.d.sync += [sent.eq(now), was_here.eq(followed), was_index.eq(index), popped.eq(pops)]
        with m.If(followed):
            m.d.sync += [index.eq(index - dut.o_pop), followed.eq(~pops), age.eq(Mux(index == 0, age + 1, 0))]
        with m.Elif(self.push & self.follow & ~was_here):
            m.d.sync += [followed.eq(1), kept.eq(column), index.eq(dut.o_count - dut.o_pop), sent.eq(0), age.eq(0)]
        m.d.comb += [
            Assert(~followed | (index < dut.o_count)),
            Assert(age < 2 + config.rows),
            Cover(was_here & (was_index == 1) & mine.any() & Cat(popped).all()),
        ]
        return m
