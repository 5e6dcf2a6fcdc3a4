"""Ring of beats with a directory of the items (windows or tiles) in it: all but the entries themselves."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.emitter import UNINITIALISED

__all__ = ["Ring", "item_layout"]


def item_layout(beats: int, tag_bits: int) -> data.StructLayout:
    """An item of a ring of `beats` beats: its first beat, the one after its last, its tag.

    Beat numbers have one bit more than an address, so that a full ring differs from an empty one.
    """
    pointer = exact_log2(beats) + 1
    return data.StructLayout({"start": pointer, "end": pointer, "tag": tag_bits})


class Ring(wiring.Component):
    """Pointers and directory of a ring of beats.

    An item is stored beat by beat, becomes complete with `i_end` (in or after its last beat), and is released, oldest
    first, when nobody reads it any more. All outputs show what happened up to the cycle before.

    Parameters
    ----------
    beats, items
        Beats and complete items that the ring holds at most. Powers of two.
    tag_bits
        Width of what is kept with an item.
    readers
        Read ports of the directory.
    late
        Whether beats reach the caller's memory a cycle later, so that items have to be complete a cycle later too.

    Attributes
    ----------
    i_store, o_beat
        A beat is taken now, for this address of the caller's memory.
    i_end, i_tag
        The item is complete with this cycle; it may be empty.
    i_release
        Number of items, 0 to 2, to release.
    o_beat_room, o_item_room
        There is room for a beat, for a complete item.
    i_item, o_complete, o_item
        By reader: number of an item (of one bit more than needed) that is complete or the next to be, whether it is
        complete, and what it is.
    o_arriving
        An item ended in the cycle before and isn't complete yet; only if ``late``.
    """

    def __init__(self, beats: int, items: int, tag_bits: int, readers: int, late: bool):
        self.config = (beats, items, tag_bits, readers, late)
        number = exact_log2(items) + 1
        super().__init__(
            {
                "i_store": In(1),
                "o_beat": Out(range(beats)),
                "i_end": In(1),
                "i_tag": In(tag_bits),
                "i_release": In(range(3)),
                "o_beat_room": Out(1),
                "o_item_room": Out(1),
                "i_item": In(number).array(readers),
                "o_complete": Out(1).array(readers),
                "o_item": Out(item_layout(beats, tag_bits)).array(readers),
            }
            | ({"o_arriving": Out(1)} if late else {})
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        beats, items, tag_bits, readers, late = self.config
        layout = item_layout(beats, tag_bits)
        m.submodules.directory = directory = Memory(shape=layout, depth=items, init=[], attrs={UNINITIALISED: "1"})
        put, begin, tail, stored = (Signal(range(2 * beats), name=name) for name in ("put", "begin", "tail", "stored"))
        put_item, tail_item = Signal(range(2 * items)), Signal(range(2 * items))
        complete = put_item
        if late:
            complete = Signal.like(put_item, name="complete")
            m.d.sync += complete.eq(put_item)
            m.d.comb += self.o_arriving.eq(put_item != complete)

        write = directory.write_port()
        m.d.comb += [
            stored.eq(put + self.i_store),
            self.o_beat.eq(put[:-1]),
            self.o_beat_room.eq((put ^ tail) != beats),
            self.o_item_room.eq((put_item ^ tail_item) != items),
            write.en.eq(self.i_end),
            write.addr.eq(put_item[:-1]),
            write.data.start.eq(begin),
            write.data.end.eq(stored),
            write.data.tag.eq(self.i_tag),
        ]
        m.d.sync += [
            put.eq(stored),
            put_item.eq(put_item + self.i_end),
            tail_item.eq(tail_item + self.i_release),
        ]
        with m.If(self.i_end):
            m.d.sync += begin.eq(stored)

        def read(number: Value) -> data.View:
            port = directory.read_port(domain="comb")
            m.d.comb += port.addr.eq(number[:-1])
            return port.data

        for reader in range(readers):
            m.d.comb += [
                self.o_complete[reader].eq(self.i_item[reader] != complete),
                self.o_item[reader].eq(read(self.i_item[reader])),
            ]
        newest_released = Signal(range(2 * items))
        m.d.comb += newest_released.eq(tail_item + self.i_release[1])
        with m.If(self.i_release != 0):
            m.d.sync += tail.eq(read(newest_released).end)
        return m
