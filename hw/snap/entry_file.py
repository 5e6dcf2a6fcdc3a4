"""Register file of operands: written a beat at a time, read entry by entry."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..common.ram import Ram
from ..emit.shared import shared

__all__ = ["EntryFile"]


class EntryFile(wiring.Component):
    """``beats`` beats of ``width`` entries, with a write port of a beat and ``readers`` read ports of an entry.

    Each reader has a copy in a memory of its own, which thus has one write and one read port (`Ram`).

    Latency: an entry comes in the cycle after its address, and must have been stored before that of its address.

    Parameters
    ----------
    beats, width
        Beats, and entries of a beat. Powers of two.
    entry
        Shape of an entry.
    readers
        Read ports.

    Attributes
    ----------
    i_store, i_beat, i_entries
        Store a beat at this address.
    i_read, i_address, o_entry
        By reader: read an entry, its address, beat * ``width`` + lane; the entry, only in the next cycle.
    """

    def __init__(self, beats: int, width: int, entry: ShapeLike, readers: int):
        self.config = (beats, width, entry, readers)
        super().__init__(
            {
                "i_store": In(1),
                "i_beat": In(range(beats)),
                "i_entries": In(data.ArrayLayout(entry, width)),
                "i_read": In(readers),
                "i_address": In(range(beats * width)).array(readers),
                "o_entry": Out(entry).array(readers),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        beats, width, entry, readers = self.config
        layout = data.ArrayLayout(entry, width)
        for reader in range(readers):
            copy, lane = Ram(layout.size, beats), Signal(range(width), name=f"lane_{reader}", reset_less=True)
            m.submodules[f"copy_{reader}"] = shared(copy)
            address = self.i_address[reader]
            m.d.comb += [
                copy.i_write_enable.eq(self.i_store),
                copy.i_write_address.eq(self.i_beat),
                copy.i_write_data.eq(self.i_entries),
                copy.i_read_enable.eq(self.i_read[reader]),
                copy.i_read_address.eq(address[exact_log2(width) :]),
                self.o_entry[reader].eq(data.View(layout, copy.o_read_data)[lane]),
            ]
            with m.If(self.i_read[reader]):
                m.d.sync += lane.eq(address[: exact_log2(width)])
        return m
