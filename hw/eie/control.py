"""Runs jobs of the list."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..common.ram import Ram
from ..emit.shared import shared
from .config import EieConfig
from .layouts import read_layout
from .machine_layouts import job_layout

__all__ = ["Control"]


class Control(wiring.Component):
    """Takes jobs through scan and read-out, one right after the other; clears the sums after reset and on request.

    The first job of a run begins four cycles after the one of `i_run`, each other one in the cycle after the last of
    the one before: the next job has been read by then.

    Attributes
    ----------
    i_write, i_number, i_job
        Write a job of the list.
    i_run, i_first, i_last
        Run the jobs from the first to the last.
    i_clear
        Clear all sums.
    i_done
        All clusters have done their part of the scan.
    o_start, o_next
        The cycle before a job's first one; the job, for the source.
    o_begin, o_scanning, o_reading_out
        First cycle of a job; its phases, in every cycle one of them.
    o_job
        The job, from its first cycle to its last.
    o_read, o_clear
        `read_layout`: rows to be read out; rows to be cleared.
    o_write, o_line
        In the cycle in which they come out: write a line of activations.
    o_busy
        Jobs run, or sums are cleared.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        job, number = job_layout(config), range(config.jobs)
        super().__init__(
            {
                "i_write": In(1),
                "i_number": In(number),
                "i_job": In(job),
                "i_run": In(1),
                "i_first": In(number),
                "i_last": In(number),
                "i_clear": In(1),
                "i_done": In(1),
                "o_start": Out(1),
                "o_next": Out(job),
                "o_begin": Out(1),
                "o_scanning": Out(1),
                "o_reading_out": Out(1),
                "o_job": Out(job),
                "o_read": Out(read_layout(config)),
                "o_clear": Out(read_layout(config)),
                "o_write": Out(1),
                "o_line": Out(range(config.activation_lines)),
                "o_busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        ends, running, clearing = Signal(), Signal(), Signal(init=1)  # nothing is known of the sums after reset
        self._list(m, ends, running)
        self._phases(m, ends)
        last_group = self.config.rows // self.config.readout_rows - 1
        group = Signal.like(self.o_clear.group)
        m.d.comb += [
            self.o_clear.valid.eq(clearing),
            self.o_clear.group.eq(group),
            self.o_busy.eq(running | clearing),
        ]
        with m.If(clearing):
            m.d.sync += [group.eq(Mux(group == last_group, 0, group + 1)), clearing.eq(group != last_group)]
        with m.If(self.i_clear):
            m.d.sync += clearing.eq(1)
        return m

    def _list(self, m: Module, ends: Signal, running: Signal) -> None:
        """Which job is next, and when it starts."""
        ram = Ram(job_layout(self.config).size, self.config.jobs)
        m.submodules.ram = shared(ram)
        number, last = Signal.like(self.i_first), Signal.like(self.i_last)  # of the next job to be read
        wanted, comes, here = Signal(), Signal(), Signal()  # it is to be read, it is read, nobody has begun it yet
        more, first = Signal(), Signal()
        m.d.comb += [
            ram.i_write_enable.eq(self.i_write),
            ram.i_write_address.eq(self.i_number),
            ram.i_write_data.eq(self.i_job),
            ram.i_read_enable.eq(wanted),
            ram.i_read_address.eq(number),
            self.o_start.eq((ends | first) & here),
        ]
        m.d.sync += [comes.eq(wanted), wanted.eq(0), self.o_begin.eq(self.o_start)]
        with m.If(wanted):
            m.d.sync += [more.eq(number != last), number.eq(number + 1)]
        with m.If(comes):
            m.d.sync += [self.o_next.eq(ram.o_read_data), here.eq(1)]
        with m.If(self.o_start):
            m.d.sync += [self.o_job.eq(self.o_next), here.eq(0), first.eq(0), wanted.eq(more)]
        with m.Elif(ends):
            m.d.sync += running.eq(0)
        with m.If(self.i_run):
            m.d.sync += [
                number.eq(self.i_first), last.eq(self.i_last), wanted.eq(1), first.eq(1), running.eq(1),
            ]  # fmt: skip

    def _phases(self, m: Module, ends: Signal) -> None:
        """Scan and read-out of a job."""
        config, job = self.config, self.o_job
        latency, rows = config.readout_latency, config.readout_rows
        step = Signal(range(config.rows // rows + latency))  # cycles of the read-out
        lines, reads_out, reads_last = Signal(range(config.rows // rows + 1)), Signal(), Signal()
        m.d.comb += [
            lines.eq((job.slots + rows - 1) >> exact_log2(rows)),
            reads_out.eq(self.o_scanning & self.i_done & ~job.keep),
            reads_last.eq(self.o_reading_out & (step == lines + latency - 1)),
            ends.eq((self.o_scanning & self.i_done & job.keep) | reads_last),
            self.o_read.valid.eq(self.o_reading_out & (step < lines)),
            self.o_read.group.eq(step),
            self.o_write.eq(self.o_reading_out & (step >= latency)),
        ]
        m.d.sync += step.eq(Mux(self.o_reading_out & ~reads_last, step + 1, 0))
        with m.If(self.o_write):
            m.d.sync += self.o_line.eq(self.o_line + 1)
        with m.If(self.o_scanning & self.i_done):
            m.d.sync += self.o_scanning.eq(0)
        with m.If(reads_last):
            m.d.sync += self.o_reading_out.eq(0)
        with m.If(reads_out):
            m.d.sync += self.o_reading_out.eq(1)
        with m.If(self.o_start):
            m.d.sync += [self.o_scanning.eq(1), self.o_line.eq(self.o_next.destination)]
