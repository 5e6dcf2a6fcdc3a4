"""What an AIM must find, for every window and every pair of tiles."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.snap.aim import Aim
from ....hw.snap.config import SnapConfig
from ....hw.snap.list_layouts import AimMode, tile_lane, weight_lane
from ...formal import Assert, Assume

__all__ = ["AimSpec", "AimsEqual"]


class _AimInputs(wiring.Component):
    """Free inputs of an AIM, within what it may be given.

    Parameters
    ----------
    config
        The AIM's.
    lanes
        Weight lanes to look at, by default all. Many small proofs are faster than a big one.
    """

    def __init__(self, config: SnapConfig, lanes: range | None = None):
        self.config, self.lanes = config, lanes or range(config.window_entries)
        super().__init__(
            {
                "weights": In(data.ArrayLayout(weight_lane(config), config.window_entries)),
                "tile": In(data.ArrayLayout(tile_lane(config), config.aim_entries)),
                "classes": In(data.ArrayLayout(config.classes, 2)),
                "mode": In(2),
                "half": In(1),
            }
        )

    def _assume(self, m: Module) -> None:
        """Indices of a tile are unique, and places too where they are counted modulo a part of the lanes."""
        width = self.config.aim_entries
        m.d.comb += Assume(self.mode <= AimMode.QUARTER)
        for name in ("first", "second"):
            for lane in range(width):
                if name == "second":
                    m.d.comb += Assume(~self.tile[lane].second | (self.mode == AimMode.QUARTER))
                for other in range(lane):
                    collides = self.tile[lane].index == self.tile[other].index
                    for mode in (AimMode.HALF, AimMode.QUARTER):
                        if (lane - other) % (width >> mode) == 0:
                            collides |= self.mode == mode
                    m.d.comb += Assume(~(self.tile[lane][name] & self.tile[other][name] & collides))

    def _aim(self, m: Module, name: str) -> Aim:
        m.submodules[name] = aim = Aim(self.config.replace(aim=name))
        m.d.comb += [
            aim.i_weights.eq(self.weights),
            aim.i_tile.eq(self.tile),
            aim.i_classes.eq(self.classes),
            aim.i_mode.eq(self.mode),
            aim.i_half.eq(self.half),
        ]
        return aim

    def _before(self, m: Module, name: str):
        before = Signal(getattr(self, name).shape(), name=f"{name}_before", reset_less=True)
        m.d.sync += before.eq(getattr(self, name))
        return before


class AimSpec(_AimInputs):
    """Finds every match of the operation taken a cycle ago, and only matches.

    Two cycles are every behaviour: all registers are loaded in the first, and read in the second.
    """

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        self._assume(m)
        aim = self._aim(m, self.config.aim)
        started = Signal()
        m.d.sync += started.eq(1)
        weights, tile, classes, mode, half = (self._before(m, name) for name in self.signature.members)
        width = self.config.aim_entries
        mask = Signal(self.config.index_bits)
        m.d.comb += mask.eq((width - 1) >> mode)
        for number, name in enumerate(("first", "second")):
            for lane in self.lanes:
                weight, found = weights[lane], aim.o_lists[number]
                fits = weight.valid & classes[number].bit_select(weight.kind, 1)
                fits &= (mode != AimMode.FULL) | (half == lane // width)
                matches = [fits & getattr(entry, name) & (entry.index == weight.index) for entry in tile]
                place = reduce(or_, (Mux(match, at, 0) for at, match in enumerate(matches)))
                right = found.valid[lane] == reduce(or_, matches)
                right &= ~found.valid[lane] | (((_position(found, lane) ^ place) & mask) == 0)
                m.d.comb += Assert(~started | right)
        return m


class AimsEqual(_AimInputs):
    """Comparator array and table give equal lists: valid bits, and positions where they are valid."""

    def elaborate(self, platform) -> Module:
        """Both designs, assumptions and assertions."""
        m = Module()
        self._assume(m)
        one, other = self._aim(m, "comparators"), self._aim(m, "table")
        mask = Signal(self.config.index_bits)
        m.d.comb += mask.eq((self.config.aim_entries - 1) >> self._before(m, "mode"))
        for a, b in zip(one.o_lists, other.o_lists, strict=True):
            for lane in self.lanes:
                same = ((_position(a, lane) ^ _position(b, lane)) & mask) == 0
                m.d.comb += Assert((a.valid[lane] == b.valid[lane]) & (~a.valid[lane] | same))
        return m


def _position(found, lane: int):
    return Cat(plane[lane] for plane in found.position)
