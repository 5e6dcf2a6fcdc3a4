"""Look-up table of an AIM: the same matches without comparing weights with activations."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from .aim_comparators import matcher_signature
from .config import SnapConfig
from .list_layouts import AimMode

__all__ = ["AimTable"]


class AimTable(wiring.Component):
    """A table from channel index to position, filled by the tile and read by every weight.

    Indices in a tile are unique, so that the table has room for every activation. A word holds, for one index,
    ``near``: whether the tile has it and the low bits of its position; and ``far``: the high bits in modes FULL and
    HALF, the same of the next tile in mode QUARTER. Purely combinational, ports as `AimComparators`.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(matcher_signature(config))

    def elaborate(self, platform) -> Module:
        m = Module()
        entries = self.config.aim_entries
        low_bits = self.config.index_bits - 2
        full, quarter = Signal(), Signal()
        m.d.comb += [full.eq(self.i_mode == AimMode.FULL), quarter.eq(self.i_mode == AimMode.QUARTER)]

        first, first_place = self._planes([Cat(lane.first, lane.index) for lane in self.i_tile])
        gated = [Cat(lane.second, Mux(lane.second, lane.index, 0)) for lane in self.i_tile]
        folded = [reduce(or_, gated[place :: entries // 4]) for place in range(entries // 4)]
        second, second_place = self._planes(folded)
        high, highest = first_place[low_bits], Mux(full, first_place[low_bits + 1], 0)
        others = [Mux(quarter, plane, 0) for plane in second_place] or [0]
        far = [Mux(quarter, second, high), others[0] | highest, *others[1:]]
        table = [Signal(entries, name=f"plane_{bit}") for bit in range(1 + low_bits + len(far))]
        m.d.comb += [plane.eq(bits) for plane, bits in zip(table, [first, *first_place[:low_bits], *far], strict=True)]

        lists: list[list] = [[], []]
        for lane in range(self.config.window_entries):
            asked, word = Signal(entries, name=f"asked_{lane}"), Signal(len(table), name=f"word_{lane}")
            m.d.comb += [
                asked.eq(_decode(self.i_indices[lane])),
                word.eq(Cat((plane & asked).any() for plane in table)),
            ]
            near, far = word[: 1 + low_bits], word[1 + low_bits :]
            fits = near[0] & (~full | (self.i_half == lane // entries))
            lists[0].append(Cat(fits, near[1:], far[0] & ~quarter, far[1] & full))
            lists[1].append(Cat(Mux(quarter, far, 0)[: 1 + low_bits], Const(0, 2)))
        for found, lanes in zip(self.o_lists, lists, strict=True):
            m.d.comb += found.valid.eq(Cat(lane[0] for lane in lanes))
            m.d.comb += [plane.eq(Cat(lane[1 + bit] for lane in lanes)) for bit, plane in enumerate(found.position)]
        return m

    def _planes(self, lanes: list) -> tuple[Value, list[Value]]:
        """A bit for each index: whether the lanes, of validity and index, have it, and the bits of that lane."""
        marks = [_decode(lane[1:]) & lane[0].replicate(self.config.aim_entries) for lane in lanes]
        planes = [
            reduce(or_, (mark for lane, mark in enumerate(marks) if lane >> bit & 1))
            for bit in range((len(lanes) - 1).bit_length())
        ]
        return reduce(or_, marks), planes


def _decode(index: Value) -> Value:
    """One-hot."""
    low, high = ([part == value for value in range(1 << len(part))] for part in (index[:-2], index[-2:]))
    return Value.cast(Cat(one & other for other in high for one in low))
