"""The comparator array of an AIM."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
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
        quarter = entries // 4
        full, half = Signal(), Signal()
        m.d.comb += [full.eq(self.i_mode == AimMode.FULL), half.eq(self.i_mode == AimMode.HALF)]
        present, indices = self._columns(m, full, half)
        low, high = self.o_lists
        for row in range(entries):
            left, right = Signal(self.config.index_bits), Signal(self.config.index_bits)
            lower, upper = self.i_indices[row], self.i_indices[entries + row]
            m.d.comb += [
                left.eq(Mux(full & self.i_half, upper, lower)),
                right.eq(Mux(full & ~self.i_half, lower, upper)),
            ]
            match = Signal(entries, name=f"match_{row}")
            for column in range(entries):
                weight = left if column < entries // 2 else right
                m.d.comb += match[column].eq(present[column] & (indices[column] == weight))
            quarters = [match[quarter * part : quarter * (part + 1)] for part in range(4)]
            found = Signal(4, name=f"found_{row}")
            places = [Signal(range(quarter), name=f"place_{row}_{part}") for part in range(4)]
            m.d.comb += [found.eq(Cat(part.any() for part in quarters))]
            m.d.comb += [place.eq(_encode(part)) for place, part in zip(places, quarters, strict=True)]
            for lane, own, other in ((row, (0, 1), (2, 3)), (entries + row, (2, 3), (0, 1))):
                self._encode_lane(m, lane, found, places, own, other, full, half)
            m.d.comb += [
                high.valid[row].eq(found[1] & ~full & ~half),
                high.valid[entries + row].eq(found[3] & ~full & ~half),
                # Gated, because a net of the output that is also used inside looks like a loop to Verilator.
                high.position[row].eq(Mux(full | half, 0, places[1])),
                high.position[entries + row].eq(Mux(full | half, 0, places[3])),
            ]
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

    def _encode_lane(self, m: Module, lane: int, found, places, own, other, full: Signal, half: Signal) -> None:
        """List of the tile: the quarters of the row that compare this lane with it, by mode."""
        here = lane // self.config.aim_entries
        second = found[own[1]] & (full | half)
        across = (found[other[0]] | found[other[1]]) & full
        place = places[own[0]] | Mux(full | half, places[own[1]], 0)
        place |= Mux(full, places[other[0]] | places[other[1]], 0)
        fits = (~full | (self.i_half == here)) & (found[own[0]] | second | across)
        odd = (found[1] | (found[3] & full)) if here == 0 else (found[3] | (found[1] & full))
        m.d.comb += [
            self.o_lists[0].valid[lane].eq(fits),
            self.o_lists[0]
            .position[lane]
            .eq(Cat(place[: len(places[0])], odd & (full | half), (found[2] | found[3]) & full)),
        ]


def _either(values: list):
    return reduce(or_, values)


def _encode(match):
    """Position of the one bit that is set."""
    width = (len(match) - 1).bit_length()
    return Cat(Cat(match[lane] for lane in range(len(match)) if lane >> bit & 1).any() for bit in range(width))
