"""What the source and the credits must do, for all activations and whatever the clusters do."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from amaranth.utils import bits_for

from ....hw.eie.config import EieConfig
from ....hw.eie.credits import Credits
from ....hw.eie.lowest_flag import LowestFlag
from ....hw.eie.machine_layouts import activation_line, job_layout
from ....hw.eie.source import Source
from ...formal import Assert, Assume, Cover

__all__ = ["CreditsSpec", "LowestFlagSpec", "SourceSpec"]

LINES = 2
"""Lines of activations that `SourceSpec` has."""


class LowestFlagSpec(wiring.Component):
    """For every mask: the lowest flag alone, its number, and whether there is one."""

    def __init__(self, size: int):
        self.size = size
        super().__init__({"flags": In(size)})

    def elaborate(self, platform) -> Module:
        """Design and assertions."""
        m = Module()
        m.submodules.dut = dut = LowestFlag(self.size)
        m.d.comb += dut.i_flags.eq(self.flags)
        lowest = self.flags & -self.flags
        m.d.comb += [
            Assert(dut.o_any == (self.flags != 0)),
            Assert(dut.o_lowest == lowest[: self.size]),
            Assert(Mux(dut.o_any, Const(1, self.size) << dut.o_position, 0) == dut.o_lowest),
            Assert(dut.o_any | (dut.o_position == 0)),
        ]
        return m


class CreditsSpec(wiring.Component):
    """Credits, columns on their way or in a queue, and credits on their way back are as many as the queue is deep.

    Broadcasts are decided only if all clusters have a credit; each gives up to three back for what it has.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__({"wanted": In(1), "leave": In(data.ArrayLayout(2, config.clusters))})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = Credits(self.config)
        depth = self.config.queue_depth
        m.d.comb += dut.i_sent.eq(self.wanted & dut.o_all)
        for number, (credit, leave) in enumerate(zip(dut.credits, self.leave, strict=True)):
            has, back = Signal(range(depth + 1), name=f"has_{number}"), Signal(2, name=f"back_{number}")
            m.d.comb += [
                Assume(leave <= has),
                dut.i_returned[number].eq(back),
                Assert(credit + has + back == depth),
                Assert(dut.o_none[number] == (credit == 0)),
                Assert(~dut.i_sent | (has < depth)),
            ]
            m.d.sync += [has.eq(has + dut.i_sent - leave), back.eq(leave)]
        return m


class SourceSpec(wiring.Component):
    """Every activation that is not zero is sent exactly once, in order and unchanged, and then the end; nothing else.

    The memory holds anything, and shows anything in cycles after those without a read; credits come and go. One column,
    whichever it is, is watched.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        line = activation_line(config)
        super().__init__(
            {
                "contents": In(data.ArrayLayout(line, LINES)),
                "rubbish": In(line),
                "columns": In(range(LINES * config.line_activations + 1)),
                "watched": In(range(LINES * config.line_activations)),
                "credit": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        config = self.config
        width = config.line_activations
        m.submodules.dut = dut = Source(config)
        started, read, line = Signal(), Signal(), Signal.like(dut.o_line)
        m.d.sync += [started.eq(1), read.eq(dut.o_read), line.eq(dut.o_line)]
        for port in (self.contents, self.columns, self.watched):
            before = Signal.like(bits := Value.cast(port), name="before", reset_less=True)
            m.d.sync += before.eq(bits)
            m.d.comb += Assume(~started | (before == bits))
        for stored in self.contents:
            for flag, value in zip(stored.flags, stored.values, strict=True):
                m.d.comb += Assume(flag == (value != 0))
        job = Signal(job_layout(config))
        m.d.comb += [
            Assume((self.columns != 0) & (self.columns <= LINES * width)),
            job.columns.eq(self.columns),
            job.pointers.eq(2),
            dut.i_start.eq(~started),
            dut.i_job.eq(job),
            dut.i_credit.eq(self.credit),
            dut.i_line.eq(Mux(read, Value.cast(self.contents[line[: bits_for(LINES - 1)]]), Value.cast(self.rubbish))),
            Assert(~dut.o_read | (dut.o_line < LINES)),
        ]
        root, sent, ended = dut.o_broadcast, Signal(), Signal()
        newest = Signal.like(root.pointer)  # of what was sent, 0 before
        values = [stored.values[place] for stored in self.contents for place in range(width)]
        value = Signal.like(root.activation)
        m.d.comb += value.eq(Array(values)[self.watched])
        due, hit = Signal(), Signal()
        m.d.comb += [
            due.eq((value != 0) & (self.watched < self.columns)),
            hit.eq(root.valid & (root.pointer == self.watched + 2)),
            Assert(~(root.valid & root.scan_end)),
            Assert(~ended | ~(root.valid | root.scan_end)),
            Assert(~root.valid | (root.pointer > newest)),
            Assert(~hit | (due & ~sent & (root.activation == value))),
            Assert(~root.scan_end | (sent == due)),
            Cover(root.scan_end & sent & (self.columns == LINES * width)),
        ]
        m.d.sync += [sent.eq(sent | hit), ended.eq(ended | root.scan_end)]
        with m.If(root.valid):
            m.d.sync += newest.eq(root.pointer)
        return m
