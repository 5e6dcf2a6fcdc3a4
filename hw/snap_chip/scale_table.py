"""Biases and factors of the kernels at work."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..emit.emitter import UNINITIALISED
from .config import SnapChipConfig
from .layer import layer_fields

__all__ = ["ROUND_COUNT_BITS", "SCALE_BITS", "ScaleTable", "kernel_scale"]

SCALE_BITS = 64

ROUND_COUNT_BITS = 2
"""Rounds are counted modulo a number that is greater than that of the rounds in the table."""


def kernel_scale() -> data.StructLayout:
    """What a kernel's sums become outputs with: ``bias`` (int32), ``factor`` (bits of a float32)."""
    return data.StructLayout({"bias": 32, "factor": 32})


class ScaleTable(wiring.Component):
    """Scales of two rounds for every core, one at work and one loaded ahead; read without latency.

    A scale a cycle is loaded. A round's place is free when all ports have left the round.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_beats
        Stream of beats: scales of each round, core, kernel; all of them again for each region.
    o_rounds
        Rounds of the layer that were loaded, modulo 2**`ROUND_COUNT_BITS`.
    i_rounds
        By port (core * ports + port): the round that it is in, counted likewise.
    i_kernels
        By port: the kernel of its round whose scale it reads; there must be such a round.
    o_scales
        By port: `kernel_scale`.
    """

    fields = ("kernels",)

    def __init__(self, config: SnapChipConfig):
        self.config = config
        ports = config.cores * config.banks
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields)),
                "i_beats": In(stream.Signature(config.data_bits)),
                "o_rounds": Out(ROUND_COUNT_BITS),
                "i_rounds": In(data.ArrayLayout(ROUND_COUNT_BITS, ports)),
                "i_kernels": In(data.ArrayLayout(range(config.core_kernels), ports)),
                "o_scales": Out(data.ArrayLayout(kernel_scale(), ports)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beats, number = self.config, self.i_beats, self.o_rounds
        words = config.data_bits // SCALE_BITS
        word, core, kernel = Signal(range(words)), Signal(range(config.cores)), Signal(range(config.core_kernels))
        last_word, last_core, last_kernel, room, loads = (Signal() for _ in range(5))
        ahead = [Signal(ROUND_COUNT_BITS, name=f"ahead_{port}") for port in range(len(self.i_rounds))]
        m.d.comb += [count.eq(number - place) for count, place in zip(ahead, self.i_rounds, strict=True)]
        m.d.comb += [
            room.eq(~Cat(count[1] for count in ahead).any()),
            last_word.eq(word == words - 1),
            last_kernel.eq(kernel + 1 == self.i_layer.kernels),
            last_core.eq(core == config.cores - 1),
            loads.eq(beats.valid & room),
            beats.ready.eq(room & last_word),
        ]
        with m.If(loads):
            m.d.sync += [
                word.eq(Mux(last_word, 0, word + 1)),
                kernel.eq(Mux(last_kernel, 0, kernel + 1)),
            ]
            with m.If(last_kernel):
                m.d.sync += [core.eq(Mux(last_core, 0, core + 1)), number.eq(number + last_core)]
        with m.If(self.i_start):
            m.d.sync += number.eq(0)

        for this in range(config.cores):
            m.submodules[f"core_{this}"] = memory = Memory(
                shape=SCALE_BITS, depth=2 * config.core_kernels, init=[], attrs={UNINITIALISED: "1"}
            )
            write = memory.write_port()
            m.d.comb += [
                write.en.eq(loads & (core == this)),
                write.addr.eq(Cat(kernel, number[0])),
                write.data.eq(beats.payload.word_select(word, SCALE_BITS)),
            ]
            for port in range(this * config.banks, (this + 1) * config.banks):
                read = memory.read_port(domain="comb")
                m.d.comb += [
                    read.addr.eq(Cat(self.i_kernels[port], self.i_rounds[port][0])),
                    self.o_scales[port].eq(read.data),
                ]
        return m
