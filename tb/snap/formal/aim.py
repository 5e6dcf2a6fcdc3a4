"""What an AIM must find, for every window and every pair of tiles."""

from functools import reduce
from operator import or_

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.snap.aim import Aim
from ....hw.snap.config import SnapConfig
from ....hw.snap.list_layouts import AimMode, tile_lane, weight_lane

__all__ = ["AimSpec", "AimsEqual"]


class _AimInputs(wiring.Component):
    """Free inputs of an AIM, within what it may be given."""

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "enable": In(1),
                "weights": In(data.ArrayLayout(weight_lane(config), config.window_entries)),
                "tile": In(data.ArrayLayout(tile_lane(config), config.aim_entries)),
                "classes": In(data.ArrayLayout(config.classes, 2)),
                "mode": In(2),
                "half": In(1),
            }
        )

    def _assume(self, m: Module) -> None:
        """Indices of a tile are unique, and places too where they are counted modulo a part of the lanes."""
        m.d.comb += Assume(self.mode <= AimMode.QUARTER)
        width = self.config.aim_entries
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
            aim.i_enable.eq(self.enable),
            aim.i_weights.eq(self.weights),
            aim.i_tile.eq(self.tile),
            aim.i_classes.eq(self.classes),
            aim.i_mode.eq(self.mode),
            aim.i_half.eq(self.half),
        ]
        return aim


class AimSpec(_AimInputs):
    """Finds every match of the operation taken a cycle ago, and only matches; otherwise nothing changes."""

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        self._assume(m)
        aim = self._aim(m, self.config.aim)
        taken, known = Signal(), Signal()
        m.d.sync += [taken.eq(self.enable), known.eq(1)]
        before = {}
        for name in ("weights", "tile", "classes", "mode", "half"):
            before[name] = Signal(getattr(self, name).shape(), name=f"{name}_before")
            m.d.sync += before[name].eq(getattr(self, name))
        lists_before = Signal(aim.o_lists.shape())
        m.d.sync += lists_before.eq(aim.o_lists)
        width = self.config.aim_entries
        wrong = []
        for number, name in enumerate(("first", "second")):
            for lane, weight in enumerate(before["weights"]):
                fits = weight.valid & before["classes"][number].bit_select(weight.kind, 1)
                fits &= (before["mode"] != AimMode.FULL) | (before["half"] == lane // width)
                matches = [fits & entry[name] & (entry.index == weight.index) for entry in before["tile"]]
                found = Signal(name=f"found_{name}_{lane}")
                position = aim.o_lists[number].position[lane]
                mask = (width - 1) >> before["mode"]
                m.d.comb += found.eq(aim.o_lists[number].valid[lane])
                wrong.append(found != reduce(or_, matches))
                wrong += [found & match & ((position & mask) != place & mask) for place, match in enumerate(matches)]
        m.d.comb += Assert(~taken | ~Cat(wrong).any())
        m.d.comb += Assert(~known | taken | (aim.o_lists == lists_before))
        m.d.comb += Cover(taken & aim.o_lists[0].valid.any() & aim.o_lists[1].valid.any())
        return m


class AimsEqual(_AimInputs):
    """Comparator array and table give equal lists: valid bits, and positions where they are valid."""

    def elaborate(self, platform) -> Module:
        """Both designs, assumptions and assertions."""
        m = Module()
        self._assume(m)
        one, other = self._aim(m, "comparators"), self._aim(m, "table")
        taken, mode = Signal(), Signal(2)
        m.d.sync += [taken.eq(self.enable), mode.eq(self.mode)]
        mask = Signal(self.config.index_bits)
        m.d.comb += mask.eq((self.config.aim_entries - 1) >> mode)
        wrong = []
        for a, b in zip(one.o_lists, other.o_lists, strict=True):
            wrong.append(a.valid != b.valid)
            for lane in range(self.config.window_entries):
                differs = (a.position[lane] ^ b.position[lane]) & mask
                wrong.append(Mux(a.valid[lane], differs, 0).any())
        m.d.comb += Assert(~taken | ~Cat(wrong).any())
        return m
