"""What the sequence decoder must do in a cycle, for every pair of lists."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.snap.config import SnapConfig
from ....hw.snap.list_layouts import list_head, queued_list
from ....hw.snap.sequence_decoder import SequenceDecoder
from ...formal import Assert, Assume
from .counts import added, clears_first, count_of_halves, counts_below

__all__ = ["DecoderSpec", "goes_when_used_up"]


def goes_when_used_up(decoder: SequenceDecoder) -> list[Value]:
    """Each list goes only when no match of it is left: proven of the decoder, and then a fact about it for others."""
    lists = zip(decoder.i_lists, decoder.o_clear, decoder.o_pop, strict=True)
    return [~pop | ((entry.matches.valid & ~clear) == 0) for entry, clear, pop in lists]


class DecoderSpec(wiring.Component):
    """Of all matches in line, exactly the first M go, each to the multiplier of its rank, with its operands.

    In line are the matches of the oldest list and then, if those are at most M, of the second, each if its block has a
    psum bank. A list goes when no match of it is left.

    Parameters
    ----------
    config
        The decoder's.
    multiplier
        Check only what this multiplier gets; None: only everything else. Small proofs are faster than a big one.
    """

    def __init__(self, config: SnapConfig, multiplier: int | None):
        self.config, self.multiplier = config, multiplier
        lists = data.ArrayLayout(queued_list(config), 2)
        super().__init__({"queued": In(2), "lists": In(lists), "drained": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        lists, lanes, count = self.lists, self.config.window_entries, self.config.pe_multipliers
        m.submodules.dut = dut = SequenceDecoder(self.config)
        m.d.comb += [dut.i_queued.eq(self.queued), dut.i_lists.eq(lists), dut.i_drained.eq(self.drained)]

        ahead, bank = Signal(range(3)), Signal()
        m.d.comb += [Assert(ahead == dut.ahead), Assert(bank == dut.bank), Assert(ahead <= 2)]
        m.d.comb += [Assume(self.queued != 2), Assume(~self.drained | (ahead != 0))]

        (*ranks, of_first), (*others, of_second) = (self._counts(m, number) for number in range(2))
        # The second list's matches are counted on from the first's.
        ranks += [self._both(m, f"rank_{lane}", of_first, other) for lane, other in enumerate(others)]
        total = self._both(m, "total", of_first, of_second)
        heads = [entry.head for entry in lists]
        may, gone, sent = Signal(2), Signal(2), Signal(2 * lanes)
        m.d.comb += [
            may[0].eq(self.queued[0] & (ahead < 2)),
            gone[0].eq(may[0] & ~of_first[count]),
            may[1].eq(gone[0] & self.queued[1] & (ahead + heads[0].ends_block < 2)),
            gone[1].eq(may[1] & ~total[count]),
            sent.eq(Cat(
                may[lane // lanes] & lists[lane // lanes].matches.valid[lane % lanes] & ~ranks[lane][count - 1]
                for lane in range(2 * lanes)
            )),
        ]  # fmt: skip
        ends = gone & Cat(head.ends_block for head in heads)
        banks = [bank, bank ^ heads[0].ends_block]
        m.d.sync += [ahead.eq(ahead + ends[0] + ends[1] - self.drained), bank.eq(bank ^ ends[0] ^ ends[1])]
        if self.multiplier is not None:
            number = self.multiplier
            exact = [(Cat(1, rank)[number] & ~rank[number]) for rank in ranks]
            self._check_pair(m, dut.o_pairs[number], [sent[lane] & exact[lane] for lane in range(2 * lanes)], banks)
            return m
        ended = Cat(Cat(ends[n] & (banks[n] == b) for n in range(2)).any() for b in range(2))
        frees_windows, frees_tiles = (
            self._later(m, name, sum(gone[n] & heads[n][name] for n in range(2)))
            for name in ("frees_window", "frees_tile")
        )
        issued = Cat(Mux(may[1], total, Mux(may[0], of_first, 0))[:count], Const(0, 1))  # at most M
        m.d.comb += [
            *(Assert(fact) for fact in goes_when_used_up(dut)),
            Assert(Cat(dut.o_clear[0], dut.o_clear[1]) == sent),
            Assert(dut.o_pop == gone),
            Assert(dut.o_open == may[0]),
            Assert((1 << dut.o_issued) == Cat(1, issued) & ~issued),
            Assert(dut.o_free_windows == frees_windows),
            Assert(dut.o_free_tiles == frees_tiles),
            Assert(dut.o_ends == self._later(m, "ended", ended)),
        ]
        return m

    def _later(self, m: Module, name: str, value):
        """The value, a cycle later if ``pipelined``."""
        if not self.config.pipelined:
            return value
        register = Signal.like(value, name=f"{name}_later")
        m.d.sync += register.eq(value)
        return register

    def _counts(self, m: Module, number: int) -> list[Signal]:
        """Of a list: how many matches are below each lane, and in all, up to M + 1.

        All lanes have the same count in the order of the decoder's tree, and the first match goes by a subtraction.
        Both are theorems (`CountsSpec`) about signals that are made here of the matches alone, so that they rule out
        no input and say nothing of the decoder; solvers don't end at full size if they have to find them.
        """
        valid, most = self.lists[number].matches.valid, self.config.pe_multipliers + 1
        counts = counts_below(m, f"count_{number}", valid, most)
        m.d.comb += Assume(counts[-1] == count_of_halves(m, f"halves_{number}", valid, most))
        m.d.comb += [Assume(fact) for fact in clears_first(m, f"rest_{number}", valid, counts)]
        return counts

    def _both(self, m: Module, name: str, one: Value, other: Value) -> Signal:
        """Sum of two counts."""
        m.d.comb += (both := Signal(len(one), name=name)).eq(added(one, other))
        return both

    def _check_pair(self, m: Module, out, mine: list, banks: list) -> None:
        """The entries in the match's lane and at its position, within a window and a tile from their starts on."""
        config, lanes = self.config, self.config.window_entries
        valid, head, bank = Signal(), Signal(list_head(config)), Signal()
        lane, position = Signal(range(lanes)), Signal(config.index_bits)
        m.d.comb += valid.eq(Cat(mine).any())
        for number, chosen in enumerate(mine):
            entry, at = self.lists[number // lanes], number % lanes
            with m.If(chosen):
                m.d.comb += [head.eq(entry.head), lane.eq(at), bank.eq(banks[number // lanes])]
                m.d.comb += position.eq(Cat(plane[at] for plane in entry.matches.position))
        valid, head, bank, lane, position = (
            self._later(m, name, value)
            for name, value in {"valid": valid, "head": head, "bank": bank, "lane": lane, "position": position}.items()
        )
        span_mask = Signal(config.index_bits)
        into_window, into_tile = Signal.like(out.weight), Signal.like(out.activation)
        known = valid & (head.mode != 3)
        m.d.comb += [
            span_mask.eq((config.aim_entries - 1) >> head.mode),
            into_window.eq(out.weight - head.weight_start * config.beat_entries),
            into_tile.eq(out.activation - head.tile_start * config.beat_entries),
            Assert(out.valid == valid),
            Assert(~known | ((into_window < lanes) & (out.weight % lanes == lane))),
            Assert(~known | ((into_tile <= span_mask) & (((out.activation ^ position) & span_mask) == 0))),
            Assert(~known | ((out.slot == head.slot) & (out.bank == bank))),
        ]
