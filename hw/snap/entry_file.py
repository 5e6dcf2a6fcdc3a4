"""Register file of operands: written a beat at a time, read entry by entry."""

from amaranth.hdl import Module, ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.emitter import UNINITIALISED

__all__ = ["EntryFile"]


class EntryFile(wiring.Component):
    """``beats`` beats of ``width`` entries, with a write port of a beat and ``readers`` read ports of an entry.

    Latency: reads are combinational and see a beat from the cycle after its store on.

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
    i_address, o_entry
        By reader: address of an entry, beat * ``width`` + lane, and the entry.
    """

    def __init__(self, beats: int, width: int, entry: ShapeLike, readers: int):
        self.config = (beats, width, entry, readers)
        super().__init__(
            {
                "i_store": In(1),
                "i_beat": In(range(beats)),
                "i_entries": In(data.ArrayLayout(entry, width)),
                "i_address": In(range(beats * width)).array(readers),
                "o_entry": Out(entry).array(readers),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        beats, width, entry, readers = self.config
        for lane in range(width):  # A memory a lane, each with a single write port: FPGAs have no others.
            memory = Memory(shape=entry, depth=beats, init=[], attrs={UNINITIALISED: "1"})
            m.submodules[f"lane_{lane}"] = memory
            write = memory.write_port()
            m.d.comb += [
                write.en.eq(self.i_store),
                write.addr.eq(self.i_beat),
                write.data.eq(self.i_entries[lane]),
            ]
            for reader, address in enumerate(self.i_address):
                read = memory.read_port(domain="comb")
                m.d.comb += read.addr.eq(address[exact_log2(width) :])
                with m.If(address[: exact_log2(width)] == lane):
                    m.d.comb += self.o_entry[reader].eq(read.data)
        return m
