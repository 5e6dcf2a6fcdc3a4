"""Packs output pixels into stored tiles, and these into beats."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.compact import Compact
from ..emit.shared import shared
from .config import WORD_BYTES, SnapChipConfig
from .segment_writer import segment_beat
from .tile_parser import WORD_BITS

__all__ = ["TilePacker", "output_pixel"]


def output_pixel(config: SnapChipConfig) -> data.StructLayout:
    """The bytes of all channels of a stored tile; ``last``: the last one of its segment."""
    return data.StructLayout({"values": data.ArrayLayout(8, config.tile_channels), "last": 1})


class TilePacker(wiring.Component):
    """Leaves out the values that are the zero point, and packs what remains: bitmap, values, zeros up to a word.

    A segment is filled up to a beat with zeros. A pixel a cycle, as long as there are not more beats than cycles; the
    beat that a pixel completes is offered two cycles after the pixel was taken.

    Attributes
    ----------
    i_zero
        The zero point's byte.
    i_pixels
        Stream of `output_pixel`.
    o_beats
        Stream of `segment_beat`.
    o_idle
        Nothing is left of what was taken.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_zero": In(8),
                "i_pixels": In(stream.Signature(output_pixel(config))),
                "o_beats": Out(stream.Signature(segment_beat(config))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, pixels, beats = self.config, self.i_pixels, self.o_beats
        channels, width, most = config.tile_channels, config.beat_words, config.tile_words
        compact = Compact(channels, 8)
        m.submodules.compact = shared(compact)
        tile, words = Signal(most * WORD_BITS, reset_less=True), Signal(range(most + 1), reset_less=True)
        waits, final, moves = Signal(), Signal(reset_less=True), Signal()
        m.d.comb += [
            compact.i_values.eq(pixels.payload.values),
            compact.i_flags.eq(Cat(value != self.i_zero for value in pixels.payload.values)),
            pixels.ready.eq(~waits | moves),
        ]
        with m.If(pixels.ready):
            m.d.sync += [
                waits.eq(pixels.valid),
                tile.eq(Cat(compact.i_flags, compact.o_values)),
                words.eq((compact.o_count + (config.bitmap_bytes + WORD_BYTES - 1)) // WORD_BYTES),
                final.eq(pixels.payload.last),
            ]

        # Words that are no beat yet, and the tile behind them; zeros behind all.
        size = width - 1 + most
        held, level, ends = Signal(size * WORD_BITS), Signal(range(size + 1)), Signal()
        kept, left, taken, over = Signal.like(held), Signal.like(level), Signal(), Signal()
        m.d.comb += [
            beats.payload.data.eq(Cat(held, Const(0, config.data_bits))),
            beats.payload.last.eq(ends & (level <= width)),
            beats.valid.eq((level >= width) | ends),
            taken.eq(beats.valid & beats.ready),
            over.eq(taken & beats.payload.last),
            kept.eq(Mux(taken, held >> width * WORD_BITS, held)),
            left.eq(Mux(over, 0, Mux(taken, level - width, level))),
            moves.eq(waits & (left < width) & (~ends | over)),
            self.o_idle.eq(~waits & (level == 0)),
        ]
        placed = Signal.like(held)
        with m.Switch(left):
            for place in range(width):
                with m.Case(place):
                    m.d.comb += placed.eq(tile << place * WORD_BITS)
        m.d.sync += [
            held.eq(kept | Mux(moves, placed, 0)),
            level.eq(left + Mux(moves, words, 0)),
            ends.eq(Mux(moves, final, ends & ~over)),
        ]
        return m
