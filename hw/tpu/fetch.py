"""Fetches a program's instructions."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus.axi import request_layout
from .config import TpuConfig
from .isa import INSTRUCTION_BITS
from .layouts import instruction_layout

__all__ = ["COUNT_BITS", "Fetch"]

COUNT_BITS = 24
"""Of the instructions of a program."""


class Fetch(wiring.Component):
    """Asks for all beats of a program, and takes instructions out of them: several of a beat, or one of several.

    Beats are asked for from the cycle after `i_start` on. An instruction is offered in the cycle after its last beat
    was taken; those of one beat, in cycles that follow each other, and the next beat is taken with the last of them.

    Attributes
    ----------
    i_start, i_address, i_count
        Begin a program of so many instructions at this beat of memory.
    o_requests, i_beats
        To memory and back; ahead of their use as far as there is room for.
    o_instructions
        Stream of instructions.
    o_end
        All instructions have been taken; of a program of none, from the cycle after `i_start` on.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        bus = config.bus
        super().__init__(
            {
                "i_start": In(1),
                "i_address": In(bus.beat_address_bits),
                "i_count": In(COUNT_BITS),
                "o_requests": Out(stream.Signature(request_layout(bus))),
                "i_beats": In(stream.Signature(bus.data_bits)),
                "o_instructions": Out(stream.Signature(instruction_layout())),
                "o_end": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, out, request = self.config, self.o_instructions, self.o_requests
        width = config.bus.data_bits
        per_beat, per_instruction = max(1, width // INSTRUCTION_BITS), max(1, INSTRUCTION_BITS // width)
        left = Signal(COUNT_BITS)  # instructions that were not taken
        held = Signal(max(width, INSTRUCTION_BITS), reset_less=True)
        parts, whole = Signal(range(per_beat + 1)), Signal()  # instructions held
        beat = Signal(range(per_instruction))
        taken, comes = Signal(), Signal()
        m.d.comb += [
            out.payload.eq(held[:INSTRUCTION_BITS]),
            out.valid.eq((parts != 0) & (left != 0)),
            taken.eq(out.valid & out.ready),
            self.o_end.eq(left == 0),
            self.i_beats.ready.eq((parts == 0) | ((parts == 1) & taken)),
            comes.eq(self.i_beats.valid & self.i_beats.ready),
            whole.eq(beat == per_instruction - 1),
        ]
        with m.If(taken):
            m.d.sync += [left.eq(left - 1), parts.eq(parts - 1), held.eq(held >> INSTRUCTION_BITS)]
        with m.If(comes):
            m.d.sync += [
                # A beat is whole instructions, or comes in at the top of one.
                held.eq(self.i_beats.payload if per_instruction == 1 else Cat(held, self.i_beats.payload)[width:]),
                parts.eq(Mux(whole, per_beat, 0)),
            ]
            if per_instruction > 1:
                m.d.sync += beat.eq(beat + 1)
        with m.If(request.ready):
            m.d.sync += request.valid.eq(0)
        with m.If(self.i_start):
            m.d.sync += [left.eq(self.i_count), parts.eq(0), beat.eq(0)]
            beats = (self.i_count * per_instruction + per_beat - 1) >> exact_log2(per_beat)
            m.d.sync += [
                request.valid.eq(1),
                request.payload.address.eq(self.i_address),
                request.payload.beats.eq(beats),
            ]
        return m
