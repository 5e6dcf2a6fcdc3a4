"""Maximum of the stored tiles that a row gets."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.spread import Spread
from ..emit.shared import shared
from .config import SnapChipConfig
from .layer import layer_fields
from .tile_slots import stored_tile

__all__ = ["MaxPool"]


class MaxPool(wiring.Component):
    """The largest value of each channel over the tiles of a block, one for each tap of the window.

    A tile of a pixel that the image doesn't have counts for nothing, a channel that a tile doesn't store as the zero
    point. A tile a cycle; a block's maximum comes a cycle after its last tile.

    Attributes
    ----------
    i_layer
        Of the command.
    i_tiles
        Stream of `stored_tile`.
    o_pixels
        Stream of bytes, one a channel.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_layer": In(layer_fields("in_zero", "signed_inputs")),
                "i_tiles": In(stream.Signature(stored_tile(config))),
                "o_pixels": Out(stream.Signature(data.ArrayLayout(8, config.tile_channels))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, tiles, out = self.config, self.i_layer, self.i_tiles, self.o_pixels
        tile, tag = tiles.payload, tiles.payload.tag
        spread = Spread(config.tile_channels, 8)
        m.submodules.spread = shared(spread)
        m.d.comb += [
            spread.i_values.eq(tile.values),
            spread.i_flags.eq(tile.bitmap),
            spread.i_fill.eq(layer.in_zero),
            tiles.ready.eq(~out.valid | out.ready),
        ]
        # Values and maximum with the sign inverted if they are signed, so that they compare as unsigned numbers.
        best = Signal(data.ArrayLayout(8, config.tile_channels))
        sign, ends, takes = Signal(8), Signal(), Signal()
        m.d.comb += [
            sign.eq(Mux(layer.signed_inputs, 0x80, 0)),
            takes.eq(tiles.valid & tiles.ready),
            ends.eq(takes & tag.last & tag.block_last),
        ]
        for channel in range(config.tile_channels):
            value, most = Signal(8, name=f"value_{channel}"), Signal(8, name=f"most_{channel}")
            m.d.comb += [
                value.eq(spread.o_values[channel] ^ sign),
                most.eq(Mux(tag.inside & (value > best[channel]), value, best[channel])),
            ]
            with m.If(takes):
                m.d.sync += best[channel].eq(Mux(ends, Const(0, 8), most))
            with m.If(ends):
                m.d.sync += out.payload[channel].eq(most ^ sign)
        with m.If(tiles.ready):
            m.d.sync += out.valid.eq(ends)
        return m
