"""The comparator array of an AIM."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import SnapConfig
from .list_layouts import AimMode, match_list, tile_lane

__all__ = ["AimComparators", "matcher_signature"]


def matcher_signature(config: SnapConfig) -> dict[str, wiring.Member]:
    """Ports of `AimComparators` and `AimTable`: those of the AIM, without classes and validity of weights."""
    return {
        "i_indices": In(data.ArrayLayout(config.index_bits, config.window_entries)),
        "i_tile": In(data.ArrayLayout(tile_lane(config), config.aim_entries)),
        "i_mode": In(2),
        "i_half": In(1),
        "o_lists": Out(data.ArrayLayout(match_list(config), 2)),
    }


class AimComparators(wiring.Component):
    """N x N comparators and position encoders (SNAP, Fig. 8), used as N x N, 2N x N/2 or 2N x N/4 x 2.

    Row r compares weight lanes r and N + r, which share it: in mode FULL all its columns see the lane that
    ``i_half`` selects, else the left half of the columns sees lane r and the right half lane N + r. A row's columns
    are encoded in quarters, which are combined by mode. Purely combinational.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(matcher_signature(config))

    def elaborate(self, platform) -> Module:
        m = Module()
        entries = self.config.aim_entries
        quarter, low_bits = entries // 4, self.config.index_bits - 2
        full, half = Signal(), Signal()
        m.d.comb += [full.eq(self.i_mode == AimMode.FULL), half.eq(self.i_mode == AimMode.HALF)]
        present, indices = self._columns(m, full, half)
        lists: list[list] = [[None] * (2 * entries) for _ in self.o_lists]
        for row in range(entries):
            left, right = (Signal(self.config.index_bits, name=f"{side}_{row}") for side in ("left", "right"))
            lower, upper = self.i_indices[row], self.i_indices[entries + row]
            m.d.comb += [
                left.eq(Mux(full & self.i_half, upper, lower)),
                right.eq(Mux(full & ~self.i_half, lower, upper)),
            ]
            codes = []  # of each quarter: whether there is a match, position in the quarter
            for part in range(4):
                weight = left if part < 2 else right
                match, code = (
                    Signal(quarter, name=f"match_{row}_{part}"),
                    Signal(1 + low_bits, name=f"code_{row}_{part}"),
                )
                columns = range(quarter * part, quarter * (part + 1))
                m.d.comb += match.eq(Cat(present[c] & (indices[c] == weight) for c in columns))
                m.d.comb += code.eq(Cat(match.any(), _encode(match)))
                codes.append(code)
            for lane, order in ((row, (0, 1, 2, 3)), (entries + row, (2, 3, 0, 1))):
                own, beside, *across = (codes[part] for part in order)
                near = own | Mux(full | half, beside, 0) | Mux(full, across[0] | across[1], 0)
                odd = Mux(full, codes[1][0] | codes[3][0], half & beside[0])
                fits = near[0] & (~full | (self.i_half == lane // entries))
                lists[0][lane] = Cat(fits, near[1 : 1 + low_bits], odd, full & (codes[2][0] | codes[3][0]))
                lists[1][lane] = Cat(Mux(full | half, 0, beside)[: 1 + low_bits], Const(0, 2))
        for found, lanes in zip(self.o_lists, lists, strict=True):
            m.d.comb += found.valid.eq(Cat(lane[0] for lane in lanes))
            m.d.comb += [plane.eq(Cat(lane[1 + bit] for lane in lanes)) for bit, plane in enumerate(found.position)]
        return m

    def _columns(self, m: Module, full: Signal, half: Signal) -> tuple[Signal, list[Signal]]:
        """Bring the activations to their columns: the lanes, or those of one or two tiles without the gaps.

        A folded tile has at most one entry for a column, so the lanes that may hold it are combined by OR.
        """
        entries = self.config.aim_entries
        quarter = entries // 4
        present = Signal(entries)
        indices = [Signal(self.config.index_bits, name=f"column_{column}") for column in range(entries)]
        gated = [
            [Cat(lane[name], Mux(lane[name], lane.index, 0)) for lane in self.i_tile] for name in ("first", "second")
        ]
        for column, index in enumerate(indices):
            half_column, place = column % (entries // 2), column % quarter
            folded = _either(gated[0][half_column :: entries // 2])
            quartered = _either(gated[half_column // quarter][place::quarter])
            value = Mux(full, Cat(self.i_tile[column].first, self.i_tile[column].index), Mux(half, folded, quartered))
            m.d.comb += Cat(present[column], index).eq(value)
        return present, indices


def _either(values: list):
    return reduce(or_, values)


def _encode(match):
    """Position of the one bit that is set."""
    width = (len(match) - 1).bit_length()
    return Cat(Cat(match[lane] for lane in range(len(match)) if lane >> bit & 1).any() for bit in range(width))
