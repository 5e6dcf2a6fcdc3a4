"""Stored tiles on their way from the banks to the rows."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.emitter import UNINITIALISED
from .config import SnapChipConfig
from .tile_parser import WORD_BITS

__all__ = ["TileSlots", "stored_tile", "tile_tag"]


def tile_tag(config: SnapChipConfig, rows: int) -> data.StructLayout:
    """What goes with a tile to so many rows.

    ``number``: which of its step it is; ``rest``: it is one of a step that takes fewer tiles than there are columns;
    ``last``: the last one of its pixel; then ``slot`` (of psums), ``group_last`` (the last pixel of its group) and
    ``block_last`` (the last of its block) count. ``inside``: by row, whether there is such a pixel.
    """
    return data.StructLayout(
        {
            "number": range(config.core.core_columns),
            "rest": 1,
            "last": 1,
            "slot": config.core.slot_bits,
            "group_last": 1,
            "block_last": 1,
            "inside": rows,
        }
    )


def stored_tile(config: SnapChipConfig) -> data.StructLayout:
    """A stored tile and its tag. ``values``: one for each bit of ``bitmap``, from place 0 on."""
    return data.StructLayout(
        {
            "bitmap": config.tile_channels,
            "values": data.ArrayLayout(8, config.tile_channels),
            "tag": tile_tag(config, 1),
        }
    )


class TileSlots(wiring.Component):
    """A FIFO of whole tiles for each row. All rows get a tile at once, and let go of theirs when they like.

    Attributes
    ----------
    i_write, i_part, i_data
        Write these words of a tile, by row: as many as a row of a bank has, from ``i_part`` times so many on.
    i_push, i_tag
        The tiles are complete with this cycle.
    o_room
        Tiles for which there is room in every row.
    o_tiles
        By row: stream of `stored_tile`, from the cycle after the push on.
    o_empty
        No row has a tile.
    levels
        For proofs: tiles that each row has.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        pointer = exact_log2(config.tile_slots) + 1
        self.levels = [Signal(pointer, name=f"level_{row}") for row in range(config.banks)]
        super().__init__(
            {
                "i_write": In(config.banks),
                "i_part": In(range(max(config.tile_parts, 2))),
                "i_data": In(data.ArrayLayout(config.row_words * WORD_BITS, config.banks)),
                "i_push": In(1),
                "i_tag": In(tile_tag(config, config.banks)),
                "o_room": Out(range(config.tile_slots + 1)),
                "o_tiles": Out(stream.Signature(stored_tile(config))).array(config.banks),
                "o_empty": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        part_bits = config.row_words * WORD_BITS
        size = 8 * (config.bitmap_bytes + config.tile_channels)
        put = Signal.like(self.levels[0])
        m.d.sync += put.eq(put + self.i_push)

        m.submodules.tags = tags = self._memory(tile_tag(config, config.banks))
        write = tags.write_port()
        m.d.comb += [write.en.eq(self.i_push), write.addr.eq(put[:-1]), write.data.eq(self.i_tag)]
        full, rests = [], []
        for row, level in enumerate(self.levels):
            tile, at = self.o_tiles[row], Signal.like(put, name=f"at_{row}")
            m.d.sync += at.eq(at + (tile.valid & tile.ready))
            words = []
            for part, low in enumerate(range(0, size, part_bits)):
                width = min(part_bits, size - low)
                memory = self._memory(width)
                m.submodules[f"row_{row}_{part}"] = memory
                write, read = memory.write_port(), memory.read_port(domain="comb")
                m.d.comb += [
                    write.en.eq(self.i_write[row] & (self.i_part == part)),
                    write.addr.eq(put[:-1]),
                    write.data.eq(self.i_data[row][:width]),
                    read.addr.eq(at[:-1]),
                ]
                words.append(read.data)
            tag = tags.read_port(domain="comb")
            stored = Cat(words)
            m.d.comb += [
                level.eq(put - at),
                tile.valid.eq(level != 0),
                tag.addr.eq(at[:-1]),
                tile.payload.bitmap.eq(stored[: config.tile_channels]),
                tile.payload.values.eq(stored[config.tile_channels :]),
                tile.payload.tag.eq(Cat(tag.data.as_value()[: -config.banks], tag.data.inside[row])),
            ]
            full.append(config.tile_slots - level)
            rests.append(level != 0)
        room = full[0]
        for row, other in enumerate(full[1:], 1):
            least = Signal(range(config.tile_slots + 1), name=f"room_{row}")
            m.d.comb += least.eq(Mux(room < other, room, other))
            room = least
        m.d.comb += [self.o_room.eq(room), self.o_empty.eq(~Cat(rests).any())]
        return m

    def _memory(self, shape) -> Memory:
        return Memory(shape=shape, depth=self.config.tile_slots, init=[], attrs={UNINITIALISED: "1"})
