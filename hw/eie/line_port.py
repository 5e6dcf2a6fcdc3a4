"""Gives lines of activations to the outside."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import EieConfig
from .machine_layouts import activation_line, part_layout

__all__ = ["LinePort"]


class LinePort(wiring.Component):
    """Reads lines and sends them part by part; a part a cycle, but for two cycles before a line's first one.

    Attributes
    ----------
    i_start, i_first, i_last
        Give the lines from the first to the last.
    o_read, o_line, i_line
        To the activation memory: read this line; it comes a cycle later, `activation_line`.
    o_parts
        Stream of `part_layout`, the lowest part of a line first.
    o_busy
        Not all of them were taken.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        line = range(config.activation_lines)
        super().__init__(
            {
                "i_start": In(1),
                "i_first": In(line),
                "i_last": In(line),
                "o_read": Out(1),
                "o_line": Out(line),
                "i_line": In(activation_line(config)),
                "o_parts": Out(stream.Signature(part_layout(config))),
                "o_busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, out = self.config, self.o_parts
        size, parts = config.part_activations * config.data_bits, config.line_parts
        line, last = Signal.like(self.o_line, reset_less=True), Signal.like(self.o_line, reset_less=True)
        comes, left = Signal(), Signal(range(parts + 1))  # parts that were not taken
        held = Signal(parts * size, reset_less=True)
        m.d.comb += [
            self.o_read.eq(self.o_busy & ~comes & (left == 0)),
            self.o_line.eq(line),
            out.valid.eq(left != 0),
            out.payload.eq(held[:size]),
        ]
        m.d.sync += comes.eq(self.o_read)
        with m.If(comes):
            m.d.sync += [held.eq(self.i_line.values.as_value()), left.eq(parts)]
        with m.If(out.valid & out.ready):
            m.d.sync += [held.eq(held >> size), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.sync += [line.eq(line + 1), self.o_busy.eq(line != last)]
        with m.If(self.i_start):
            m.d.sync += [line.eq(self.i_first), last.eq(self.i_last), self.o_busy.eq(1)]
        return m
