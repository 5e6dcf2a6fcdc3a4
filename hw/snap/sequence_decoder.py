"""Sequence decoder: lists of matches become operands for the multipliers (SNAP, section IV-B)."""

from functools import partial, reduce
from operator import add, or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.delay import registered
from .config import SnapConfig
from .list_layouts import pair, queued_list

__all__ = ["SequenceDecoder"]


class SequenceDecoder(wiring.Component):
    """Up to M pairs a cycle, in the order of lanes, from the oldest list and, once it is used up, the second.

    So no multiplier idles at the end of a list, unlike in the paper. A list without matches takes at most one cycle,
    and none beside another. Work stops at lists of a block whose psum bank is not free: two blocks at a time have one.

    Everything is combinational, so that synchronous memories give a pair's operands in the cycle after that in which it
    is taken. If ``pipelined``, pairs, ends of blocks and what is freed come a cycle later.

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
        The pairs taken now (in the cycle before if ``pipelined``), from pair 0 on without gaps.
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
                "o_issued": Out(bits_for(config.pe_multipliers)),
                "o_pairs": Out(data.ArrayLayout(pair(config), config.pe_multipliers)),
                "o_ends": Out(2),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        count = self.config.pe_multipliers
        head, following = self.i_lists[0].head, self.i_lists[1].head
        ahead, bank, next_bank = self.ahead, self.bank, Signal()
        ends, more = Signal(2), Signal()
        (rests, picks, has), (next_rests, next_picks, next_has) = (self._matches(m, number) for number in range(2))

        taken = Signal(count)  # pair k comes from the oldest list
        filled = Signal(count)  # the second list's match k is taken
        idle = Signal(count + 1)  # exactly so many pairs are left for the second list, which is worked on
        m.d.comb += [
            self.o_open.eq(self.i_queued[0] & (ahead != 2)),
            taken.eq(has[1 : count + 1] & self.o_open.replicate(count)),
            self.o_clear[0].eq(Mux(self.o_open, rests[0] ^ rests[count], 0)),
            self.o_pop[0].eq(self.o_open & ~has[count + 1]),
            more.eq(self.o_pop[0] & self.i_queued[1] & (ahead + head.ends_block < 2)),
            idle.eq(Cat(more & has[count - k] & ~has[count - k + 1] for k in range(count + 1))),
            filled.eq(Cat(more & next_has[k + 1] & ~has[count - k] for k in range(count))),
            self.o_clear[1].eq(_either([Mux(idle[k], next_rests[0] ^ next_rests[k], 0) for k in range(count + 1)])),
            self.o_pop[1].eq((idle & ~next_has[1:]).any()),
            self.o_issued.eq(reduce(add, Cat(taken, filled))),
            ends.eq(Cat(head.ends_block, following.ends_block) & self.o_pop),
            next_bank.eq(bank ^ head.ends_block),
        ]
        m.d.sync += [
            ahead.eq(ahead + ends[0] + ends[1] - self.i_drained),
            bank.eq(bank ^ ends[0] ^ ends[1]),
        ]
        later = partial(registered, m, self.config.pipelined)
        frees_window = later("frees_window_later", Cat(head.frees_window, following.frees_window) & self.o_pop)
        frees_tile = later("frees_tile_later", Cat(head.frees_tile, following.frees_tile) & self.o_pop)
        ended = Cat((ends[0] & ~bank) | (ends[1] & ~next_bank), (ends[0] & bank) | (ends[1] & next_bank))
        m.d.comb += [
            self.o_free_windows.eq(frees_window[0] + frees_window[1]),
            self.o_free_tiles.eq(frees_tile[0] + frees_tile[1]),
            self.o_ends.eq(later("ended_later", ended)),
        ]
        self._pairs(m, taken, filled, (picks, next_picks), Cat(bank, next_bank))
        return m

    def _matches(self, m: Module, number: int) -> tuple[list, list, Value]:
        """Of a list: matches left without the first k, k = 0 to M; the first M, one-hot; whether there are k."""
        valid, count = self.i_lists[number].matches.valid, self.config.pe_multipliers
        rests, picks = [valid], []
        for index in range(count):
            rest = Signal(len(valid), name=f"rest_{number}_{index}")
            pick = Signal(len(valid), name=f"pick_{number}_{index}")
            m.d.comb += [rest.eq(rests[-1] & (rests[-1] - 1)), pick.eq(rests[-1] & ~rest)]
            rests.append(rest)
            picks.append(pick)
        return rests, picks, self._at_least(m, f"has_{number}", valid)

    def _at_least(self, m: Module, name: str, bits) -> Value:
        """Whether at least k bits are set, k = 0 to M + 1: a tree, which is faster than counting by ``rest``."""
        planes = [bits]  # a bit a group of lanes: whether at least 1, 2, ... of its bits are set
        while (groups := len(planes[0])) > 1:
            low, high = ([plane[half] for plane in planes] for half in (slice(groups // 2), slice(groups // 2, groups)))
            most = min(2 * len(planes), self.config.pe_multipliers + 1)
            planes = [Signal(groups // 2, name=f"{name}_{groups // 2}_{k + 1}") for k in range(most)]
            for k, plane in enumerate(planes):
                # k + 1 in one half, or n + 1 here and k - n there
                ways = [half[k] for half in (low, high) if k < len(half)]
                ways += [low[n] & high[k - n - 1] for n in range(k) if n < len(low) and k - n - 1 < len(high)]
                m.d.comb += plane.eq(_either(ways))
        return Value.cast(Cat(1, *planes))

    def _pairs(self, m: Module, taken, filled, picks, banks) -> None:
        """Merge the picks of both lists, and say where the operands are."""
        later = partial(registered, m, self.config.pipelined)
        taken, filled, banks = (
            later(f"{name}_later", value) for name, value in (("taken", taken), ("filled", filled), ("banks", banks))
        )
        heads, places = [], []
        for number, chosen in enumerate(picks):
            one, name = self.i_lists[number], f"list_{number}"
            heads.append(later(f"{name}_head_later", one.head, reset_less=True))
            planes = [
                later(f"{name}_plane_{bit}_later", plane, reset_less=True)
                for bit, plane in enumerate(one.matches.position)
            ]
            late_picks = [later(f"{name}_pick_{k}_later", pick, reset_less=True) for k, pick in enumerate(chosen)]
            places.append([self._place(m, f"place_{number}_{k}", pick, planes) for k, pick in enumerate(late_picks)])
        for index, out in enumerate(self.o_pairs):
            head = Signal.like(heads[0], name=f"head_{index}")
            place = Signal.like(places[0][0], name=f"place_{index}")
            # Behind n pairs of the oldest list, pair k is match k - n of the second.
            after = [~taken[0], *(taken[n - 1] & ~taken[n] for n in range(1, index + 1))]
            behind = ~taken[index]
            valid = taken[index] | _either([after[n] & filled[index - n] for n in range(index + 1)])
            others = _either([Mux(after[n], places[1][index - n].as_value(), 0) for n in range(index + 1)])
            m.d.comb += [
                head.eq(Mux(behind, heads[1], heads[0])),
                place.eq(Mux(behind, others, places[0][index])),
                out.valid.eq(valid),
                out.weight.eq(self._weight_address(place.lane, head)),
                out.activation.eq(self._activation_address(place.position, head)),
                out.slot.eq(head.slot),
                out.bank.eq(Mux(behind, banks[1], banks[0])),
            ]

    def _place(self, m: Module, name: str, pick, planes) -> data.View:
        """Lane and position of a match that is picked from a list."""
        config = self.config
        layout = data.StructLayout({"lane": range(config.window_entries), "position": config.index_bits})
        place = Signal(layout, name=name)
        m.d.comb += [place.lane.eq(_encode(pick)), place.position.eq(Cat((plane & pick).any() for plane in planes))]
        return place  # pyrefly: ignore[bad-return]  # a signal of a layout is a view

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
