"""From a tensor in memory to the rows' stored tiles: loader, banks, fetching."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..emit.shared import shared
from .block_scan import BlockScan, block_token
from .config import SnapChipConfig
from .ia_bank import IaBank
from .ia_loader import IaLoader
from .layer import layer_layout, pick_fields
from .locator import Locator
from .tile_fetch import TileFetch
from .tile_slots import TileSlots, stored_tile

__all__ = ["IaBuffer"]


class IaBuffer(wiring.Component):
    """Keeps the lines of a tensor that a region needs, and gives each row its pixels' tiles, block by block.

    Attributes
    ----------
    i_start, i_end
        A layer begins; it is over.
    i_layer
        The command.
    i_beats
        Segments of the layer's input, in order.
    i_blocks
        Stream of `block_token`.
    o_tiles
        By row: stream of `stored_tile`.
    o_stuck
        The region needs lines for which there will never be room.
    o_idle
        Nothing is left of the layer.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_end": In(1),
                "i_layer": In(layer_layout(config)),
                "i_beats": In(stream.Signature(config.data_bits)),
                "i_blocks": In(stream.Signature(block_token(config))),
                "o_tiles": Out(stream.Signature(stored_tile(config))).array(config.banks),
                "o_stuck": Out(1),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer = self.config, self.i_layer
        loader, scan, locator, fetch, slots = (
            part(config) for part in (IaLoader, BlockScan, Locator, TileFetch, TileSlots)
        )
        for name, part in {"loader": loader, "scan": scan, "locator": locator, "fetch": fetch, "slots": slots}.items():
            m.submodules[name] = shared(part)
        connect(m, flipped(self.i_beats), loader.i_beats)
        connect(m, flipped(self.i_blocks), scan.i_blocks)
        connect(m, scan.o_pixels, locator.i_pixels)
        connect(m, locator.o_requests, fetch.i_requests)
        for part in (loader, scan, locator):
            m.d.comb += part.i_layer.eq(pick_fields(layer, part.i_layer.shape()))
        for part in (loader, scan):
            m.d.comb += part.i_start.eq(self.i_start)
        m.d.comb += [
            scan.i_end.eq(self.i_end),
            scan.i_lines.eq(loader.o_lines),
            scan.i_tiles.eq(loader.o_tiles),
            loader.i_free_line.eq(scan.o_free_line),
            fetch.i_room.eq(slots.o_room),
            slots.i_write.eq(fetch.o_write),
            slots.i_part.eq(fetch.o_part),
            slots.i_data.eq(fetch.o_data),
            slots.i_push.eq(fetch.o_push),
            slots.i_tag.eq(fetch.o_tag),
            self.o_idle.eq(loader.o_idle & fetch.o_idle & slots.o_empty),
        ]
        write = loader.o_write
        for number in range(config.banks):
            bank = IaBank(config)
            m.submodules[f"bank_{number}"] = shared(bank)
            mine = write.valid & (write.payload.bank == number)
            m.d.comb += [
                bank.i_write.eq(mine),
                bank.i_address.eq(write.payload.address),
                bank.i_data.eq(write.payload.data),
                bank.i_more.eq(write.payload.more),
                bank.i_list.eq(mine & write.payload.list),
                bank.i_index.eq(write.payload.index),
                bank.i_entry.eq(write.payload.entry),
                bank.i_look.eq(fetch.o_look[number]),
                bank.i_look_index.eq(fetch.o_index[number]),
                fetch.i_entry[number].eq(bank.o_entry),
                bank.i_read.eq(fetch.o_read[number]),
                bank.i_read_address.eq(fetch.o_address[number]),
                fetch.i_data[number].eq(bank.o_data),
            ]
        # The scan waits for lines, and the loader for room that only a later region would make, if that goes on for
        # longer than it takes to free all bands.
        waits, waited = scan.o_waits & loader.o_waits, Signal(range(4 * config.resident_bands))
        m.d.sync += waited.eq(Mux(waits, Mux(waited.all(), waited, waited + 1), 0))
        m.d.comb += self.o_stuck.eq(waited.all())
        for row in range(config.banks):
            connect(m, slots.o_tiles[row], flipped(self.o_tiles[row]))
        return m
