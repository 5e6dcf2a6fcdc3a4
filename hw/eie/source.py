"""Where broadcasts come from: a job's activations that are not zero, one a cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .config import EieConfig
from .layouts import broadcast_layout
from .line_ahead import LineAhead
from .lowest_flag import LowestFlag
from .machine_layouts import activation_line, job_layout

__all__ = ["Source"]


class Source(wiring.Component):
    """Reads a job's lines of activations, and sends those that are not zero in order, then ``scan_end``.

    There are two registers of a line: one whose lowest flag is sent in every cycle in which there is a credit, and one
    for the line behind it, which may wait. A line moves on in the cycle in which the last flag of the one before is
    sent, so no cycle is lost at its end; one without flags is dropped, wherever it is. `sim.eie.cycles` says in which
    cycle what happens; cycle 0 is the one after `i_start`.

    Attributes
    ----------
    i_start, i_job
        Begin with a job, `job_layout`. The one before must have sent its ``scan_end``.
    i_credit
        All clusters can take a broadcast.
    o_read, o_line, i_line
        To the activation memory: read this line; it comes a cycle later, `activation_line`.
    o_broadcast
        `broadcast_layout`: the root register.
    o_offered, o_sent, o_empty
        In this cycle: there is an activation to send; it is sent; there is none, but more may come.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_job": In(job_layout(config)),
                "i_credit": In(1),
                "o_read": Out(1),
                "o_line": Out(range(config.activation_lines)),
                "i_line": In(activation_line(config)),
                "o_broadcast": Out(broadcast_layout(config)),
                "o_offered": Out(1),
                "o_sent": Out(1),
                "o_empty": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, root = self.config, self.o_broadcast
        width = config.line_activations
        lowest, ahead = LowestFlag(width), LineAhead(config)
        m.submodules.lowest, m.submodules.ahead = shared(lowest), shared(ahead)
        flags, left = Signal(width), Signal(width)
        values = Signal(data.ArrayLayout(config.data_bits, width), reset_less=True)
        pointer = Signal.like(ahead.o_pointer, reset_less=True)  # of the line's first column
        over, ended = Signal(), Signal(init=1)  # before the first job nothing is to be said
        m.d.comb += [
            lowest.i_flags.eq(flags),
            left.eq(Mux(self.i_credit, flags & ~lowest.o_lowest, flags)),
            ahead.i_start.eq(self.i_start),
            ahead.i_job.eq(self.i_job),
            ahead.i_line.eq(self.i_line),
            ahead.i_next.eq(left == 0),
            over.eq(~lowest.o_any & ahead.o_over),
            self.o_read.eq(ahead.o_read),
            self.o_line.eq(ahead.o_line),
            self.o_offered.eq(lowest.o_any),
            self.o_sent.eq(lowest.o_any & self.i_credit),
            self.o_empty.eq(~lowest.o_any & ~over),
        ]
        m.d.sync += [
            flags.eq(left),
            ended.eq((ended | over) & ~self.i_start),
            root.valid.eq(self.o_sent),
            root.scan_end.eq(over & ~ended),
            root.pointer.eq(pointer + lowest.o_position),
            root.activation.eq(reduce(or_, (Mux(lowest.o_lowest[place], values[place], 0) for place in range(width)))),
        ]
        with m.If(ahead.o_moves):
            m.d.sync += [
                flags.eq(ahead.o_ahead.flags),
                values.eq(ahead.o_ahead.values.as_value()),
                pointer.eq(ahead.o_pointer),
            ]
        return m
