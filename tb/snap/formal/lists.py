"""What list queue and sequence decoder must do together, over time."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from amaranth.utils import bits_for

from ....hw.snap.config import SnapConfig
from ....hw.snap.list_layouts import list_head, match_list
from ....hw.snap.list_queue import ListQueue
from ....hw.snap.sequence_decoder import SequenceDecoder
from ...formal import Assert, Assume, Cover
from .decoder import goes_when_used_up

__all__ = ["ListsSpec"]


class ListsSpec(wiring.Component):
    """One list, any of all that come, is followed from the AIM to the multipliers.

    What the queue shows of it is what came, without what was sent. Of its matches none is sent twice, none before
    all those in lower lanes, none while a list before it is left; and it goes when all are sent.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "write": In(1),
                "begin": In(1),
                "end": In(1),
                "both": In(1),
                "matches": In(data.ArrayLayout(match_list(config), 2)),
                "heads": In(data.ArrayLayout(list_head(config), 2)),
                "drained": In(1),
                "follow": In(2),  # begin to follow the first (1) or the second (2) list of this cycle
            }
        )

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        depth = self.config.list_depth
        m.submodules.queue = queue = ListQueue(self.config)
        m.submodules.decoder = decoder = SequenceDecoder(self.config)
        m.d.comb += [
            queue.i_write.eq(self.write),
            queue.i_begin.eq(self.begin),
            queue.i_end.eq(self.end),
            queue.i_both.eq(self.both),
            queue.i_matches.eq(self.matches),
            queue.i_heads.eq(self.heads),
            queue.i_clear.eq(decoder.o_clear),
            queue.i_pop.eq(decoder.o_pop),
            decoder.i_queued.eq(queue.o_queued),
            decoder.i_lists.eq(queue.o_lists),
            decoder.i_drained.eq(self.drained),
        ]
        part = Signal()  # half of a list is there
        with m.If(self.write):
            m.d.sync += part.eq(~self.end)
        m.d.comb += [
            Assume(~self.write | (self.begin == ~part)),
            Assume(~self.write | self.begin | self.end),
            Assume(~self.both | (self.begin & self.end)),
            Assume(~(self.write & self.begin) | (queue.o_count + 1 + self.both <= depth)),
            Assume(~self.drained | (decoder.ahead != 0)),
            *(Assume(fact) for fact in goes_when_used_up(decoder)),  # proven by `DecoderSpec`, for any lists
            Assert(decoder.ahead <= 2),
            Assert(queue.o_count + part <= depth),
            Assert(queue.o_queued == Mux(queue.o_count > 1, 3, queue.o_count)),
            Assert(~decoder.o_clear[1].any() | decoder.o_pop[0]),
            Assert(decoder.o_pop != 2),
            Assert(~decoder.o_pop[0] | queue.o_queued[0]),
            Assert(~decoder.o_pop[1] | queue.o_queued[1]),
        ]
        self._follow(m, queue, decoder, part)
        return m

    def _follow(self, m: Module, queue: ListQueue, decoder: SequenceDecoder, part: Signal) -> None:
        config, half = self.config, self.config.aim_entries
        followed, partial, index = Signal(), Signal(), Signal(bits_for(config.list_depth))
        narrow = Signal()  # the second list of a cycle, whose positions are small
        came, sent, head = Signal(match_list(config)), Signal(config.window_entries), Signal(list_head(config))
        pops, clears = Signal(2), Signal(config.window_entries)
        here, second = followed & ~partial, self.follow == 2
        m.d.comb += [
            pops.eq(decoder.o_pop[0] + decoder.o_pop[1]),
            clears.eq(Mux(here & (index < 2), Mux(index == 0, decoder.o_clear[0], decoder.o_clear[1]), 0)),
        ]
        m.d.sync += sent.eq(sent | clears)
        with m.If(self.write & self.begin & ~followed & ((self.follow == 1) | (self.both & second))):
            m.d.sync += [followed.eq(1), partial.eq(~self.end), sent.eq(0), index.eq(queue.o_count + second - pops)]
            m.d.sync += [came.eq(self.matches[0]), head.eq(self.heads[0]), narrow.eq(second)]
            with m.If(second):
                m.d.sync += [came.eq(self.matches[1]), head.eq(self.heads[1])]
        with m.Elif(partial & self.write):
            m.d.sync += [partial.eq(0), head.eq(self.heads[0]), index.eq(queue.o_count - pops)]
            m.d.sync += came.valid[half:].eq(self.matches[0].valid[half:])
            for to, plane in zip(came.position, self.matches[0].position, strict=True):
                m.d.sync += to[half:].eq(plane[half:])
        with m.Elif(here):
            m.d.sync += index.eq(index - pops)
            with m.If(index < pops):
                m.d.sync += followed.eq(0)
                m.d.comb += Assert((sent | clears) == came.valid)

        unsent = came.valid & ~sent
        up_to_lowest = unsent ^ (unsent - 1)
        m.d.comb += [
            Assert((clears & sent) == 0),
            Assert(~here | ((sent & ~came.valid) == 0)),
            Assert(~here | (unsent == 0) | ((sent & ~up_to_lowest) == 0)),
            Assert(~here | (index < queue.o_count)),
            Assert(~here | (index == 0) | ~sent.any()),
            Assert(~followed | ~partial | (part & ~sent.any())),
            Cover(here & sent.any() & clears.any() & (index == 0) & decoder.o_pop.all() & decoder.o_clear[1].any()),
        ]
        self._compare(m, queue, followed, partial, Mux(partial, queue.o_count, index), (came, unsent, head, narrow))

    def _compare(self, m: Module, queue: ListQueue, followed, partial, place, expected) -> None:
        """The list is in the place that its index means, and shown from there; half of it, the lower one is."""
        half, (came, unsent, head, narrow) = self.config.aim_entries, expected
        for number, entry in enumerate(queue.entries):
            seen = followed & (place == number)
            planes = [(entry.matches.valid, unsent, 1)]
            planes += [
                (plane, position, ~narrow | (bit < self.config.index_bits - 2))
                for bit, (plane, position) in enumerate(zip(entry.matches.position, came.position, strict=True))
            ]
            for plane, wanted, known in planes:
                m.d.comb += [
                    Assert(~(seen & known) | (plane[:half] == wanted[:half])),
                    Assert(~(seen & known) | partial | (plane[half:] == wanted[half:])),
                ]
            m.d.comb += Assert(~seen | partial | (entry.head == head))
        for shown, entry in zip(queue.o_lists, queue.entries, strict=False):
            m.d.comb += Assert(shown == entry)
