"""Queue of match lists between the AIM and a PE's sequence decoder (SNAP, section IV-A: prefetch)."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import SnapConfig
from .list_layouts import list_head, match_list, queued_list

__all__ = ["ListQueue"]


class ListQueue(wiring.Component):
    """``list_depth`` lists, of which the two oldest are read and used up bit by bit.

    One AIM operation a cycle comes in: a list, half of one, or two. What is written in a cycle is there in the next.
    The writer knows that there is room, the reader what is queued: nothing here checks.

    Attributes
    ----------
    i_write
        An AIM operation's result comes.
    i_begin, i_end
        It is the first, the last operation of its list. An operation that doesn't begin a list brings only the upper
        half of its lanes.
    i_both
        It begins and ends two lists.
    i_matches, i_heads
        The lists and their heads, the latter with ``i_end``.
    o_queued, o_lists
        The two oldest lists, and whether they are there.
    o_count
        How many lists are there.
    i_clear
        Matches of the two oldest lists that are used up now; 0 for a list that is not there.
    i_pop
        Bit 0: remove the oldest list; bit 1, only along with bit 0: the second too.
    entries, head, tail
        Registers: the lists in a ring, where the oldest is, where the next comes to (read by proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        self.entries = [
            Signal(queued_list(config), name=f"list_{place}", reset_less=True) for place in range(config.list_depth)
        ]
        self.head, self.tail = (Signal(range(config.list_depth), name=name) for name in ("head", "tail"))
        super().__init__(
            {
                "i_write": In(1),
                "i_begin": In(1),
                "i_end": In(1),
                "i_both": In(1),
                "i_matches": In(data.ArrayLayout(match_list(config), 2)),
                "i_heads": In(data.ArrayLayout(list_head(config), 2)),
                "o_queued": Out(2),
                "o_lists": Out(data.ArrayLayout(queued_list(config), 2)),
                "o_count": Out(bits_for(config.list_depth)),
                "i_clear": In(data.ArrayLayout(config.window_entries, 2)),
                "i_pop": In(2),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        depth = self.config.list_depth
        head, tail = self.head, self.tail
        second, third = (Signal(range(depth), name=name) for name in ("second", "third"))
        next_tail, last_tail = (Signal(range(depth), name=name) for name in ("next_tail", "last_tail"))
        count = Signal(bits_for(depth))
        for pointer, before in ((second, head), (third, second), (next_tail, tail), (last_tail, next_tail)):
            m.d.comb += pointer.eq(Mux(before == depth - 1, 0, before + 1))
        m.d.comb += [self.o_count.eq(count), self.o_queued.eq(Cat(count != 0, count > 1))]
        completes = self.i_write & self.i_end
        m.d.sync += [
            count.eq(count + Mux(completes, 1 + self.i_both, 0) - self.i_pop[0] - self.i_pop[1]),
            head.eq(Mux(self.i_pop[1], third, Mux(self.i_pop[0], second, head))),
        ]
        with m.If(completes):
            m.d.sync += tail.eq(Mux(self.i_both, last_tail, next_tail))
        for place, entry in enumerate(self.entries):
            used = Mux(head == place, self.i_clear[0], Mux(second == place, self.i_clear[1], 0))
            m.d.sync += entry.matches.valid.eq(entry.matches.valid & ~used)
            with m.If(self.i_write):
                with m.If(tail == place):
                    self._write(m, entry, 0)
                with m.If(self.i_both & (next_tail == place)):
                    self._write(m, entry, 1)
            for number, pointer in enumerate((head, second)):
                with m.If(pointer == place):
                    m.d.comb += self.o_lists[number].eq(entry)
        return m

    def _write(self, m: Module, entry, number: int) -> None:
        """Store one of the lists that come in, or its upper half."""
        entries, matches = self.config.aim_entries, self.i_matches[number]
        stored = [entry.matches.valid, *entry.matches.position]
        arriving = [matches.valid, *matches.position]
        m.d.sync += entry.head.eq(self.i_heads[number])
        m.d.sync += [to[entries:].eq(bits[entries:]) for to, bits in zip(stored, arriving, strict=True)]
        with m.If(self.i_begin):
            m.d.sync += [to[:entries].eq(bits[:entries]) for to, bits in zip(stored, arriving, strict=True)]
