"""Maximum pooling of a row's pixels."""

# Fields of layouts are values of classes that no checker can know.
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.spread import Spread
from ..emit.shared import shared
from .config import SnapChipConfig
from .layer import layer_fields
from .tile_slots import stored_tile

__all__ = ["PoolRow"]


class PoolRow(wiring.Component):
    """The greatest byte of each channel among the stored tiles of a block, that is, of an output pixel.

    Where no tile is inside the image the result is the least value of the type. A tile a cycle; what a block's last
    tile completes is offered two cycles after it was taken.

    Attributes
    ----------
    i_layer
        Of the command.
    i_tiles
        Stream of `stored_tile`; its ``last`` with ``block_last`` ends the block.
    i_inside
        The tile that is offered is of a pixel inside the image; others don't count.
    o_words
        Stream of a byte a channel.
    o_idle
        Nothing is left of what was taken.
    """

    fields = ("in_zero", "signed_inputs")

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_layer": In(layer_fields(*self.fields)),
                "i_tiles": In(stream.Signature(stored_tile(config))),
                "i_inside": In(1),
                "o_words": Out(stream.Signature(data.ArrayLayout(8, config.tile_channels))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, tile, words = self.config, self.i_layer, self.i_tiles.payload, self.o_words
        spread = Spread(config.tile_channels, 8)
        m.submodules.spread = shared(spread)
        waits, moves, begins, over, inside = Signal(), Signal(), Signal(init=1), Signal(), Signal(reset_less=True)
        values = Signal(data.ArrayLayout(8, config.tile_channels), reset_less=True)
        m.d.comb += [
            spread.i_values.eq(tile.values),
            spread.i_flags.eq(tile.bitmap),
            spread.i_fill.eq(layer.in_zero),
            moves.eq(waits & (~words.valid | words.ready)),
            self.i_tiles.ready.eq(~waits | moves),
            self.o_idle.eq(~waits & ~words.valid),
        ]
        with m.If(self.i_tiles.ready):
            m.d.sync += [
                waits.eq(self.i_tiles.valid),
                over.eq(tile.tag.last & tile.tag.block_last),
                inside.eq(self.i_inside),
                values.eq(spread.o_values),
            ]
        with m.If(words.ready):
            m.d.sync += words.valid.eq(0)
        with m.If(moves):
            m.d.sync += [words.valid.eq(over), begins.eq(over)]
        least = Cat(Const(0, 7), layer.signed_inputs)
        for value, most in zip(values, words.payload, strict=True):
            # With its sign turned over a signed number is compared like one without.
            this, other = (Cat(number[:7], number[7] ^ layer.signed_inputs) for number in (value, most))
            with m.If(moves & inside & (begins | (this > other))):
                m.d.sync += most.eq(value)
            with m.Elif(moves & begins):
                m.d.sync += most.eq(least)
        return m
