"""Turns stored tiles into beats of a core's activation stream."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.ranks import count_ones, first_ones
from ..snap.config import SnapConfig
from ..snap.layouts import activation_beat
from .config import SnapChipConfig
from .layer import diagonal_fields, layer_fields
from .tile_slots import stored_tile

__all__ = ["VALUE_BITS", "TileExpander", "narrow_core"]

VALUE_BITS = 9
"""Width of a value of 8 bits, signed or not, less a zero point: -255 to 255."""


def narrow_core(config: SnapChipConfig) -> SnapConfig:
    """The core, were its operands as wide as activations can be: for layouts."""
    return config.core.replace(data_bits=VALUE_BITS)


class TileExpander(wiring.Component):
    """Beats of up to `beat_entries` activations with their c-idx, from the stored tiles of a row's pixels.

    A step over channels gives each core column its part of them. A full step has a tile a column; the parts of one with
    fewer tiles begin at the channels ``cut_n``. In diagonal mode a step has one tile, for all columns. A beat ends with
    its part and with its tile. A pixel that has no value left for its last beat ends with an empty one. A beat a cycle;
    latency 1.

    Attributes
    ----------
    i_layer
        Of the command.
    i_tiles
        Stream of `stored_tile`.
    o_beats
        Stream of `activation_beat` for operands of `VALUE_BITS`.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        self.cuts = tuple(f"cut_{column}" for column in range(1, config.core.core_columns))
        super().__init__(
            {
                "i_layer": In(
                    layer_fields("in_zero", "signed_inputs", *self.cuts, *diagonal_fields(config, "diagonal"))
                ),
                "i_tiles": In(stream.Signature(stored_tile(config))),
                "o_beats": Out(stream.Signature(activation_beat(narrow_core(config)))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, tile, beats = self.config, self.i_layer, self.i_tiles.payload, self.o_beats
        channels, width = config.tile_channels, config.core.beat_entries
        done, used = Signal(channels), Signal(range(channels))
        left, part, chosen, offset = (
            Signal(channels),
            Signal(channels),
            Signal(channels),
            Signal(config.core.index_bits),
        )
        free, over, empty = Signal(), Signal(), Signal()
        beat, mask = Signal(activation_beat(narrow_core(config))), Signal(config.core.core_columns)

        m.d.comb += left.eq(tile.bitmap & ~done)
        self._part(m, left, part, mask, offset)
        places, picked = first_ones(m, "place", part, width)
        m.d.comb += [
            chosen.eq(picked),
            empty.eq(left == 0),
            over.eq((left & ~chosen) == 0),
            beat.count.eq(count_ones(chosen)),
            beat.mask.eq(Mux(empty, 0, mask)),
            beat.last.eq(over & tile.tag.last),
            beat.slot.eq(tile.tag.slot),
            beat.classes.eq(1),
            beat.group_last.eq(tile.tag.group_last),
            free.eq(~beats.valid | beats.ready),
            self.i_tiles.ready.eq(free & over),
        ]
        for lane, entry in enumerate(beat.entries):
            value = Signal(8, name=f"value_{lane}")
            m.d.comb += [
                value.eq(tile.values.as_value().word_select((used + lane)[: len(used)], 8)),
                entry.index.eq(places[lane] + offset),
                entry.value.eq(Mux(layer.signed_inputs, value.as_signed(), value) - layer.in_zero),
            ]
        with m.If(free):
            m.d.sync += [beats.valid.eq(self.i_tiles.valid & (~empty | tile.tag.last)), beats.payload.eq(beat)]
            with m.If(self.i_tiles.valid):
                m.d.sync += [done.eq(Mux(over, 0, done | chosen)), used.eq(Mux(over, 0, used + beat.count))]
        return m

    def _part(self, m: Module, left, part, mask, offset) -> None:
        """Of the bits that are left, those of the first column that has any; which it is; what makes places c-idx."""
        config, layer, tag = self.config, self.i_layer, self.i_tiles.payload.tag
        channels, columns = config.tile_channels, config.core.core_columns
        first = Signal(range(columns * channels))  # channel of the step
        m.d.comb += first.eq(tag.number * channels)
        cuts = [Const(0), *(layer[name] for name in self.cuts)]
        found = Const(0, 1)
        for column in range(columns):
            below = Signal(channels, name=f"below_{column}")  # channels before the next column's
            whole = tag.number <= column
            if column == columns - 1:
                m.d.comb += below.eq(~0)
            else:
                cut = cuts[column + 1]
                m.d.comb += below.eq(
                    Mux(tag.rest, Cat(first + place < cut for place in range(channels)), whole.replicate(channels))
                )
            here = Signal(name=f"here_{column}")
            m.d.comb += here.eq((left & below).any() & ~found)
            with m.If(here):
                start = Mux(tag.rest, cuts[column], first)
                receivers = 1 << column
                if config.global_accumulator:
                    receivers = Mux(layer.diagonal, (1 << columns) - 1, receivers)
                m.d.comb += [part.eq(left & below), mask.eq(receivers), offset.eq(first - start)]
            found = found | here
