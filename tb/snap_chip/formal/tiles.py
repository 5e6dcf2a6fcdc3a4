"""What comes out of stored tiles must be what went in: packing, parsing and expanding together."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.snap_chip.config import SnapChipConfig
from ....hw.snap_chip.tile_expander import TileExpander
from ....hw.snap_chip.tile_packer import TilePacker
from ....hw.snap_chip.tile_parser import TileParser
from ...formal import Assert, Assume, Cover

__all__ = ["TilesSpec"]

ZERO = 3
PIXELS = 2


class TilesSpec(wiring.Component):
    """Each value of a pixel that isn't the zero point comes out once, with its channel, in order, and nothing else.

    The first pixels after reset, with any of their values there, cut into segments anyhow; whoever stalls. The
    hardware compares values with the zero point and otherwise only moves them, so that it is enough if each has a
    number of its own.

    Parameters
    ----------
    config
        The chip's, with tiles of a single run.
    """

    def __init__(self, config: SnapChipConfig):
        assert config.tile_words <= config.run_words
        self.config = config
        super().__init__(
            {
                "flags": In(config.tile_channels).array(PIXELS),
                "last": In(PIXELS),
                "valid": In(1),
                "moves": In(1),
                "ready": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        """The three parts in a row, the pixels, and assertions."""
        m = Module()
        config = self.config
        channels = config.tile_channels
        m.submodules.packer = packer = TilePacker(config)
        m.submodules.parser = parser = TileParser(config)
        m.submodules.expander = expander = TileExpander(config)
        # What the pixels are doesn't change.
        pixels, first = [Signal(channels + 1, name=f"pixel_{number}") for number in range(PIXELS)], Signal(init=1)
        m.d.sync += first.eq(0)
        for number, pixel in enumerate(pixels):
            given = Cat(self.flags[number], self.last[number])
            m.d.sync += pixel.eq(given)
            m.d.comb += Assume(first | (given == pixel))
        given = Array(Cat(self.flags[number], self.last[number]) for number in range(PIXELS))
        packed, parsed, shown = (Signal(range(PIXELS + 1), name=name) for name in ("packed", "parsed", "shown"))

        pixel = given[packed]
        m.d.comb += [
            packer.i_zero.eq(ZERO),
            packer.i_pixels.valid.eq(self.valid & (packed != PIXELS)),
            packer.i_pixels.payload.last.eq(pixel[-1] | (packed == PIXELS - 1)),
        ]
        for channel in range(channels):
            value = Mux(pixel[channel], number_of(channels, packed, channel), ZERO)
            m.d.comb += packer.i_pixels.payload.values[channel].eq(value)
        m.d.sync += packed.eq(packed + (packer.i_pixels.valid & packer.i_pixels.ready))

        m.d.comb += [
            parser.i_beats.payload.eq(packer.o_beats.payload.data),
            parser.i_beats.valid.eq(packer.o_beats.valid & self.moves),
            packer.o_beats.ready.eq(parser.i_beats.ready & self.moves),
        ]
        run, tile = parser.o_runs.payload, expander.i_tiles.payload
        stored = Cat(run.data)
        m.d.comb += [
            parser.i_final.eq(given[parsed][-1] | (parsed == PIXELS - 1)),
            expander.i_tiles.valid.eq(parser.o_runs.valid),
            parser.o_runs.ready.eq(expander.i_tiles.ready),
            tile.bitmap.eq(stored[:channels]),
            tile.values.eq(stored[channels:][: 8 * channels]),
            tile.tag.last.eq(1),
            expander.i_layer.in_zero.eq(ZERO),
            expander.o_beats.ready.eq(self.ready),
        ]
        taken = parser.o_runs.valid & parser.o_runs.ready
        m.d.sync += parsed.eq(parsed + taken)
        m.d.comb += Assert(~parser.o_runs.valid | (run.first & run.last & (parsed != PIXELS)))
        self._compare(m, expander.o_beats, given, shown)
        return m

    def _compare(self, m: Module, beats, given, shown) -> None:
        """Entries one after the other."""
        channels = self.config.tile_channels
        beat, taken, seen = beats.payload, beats.valid & self.ready, Signal(channels)
        after = seen
        for lane, entry in enumerate(beat.entries):
            here = taken & (lane < beat.count)
            bit = Signal(channels, name=f"bit_{lane}")
            m.d.comb += [
                bit.eq(Mux(here, Const(1, channels) << entry.index, 0)),
                Assert(~here | (entry.value == number_of(channels, shown, entry.index) - ZERO)),
                Assert(~here | ((after >> entry.index) == 0)),
            ]
            after = after | bit
        ends = taken & beat.last
        m.d.sync += [seen.eq(Mux(ends, 0, after)), shown.eq(shown + ends)]
        m.d.comb += [
            Assert(~beats.valid | (shown != PIXELS)),
            Assert(~ends | (after == given[shown][:channels])),
            Cover(ends & (shown == PIXELS - 1)),
        ]


def number_of(channels: int, pixel, channel):
    """A number of its own for each value, other than the zero point."""
    return (pixel + 1) * channels + channel
