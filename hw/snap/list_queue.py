"""Queue of match lists between the AIM and a PE's sequence decoder (SNAP, section IV-A: prefetch)."""

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, Signal, Value
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
        The lists and their heads, the latter with ``i_end``. The second list's positions are below a quarter of
        ``aim_entries``; what the upper bits of these are in the queue is undefined.
    o_queued, o_lists
        The two oldest lists, and whether they are there.
    o_count
        How many lists are there.
    i_clear
        Matches of the two oldest lists that are used up now; 0 for a list that is not there, and of the second list
        only if the oldest is removed.
    i_pop
        Bit 0: remove the oldest list; bit 1, only along with bit 0: the second too.
    entries
        Registers of the lists, from the oldest on, without the matches that are used up (for proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        self.entries = [
            Signal(queued_list(config), name=f"entry_{place}", reset_less=True) for place in range(config.list_depth)
        ]
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
        count, left, made = self.o_count, Signal.like(self.o_count, name="left"), Signal(2)
        m.d.comb += [
            self.o_queued.eq(Cat(count != 0, count > 1)),
            left.eq(count - (self.i_pop[0] + self.i_pop[1])),
            made.eq(Mux(self.i_write & self.i_end, 1 + self.i_both, 0)),
            *(shown.eq(entry) for shown, entry in zip(self.o_lists, self.entries, strict=False)),
        ]
        m.d.sync += count.eq(left + made)
        for place in range(self.config.list_depth):
            self._entry(m, place, left)
        return m

    def _entry(self, m: Module, place: int, left: Signal) -> None:
        """A list's place: it keeps its list, or takes that of the next place or the one after it, or what comes."""
        entry, half, narrow = self.entries[place], self.config.aim_entries, self.config.index_bits - 2
        first, second = Signal(name=f"first_{place}"), Signal(name=f"second_{place}")
        m.d.comb += [
            first.eq(self.i_write & (left == place)),
            second.eq(self.i_write & self.i_both & (left + 1 == place) if place else 0),
        ]

        def shifted(of: Callable[[int], Value]) -> Value:
            """What a register has in the place from which the list comes; anything if none does."""
            last = self.config.list_depth - 1
            one, two = min(place + 1, last), min(place + 2, last)
            moved = of(one) if one == two else Mux(self.i_pop[1], of(two), of(one))
            return of(place) if one == place else Mux(self.i_pop[0], moved, of(place))

        def left_over(number: int) -> Value:
            """Matches that are not used up: of the oldest list, or of what becomes it."""
            valid = self.entries[number].matches.valid
            return valid & ~self.i_clear[number] if place == 0 and number < 2 else valid

        def load(to: Value, kept: Value, one: Value, other: Value) -> None:
            m.d.sync += [
                to[:half].eq(Mux(second, other[:half], Mux(first & self.i_begin, one[:half], kept[:half]))),
                to[half:].eq(Mux(second, other[half:], Mux(first, one[half:], kept[half:]))),
            ]

        one, other = self.i_matches
        load(entry.matches.valid, shifted(left_over), one.valid, other.valid)
        for bit, plane in enumerate(entry.matches.position):
            kept = shifted(lambda number, bit=bit: self.entries[number].matches.position[bit])
            load(plane, kept, one.position[bit], (other if bit < narrow else one).position[bit])
        kept = shifted(lambda number: self.entries[number].head.as_value())
        m.d.sync += entry.head.eq(Mux(second, self.i_heads[1].as_value(), Mux(first, self.i_heads[0].as_value(), kept)))
