"""Fetches a stored tile for each row at once."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import SnapChipConfig
from .ia_bank import directory_entry
from .tile_parser import WORD_BITS
from .tile_slots import tile_tag

__all__ = ["TileFetch", "fetch_request"]


def fetch_request(config: SnapChipConfig) -> data.StructLayout:
    """A stored tile for each row that ``tag.inside`` names.

    ``banks``, ``indices``: by row, where it is listed; rows never share a bank.
    """
    return data.StructLayout(
        {
            "banks": data.ArrayLayout(range(config.banks), config.banks),
            "indices": data.ArrayLayout(range(config.directory_entries), config.banks),
            "tag": tile_tag(config, config.banks),
        }
    )


class TileFetch(wiring.Component):
    """Looks tiles up in the banks' directories, reads as many words a cycle as a row has, and hands them to the rows.

    All rows get their tiles together, so that a request takes as many cycles as its longest tile has parts of that
    size, and one at least. Latency: 4 cycles from a request to its tile.

    Attributes
    ----------
    i_requests
        Stream of `fetch_request`.
    o_look, o_index, i_entry
        By bank: read its directory; the entry comes a cycle later.
    o_read, o_address, i_data
        By bank: read words; they come a cycle later.
    i_room
        Tiles for which the rows have room.
    o_write, o_part, o_data, o_push, o_tag
        Into the rows' FIFOs, see `TileSlots`.
    o_idle
        Nothing is on its way.
    part
        For proofs: which part of a tile is read next.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        banks = config.banks
        self.part = Signal(range(max(config.tile_parts, 2)), name="part")
        super().__init__(
            {
                "i_requests": In(stream.Signature(fetch_request(config))),
                "o_look": Out(banks),
                "o_index": Out(range(config.directory_entries)).array(banks),
                "i_entry": In(directory_entry(config)).array(banks),
                "o_read": Out(banks),
                "o_address": Out(range(config.bank_words)).array(banks),
                "i_data": In(data.ArrayLayout(WORD_BITS, config.row_words)).array(banks),
                "i_room": In(range(config.tile_slots + 1)),
                "o_write": Out(banks),
                "o_part": Out(range(max(config.tile_parts, 2))),
                "o_data": Out(data.ArrayLayout(config.row_words * WORD_BITS, banks)),
                "o_push": Out(1),
                "o_tag": Out(tile_tag(config, config.banks)),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, request = self.config, self.i_requests
        banks, part_bits = config.banks, exact_log2(config.row_words)
        layout = fetch_request(config)
        # The request whose entries were looked up, and the one whose words were read in the cycle before.
        looked, looks = Signal(layout, reset_less=True), Signal()
        fetched, fetches = Signal(layout, reset_less=True), Signal()
        part, fetched_part, fetched_last = self.part, Signal.like(self.o_part), Signal()
        fresh, goes, over = Signal(), Signal(), Signal()

        for bank in range(banks):
            wanted = Cat(request.payload.tag.inside[row] & (request.payload.banks[row] == bank) for row in range(banks))
            with m.If(request.ready):
                m.d.comb += self.o_look[bank].eq(request.valid & wanted.any())
            for row in range(banks):
                with m.If(wanted[row]):
                    m.d.comb += self.o_index[bank].eq(request.payload.indices[row])

        more = Signal(banks)  # banks that have words behind these
        for bank in range(banks):
            wanted = Cat(looked.tag.inside[row] & (looked.banks[row] == bank) for row in range(banks)).any()
            kept, entry = (Signal(directory_entry(config), name=f"{name}_{bank}") for name in ("kept", "entry"))
            m.d.comb += [
                entry.eq(Mux(fresh, self.i_entry[bank], kept)),
                more[bank].eq(wanted & (entry.words >> part_bits > part) if config.tile_parts > 1 else 0),
                self.o_read[bank].eq(goes & wanted & (entry.words >> part_bits >= part)),
                self.o_address[bank].eq(entry.start + (part << part_bits)),
            ]
            m.d.sync += kept.eq(entry)

        # A tile is begun when there is room for it beside the one that is about to be pushed.
        begun = Signal()
        m.d.comb += [
            goes.eq(looks & ((part != 0) | (self.i_room > begun))),
            over.eq(goes & ~more.any()),
            request.ready.eq(~looks | over),
            begun.eq(fetches),
            self.o_idle.eq(~looks & ~fetches),
        ]
        with m.If(request.ready):
            m.d.sync += [looks.eq(request.valid), looked.eq(request.payload)]
        m.d.sync += [
            fresh.eq(request.ready & request.valid),
            fetches.eq(goes),
            fetched.eq(looked),
            fetched_part.eq(part),
            fetched_last.eq(over),
        ]
        with m.If(goes):
            m.d.sync += part.eq(Mux(over, 0, part + 1))

        m.d.comb += [self.o_part.eq(fetched_part), self.o_push.eq(fetches & fetched_last), self.o_tag.eq(fetched.tag)]
        for row in range(banks):
            inside = fetched.tag.inside[row]
            with m.If(inside):
                with m.Switch(fetched.banks[row]):
                    for bank in range(banks):
                        with m.Case(bank):
                            m.d.comb += self.o_data[row].eq(self.i_data[bank])
            # A row without a pixel gets an empty bitmap.
            m.d.comb += self.o_write[row].eq(fetches & (inside | (fetched_part == 0)))
        return m
