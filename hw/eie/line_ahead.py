"""The line of activations behind the one that is being sent."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import EieConfig
from .machine_layouts import activation_line, job_layout

__all__ = ["LineAhead"]


class LineAhead(wiring.Component):
    """Reads the lines of a job, each as soon as the one before has left; drops those of zeros.

    Cycle 0 of a job is the one after `i_start`: its first line is addressed then, and is here in cycle 1.

    Attributes
    ----------
    i_start, i_job
        Begin with a job, `job_layout`.
    o_read, o_line, i_line
        To the activation memory: read this line; it comes a cycle later, `activation_line`.
    i_next
        A line with flags is taken in this cycle, if there is one.
    o_moves, o_ahead, o_pointer
        There is one, and it is taken; it, without the flags behind the job's last column; address of the pointer of
        its first column.
    o_over
        There is no line here, and none will come.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_job": In(job_layout(config)),
                "o_read": Out(1),
                "o_line": Out(range(config.activation_lines)),
                "i_line": In(activation_line(config)),
                "i_next": In(1),
                "o_moves": Out(1),
                "o_ahead": Out(activation_line(config)),
                "o_pointer": Out(range(config.pointers)),
                "o_over": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, line, ahead = self.config, self.i_line, self.o_ahead
        width = config.line_activations
        bits = exact_log2(width)
        lines = -(-(config.pointers - 1) // width)
        left, rest, pointer = Signal(range(lines + 1)), Signal(bits), Signal.like(self.o_pointer)
        next_line = Signal.like(self.o_line)
        fresh, held, last, kept = Signal(), Signal(), Signal(), Signal.like(line, reset_less=True)
        here, leaves, mask = Signal(), Signal(), Signal(width)
        m.d.comb += [
            here.eq(fresh | held),
            # Of the last line, the columns that there are; if `rest` is 0, all.
            mask.eq(Mux(last & (rest != 0), ~(Const(-1, width) << rest), -1)),
            ahead.values.eq(Mux(held, kept.values.as_value(), line.values.as_value())),
            ahead.flags.eq(Mux(held, kept.flags, line.flags) & mask),
            leaves.eq(here & (self.i_next | (ahead.flags == 0))),
            self.o_moves.eq(here & self.i_next & (ahead.flags != 0)),
            self.o_read.eq((left != 0) & (~here | leaves)),
            self.o_line.eq(next_line),
            self.o_over.eq(~here & (left == 0)),
        ]
        m.d.sync += [fresh.eq(self.o_read), held.eq(here & ~leaves)]
        with m.If(fresh):
            m.d.sync += kept.eq(line)
        with m.If(self.o_read):
            m.d.sync += [
                next_line.eq(next_line + 1),
                left.eq(left - 1),
                last.eq(left == 1),
                self.o_pointer.eq(pointer),
                pointer.eq(pointer + width),
            ]
        with m.If(self.i_start):
            job = self.i_job
            m.d.sync += [
                next_line.eq(job.source),
                left.eq((job.columns + width - 1) >> bits),
                rest.eq(job.columns),
                pointer.eq(job.pointers),
            ]
        return m
