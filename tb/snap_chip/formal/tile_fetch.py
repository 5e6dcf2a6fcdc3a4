"""What fetching must keep to, whatever the directories say and whichever rows let go of their tiles."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from ....hw.snap_chip.config import SnapChipConfig
from ....hw.snap_chip.ia_bank import directory_entry
from ....hw.snap_chip.tile_fetch import TileFetch, fetch_request
from ....hw.snap_chip.tile_slots import TileSlots
from ...formal import Assert, Cover

__all__ = ["TileFetchSpec"]


class TileFetchSpec(wiring.Component):
    """A tile that is written, part by part, has room in every row, and none is let go that isn't there.

    Parameters
    ----------
    config
        The chip's.
    spare
        Tiles for which fetching is told that there is room, beyond those that there is.
    """

    def __init__(self, config: SnapChipConfig, spare: int = 0):
        self.config, self.spare = config, spare
        super().__init__(
            {
                "i_requests": In(stream.Signature(fetch_request(config))),
                "entries": In(directory_entry(config)).array(config.banks),
                "ready": In(config.banks),
            }
        )

    def elaborate(self, platform) -> Module:
        """Fetching, the rows' FIFOs, and assertions."""
        m = Module()
        config = self.config
        m.submodules.fetch = fetch = TileFetch(config)
        m.submodules.slots = slots = TileSlots(config)
        connect(m, flipped(self.i_requests), fetch.i_requests)
        room = Signal(range(config.tile_slots + self.spare + 1))
        m.d.comb += [
            room.eq(slots.o_room + self.spare),
            fetch.i_room.eq(Mux(room > config.tile_slots, config.tile_slots, room)),
            slots.i_write.eq(fetch.o_write),
            slots.i_part.eq(fetch.o_part),
            slots.i_push.eq(fetch.o_push),
            slots.i_tag.eq(fetch.o_tag),
            Assert(~(fetch.o_push & (fetch.part != 0))),
            Cover((slots.levels[0] == config.tile_slots) & (slots.levels[1] == 1) & fetch.i_requests.valid),
        ]
        for bank in range(config.banks):
            m.d.comb += fetch.i_entry[bank].eq(self.entries[bank])
        for row, level in enumerate(slots.levels):
            tile = slots.o_tiles[row]
            count = Signal(range(config.tile_slots + 1), name=f"count_{row}")
            m.d.sync += count.eq(count + fetch.o_push - (tile.valid & self.ready[row]))
            m.d.comb += [
                tile.ready.eq(self.ready[row]),
                Assert(count == level),
                Assert(level <= config.tile_slots),
                Assert(~(fetch.o_push | fetch.o_write.any() | (fetch.part != 0)) | (level < config.tile_slots)),
                Assert(tile.valid == (level != 0)),
            ]
        return m
