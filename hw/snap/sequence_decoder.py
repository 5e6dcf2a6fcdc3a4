"""Sequence decoder: lists of matches become operands for the multipliers (SNAP, section IV-B)."""

from functools import reduce
from operator import add, or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import SnapConfig
from .list_layouts import pair, queued_list

__all__ = ["SequenceDecoder"]


class SequenceDecoder(wiring.Component):
    """Up to M pairs a cycle, in the order of lanes, from the oldest list and, once it is used up, the second.

    So no multiplier idles at the end of a list, unlike in the paper. A list without matches takes at most one cycle,
    and none beside another. Work stops at lists of a block whose psum bank is not free: two blocks at a time have one.

    Latency: pairs and ends of blocks come a cycle after the matches that they are made of; everything else is
    combinational.

    Attributes
    ----------
    i_queued, i_lists
        The two oldest lists (`ListQueue`), and whether they are there.
    i_drained
        A psum bank was given back; work for its next block may start in the next cycle.
    o_clear, o_pop
        Matches used now, and lists that are thereby used up.
    o_free_windows, o_free_tiles
        How many windows and tiles of the register files are not needed any more.
    o_open
        The oldest list is there and may be worked on.
    o_issued
        Number of pairs taken now.
    o_pairs
        The pairs taken in the cycle before, from pair 0 on without gaps.
    o_ends
        By psum bank: these were the last of the bank's block.
    ahead, bank
        Registers: how many blocks before the oldest list's still have a bank, which bank it has (read by proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        lanes = config.window_entries
        self.ahead, self.bank = Signal(range(3), name="ahead"), Signal(name="bank")
        super().__init__(
            {
                "i_queued": In(2),
                "i_lists": In(data.ArrayLayout(queued_list(config), 2)),
                "i_drained": In(1),
                "o_clear": Out(data.ArrayLayout(lanes, 2)),
                "o_pop": Out(2),
                "o_free_windows": Out(2),
                "o_free_tiles": Out(2),
                "o_open": Out(1),
                "o_issued": Out(bits_for(config.multipliers)),
                "o_pairs": Out(data.ArrayLayout(pair(config), config.multipliers)),
                "o_ends": Out(2),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        count = self.config.multipliers
        head, following = self.i_lists[0].head, self.i_lists[1].head
        ahead, bank, next_bank = self.ahead, self.bank, Signal()
        ends, more = Signal(2), Signal()
        heads_rest, head_picks = self._picks(m, 0)
        _, next_picks = self._picks(m, 1)

        taken = Signal(count)  # pair k comes from the oldest list
        filled = Signal(count)  # the second list's match k is taken
        m.d.comb += [
            self.o_open.eq(self.i_queued[0] & (ahead != 2)),
            taken.eq(Cat(pick.any() & self.o_open for pick in head_picks)),
            self.o_clear[0].eq(Mux(self.o_open, self.i_lists[0].matches.valid ^ heads_rest, 0)),
            self.o_pop[0].eq(self.o_open & ~heads_rest.any()),
            more.eq(self.o_pop[0] & self.i_queued[1] & (ahead + head.ends_block < 2)),
            filled.eq(Cat(pick.any() & more & idle for pick, idle in zip(next_picks, reversed(~taken), strict=True))),
            self.o_clear[1].eq(_either([Mux(filled[k], pick, 0) for k, pick in enumerate(next_picks)])),
            self.o_pop[1].eq(more & (self.i_lists[1].matches.valid == self.o_clear[1])),
            self.o_issued.eq(reduce(add, Cat(taken, filled))),
            ends.eq(Cat(head.ends_block, following.ends_block) & self.o_pop),
            self.o_free_windows.eq((self.o_pop[0] & head.frees_window) + (self.o_pop[1] & following.frees_window)),
            self.o_free_tiles.eq((self.o_pop[0] & head.frees_tile) + (self.o_pop[1] & following.frees_tile)),
            next_bank.eq(bank ^ head.ends_block),
        ]
        m.d.sync += [
            ahead.eq(ahead + ends[0] + ends[1] - self.i_drained),
            bank.eq(bank ^ ends[0] ^ ends[1]),
            self.o_ends[0].eq((ends[0] & ~bank) | (ends[1] & ~next_bank)),
            self.o_ends[1].eq((ends[0] & bank) | (ends[1] & next_bank)),
        ]
        self._pairs(m, taken, filled, (head_picks, next_picks), bank, next_bank)
        return m

    def _picks(self, m: Module, number: int) -> tuple[Signal, list[Signal]]:
        """The first M matches of a list, one-hot, and those that are left."""
        rest = self.i_lists[number].matches.valid
        picks = []
        for index in range(self.config.multipliers):
            others = Signal(len(rest), name=f"rest_{number}_{index}")
            pick = Signal(len(rest), name=f"pick_{number}_{index}")
            m.d.comb += [others.eq(rest & (rest - 1)), pick.eq(rest & ~others)]
            picks.append(pick)
            rest = others
        return rest, picks

    def _pairs(self, m: Module, taken, filled, picks, bank, next_bank) -> None:
        """Merge the picks of both lists, and register where the operands are."""
        places = [
            [self._place(m, f"place_{number}_{index}", number, pick) for index, pick in enumerate(of_list)]
            for number, of_list in enumerate(picks)
        ]
        for index, out in enumerate(self.o_pairs):
            head = Signal(self.i_lists[0].head.shape(), name=f"head_{index}")
            place = Signal.like(places[0][0], name=f"place_{index}")
            # Behind n pairs of the oldest list, pair k is match k - n of the second.
            after = [~taken[0], *(taken[n - 1] & ~taken[n] for n in range(1, index + 1))]
            behind = ~taken[index]
            valid = taken[index] | _either([after[n] & filled[index - n] for n in range(index + 1)])
            others = _either([Mux(after[n], places[1][index - n].as_value(), 0) for n in range(index + 1)])
            m.d.comb += [
                head.eq(Mux(behind, self.i_lists[1].head, self.i_lists[0].head)),
                place.eq(Mux(behind, others, places[0][index])),
            ]
            m.d.sync += [
                out.valid.eq(valid),
                out.weight.eq(self._weight_address(place.lane, head)),
                out.activation.eq(self._activation_address(place.position, head)),
                out.slot.eq(head.slot),
                out.bank.eq(Mux(behind, next_bank, bank)),
            ]

    def _place(self, m: Module, name: str, number: int, pick) -> data.View:
        """Lane and position of a match that is picked from a list."""
        config, position = self.config, self.i_lists[number].matches.position
        layout = data.StructLayout({"lane": range(config.window_entries), "position": config.index_bits})
        place = Signal(layout, name=name)
        m.d.comb += [place.lane.eq(_encode(pick)), place.position.eq(Cat((plane & pick).any() for plane in position))]
        return place

    def _weight_address(self, lane, head):
        """Entry of the W register file in this lane, of those from the window's start on."""
        beat_bits = (self.config.beat_entries - 1).bit_length()
        start_bits = (self.config.window_beats - 1).bit_length()
        start = head.weight_start
        wrapped = (lane >> beat_bits) < start[:start_bits]
        return Cat(lane, (start[start_bits:] + wrapped)[: len(start) - start_bits])

    def _activation_address(self, position, head):
        """Entry of the IA register file at this place of the tile, of those from the tile's start on."""
        beat_bits = (self.config.beat_entries - 1).bit_length()
        start = Cat(Const(0, beat_bits), head.tile_start)
        span = (Const(self.config.aim_entries - 1) >> head.mode)[: self.config.index_bits]
        return start + ((position - start)[: self.config.index_bits] & span)


def _encode(pick):
    """Number of the one bit that is set."""
    width = (len(pick) - 1).bit_length()
    return Cat((pick & sum(1 << lane for lane in range(len(pick)) if lane >> bit & 1)).any() for bit in range(width))


def _either(values: list):
    return reduce(or_, values)
