"""Cuts the beats of segments into stored tiles."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.ranks import count_ones
from .config import WORD_BYTES, SnapChipConfig

__all__ = ["WORD_BITS", "TileParser", "tile_run"]

WORD_BITS = 8 * WORD_BYTES


def tile_run(config: SnapChipConfig) -> data.StructLayout:
    """Words of a stored tile that follow each other.

    ``more``: how many, less one; ``first``, ``last``: its first and last words are among them; ``words``: of the whole
    tile, less one.
    """
    return data.StructLayout(
        {
            "data": data.ArrayLayout(WORD_BITS, config.run_words),
            "more": range(config.run_words),
            "first": 1,
            "last": 1,
            "words": range(config.tile_words),
        }
    )


class TileParser(wiring.Component):
    """Several words of a stored tile a cycle, from a stream of beats; latency 1 cycle.

    How long a tile is, its bitmap says. Whoever takes the tiles knows which is the last of a segment; what is left of
    its beat is dropped.

    Attributes
    ----------
    i_beats
        Stream of beats.
    o_runs
        Stream of `tile_run`.
    i_final
        The tile whose run is offered is the last of its segment.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_beats": In(stream.Signature(config.data_bits)),
                "o_runs": Out(stream.Signature(tile_run(config))),
                "i_final": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, beats, runs = self.config, self.i_beats, self.o_runs
        width, most = config.beat_words, config.run_words
        beat, held, at = Signal(config.data_bits, reset_less=True), Signal(), Signal(range(width))
        left = Signal(range(config.tile_words))  # words of the tile less one, after its first run
        inside = Signal()

        words = [Cat(beat, beats.payload).word_select(at + place, WORD_BITS) for place in range(most)]
        length, more = Signal(range(config.tile_words)), Signal.like(left)
        needs_next, taken, after = Signal(), Signal(), Signal(range(2 * width + 1))
        m.d.comb += [
            length.eq(_words_after_first(config, words[0])),
            more.eq(Mux(inside, left, length)),
            Cat(runs.payload.data).eq(Cat(words)),
            runs.payload.more.eq(Mux(runs.payload.last, more, most - 1)),
            runs.payload.first.eq(~inside),
            runs.payload.last.eq(more < most),
            runs.payload.words.eq(more),
            needs_next.eq(at + runs.payload.more >= width),
            runs.valid.eq(held & (~needs_next | beats.valid)),
            taken.eq(runs.valid & runs.ready),
        ]
        ends, moves, skips = Signal(), Signal(), Signal()
        m.d.comb += [
            ends.eq(self.i_final & runs.payload.last),
            after.eq(at + 1 + runs.payload.more),
            # the beat that is held is used up; so is the one behind it
            moves.eq(taken & ((after >= width) | ends)),
            skips.eq(taken & ((after == 2 * width) | (after > width) & ends)),
            beats.ready.eq(~held | moves),
        ]
        with m.If(taken):
            if config.tile_words > most:  # else each tile is one run
                m.d.sync += inside.eq(~runs.payload.last)
            m.d.sync += [
                left.eq(more - most),
                at.eq(Mux(ends | (after == width) | (after == 2 * width), 0, Mux(after > width, after - width, after))),
            ]
        with m.If(~held | moves):
            m.d.sync += [held.eq(beats.valid & ~skips), beat.eq(beats.payload)]
        return m


def _words_after_first(config: SnapChipConfig, word: Value) -> Value:
    """Words of a tile besides its first, which has the bitmap."""
    stored = count_ones(word[: config.tile_channels])
    return (stored + config.bitmap_bytes - 1)[: bits_for(config.tile_channels) + 1] >> 3
