"""Queue of match lists between the AIM and a PE's sequence decoder (SNAP, section IV-A: prefetch)."""

# Fields of nested layouts are values of classes that no checker can know.
# pyright: reportAttributeAccessIssue=false

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..emit.emitter import UNINITIALISED
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
        Matches of the two oldest lists that are used up now; 0 for a list that is not there, and of the second list
        only if the oldest is removed.
    i_pop
        Bit 0: remove the oldest list; bit 1, only along with bit 0: the second too.
    banks, size, head, tail, used
        Memories of the ring, lists of even and of odd places, in each the lower lanes and the upper lanes with the
        head; places of the ring; registers: where the oldest is, where the next comes to, matches of the oldest that
        are used up (for proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        self.size = config.list_depth + config.list_depth % 2
        self.head, self.tail = (Signal(range(self.size), name=name) for name in ("head", "tail"))
        self.used = Signal(config.window_entries, name="used")
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
        used, count = self.used, Signal(bits_for(self.config.list_depth))
        popped, made = Signal(2), Signal(2)
        m.d.comb += [
            self.o_count.eq(count),
            self.o_queued.eq(Cat(count != 0, count > 1)),
            popped.eq(self.i_pop[0] + self.i_pop[1]),
            made.eq(Mux(self.i_write & self.i_end, 1 + self.i_both, 0)),
        ]
        m.d.sync += [
            count.eq(count + made - popped),
            self.head.eq(self._wrapped(self.head + popped)),
            self.tail.eq(self._wrapped(self.tail + made)),
        ]
        with m.If(self.i_pop[0]):
            m.d.sync += used.eq(Mux(self.i_pop[1], 0, self.i_clear[1]))
        with m.Else():
            m.d.sync += used.eq(used | self.i_clear[0])
        self.banks = []
        banks = [self._bank(m, number) for number in range(2)]
        for number, shown in enumerate(self.o_lists):
            stored = Signal(queued_list(self.config), name=f"stored_{number}")
            m.d.comb += [stored.eq(Mux(self.head[0], banks[1 - number], banks[number])), shown.eq(stored)]
            if not number:
                m.d.comb += shown.matches.valid.eq(stored.matches.valid & ~used)
        return m

    def _wrapped(self, place: Value) -> Value:
        return Mux(place >= self.size, place - self.size, place)

    def _bank(self, m: Module, number: int) -> data.View:
        """Write what falls into this bank; the list that is read from it. One port of each kind a memory is enough."""
        half, first, head_bits = self.config.aim_entries, self.tail[0] == number, list_head(self.config).size
        lanes_bits = half * (1 + self.config.index_bits)
        self.banks.append(
            [
                Memory(shape=bits, depth=self.size // 2, init=[], attrs={UNINITIALISED: "1"})
                for bits in (lanes_bits, head_bits + lanes_bits)
            ]
        )
        rows = [Signal(range(self.size // 2), name=f"{name}_row_{number}") for name in ("write", "read")]
        for row, pointer in zip(rows, (self.tail, self.head), strict=True):
            m.d.comb += row.eq(self._wrapped(pointer + (pointer[0] != number)) >> 1)
        matches = Signal(match_list(self.config), name=f"matches_{number}")
        m.d.comb += matches.eq(Mux(first, self.i_matches[0], self.i_matches[1]))
        planes = [matches.valid, *matches.position]
        arriving = [
            Cat(plane[:half] for plane in planes),
            Cat(Mux(first, self.i_heads[0], self.i_heads[1]), *(plane[half:] for plane in planes)),
        ]
        stored = []
        for part, (memory, value) in enumerate(zip(self.banks[number], arriving, strict=True)):
            m.submodules[f"{('lower', 'upper')[part]}_{number}"] = memory
            write, read = memory.write_port(), memory.read_port(domain="comb")
            m.d.comb += [
                write.en.eq(self.i_write & Mux(first, part | self.i_begin, self.i_both)),
                write.addr.eq(rows[0]),
                write.data.eq(value),
                read.addr.eq(rows[1]),
            ]
            stored.append(read.data)
        result = Signal(queued_list(self.config), name=f"bank_{number}")
        lower, upper = stored[0], stored[1][head_bits:]
        m.d.comb += result.head.eq(stored[1][:head_bits])
        for place, plane in enumerate([result.matches.valid, *result.matches.position]):
            m.d.comb += plane.eq(Cat(part[place * half : (place + 1) * half] for part in (lower, upper)))
        return result
