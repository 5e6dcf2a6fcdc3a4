"""Associative index matching (AIM): which weights of a window meet which activations of a tile."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .aim_comparators import AimComparators
from .aim_table import AimTable
from .config import SnapConfig
from .list_layouts import match_list, tile_lane, weight_lane

__all__ = ["Aim"]


class Aim(wiring.Component):
    """For each weight of a window the position of the activation with the same channel index (SNAP, section IV-A).

    Indices in a tile are unique, so a weight has at most one match in it. Lanes are places in the rings of the
    register files: lane l holds the ring's entry p with p mod lanes = l. A match counts if the tile's classes include
    the kind of the weight.

    Latency: 1 cycle, one operation a cycle. The inputs are taken in every cycle, also in those without an operation.

    Parameters
    ----------
    config
        Numbers of entries; ``aim`` selects between `AimComparators` and `AimTable`.

    Attributes
    ----------
    i_weights
        `weight_lane` for each of 2N lanes.
    i_tile
        `tile_lane` for each of N lanes. The next tile, which only mode QUARTER has, follows in the ring.
    i_classes
        Classes of the tile and of the next tile: a bit for each kind of weights that may match.
    i_mode
        `AimMode`. FULL: position is the lane. HALF, QUARTER: the lane modulo N/2, N/4, and tiles have at most as many
        entries, without a gap in the ring.
    i_half
        In mode FULL: compare the lower (0) or the upper (1) N weights.
    o_lists
        `match_list` of the tile and of the next tile. A position is undefined where nothing matches.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_weights": In(data.ArrayLayout(weight_lane(config), config.window_entries)),
                "i_tile": In(data.ArrayLayout(tile_lane(config), config.aim_entries)),
                "i_classes": In(data.ArrayLayout(config.classes, 2)),
                "i_mode": In(2),
                "i_half": In(1),
                "o_lists": Out(data.ArrayLayout(match_list(config), 2)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.matcher = matcher = {"comparators": AimComparators, "table": AimTable}[config.aim](config)
        kinds = Signal(data.ArrayLayout(weight_lane(config)["kind"].shape, config.window_entries), reset_less=True)
        valid = Signal(config.window_entries, reset_less=True)
        classes = Signal(self.i_classes.shape(), reset_less=True)
        taken = {
            name: Signal(port.shape(), name=name, reset_less=True)
            for name, port in vars(matcher).items()
            if name in ("i_indices", "i_tile", "i_mode", "i_half")
        }
        for lane, weight in enumerate(self.i_weights):
            m.d.sync += [
                taken["i_indices"][lane].eq(weight.index),
                kinds[lane].eq(weight.kind),
                valid[lane].eq(weight.valid),
            ]
        m.d.sync += [
            taken["i_tile"].eq(self.i_tile),
            taken["i_mode"].eq(self.i_mode),
            taken["i_half"].eq(self.i_half),
            classes.eq(self.i_classes),
        ]
        m.d.comb += [getattr(matcher, name).eq(register) for name, register in taken.items()]
        marks = [Signal(config.classes, name=f"mark_{lane}") for lane in range(config.window_entries)]
        m.d.comb += [mark.eq(1 << kinds[lane]) for lane, mark in enumerate(marks)]
        for number, found in enumerate(matcher.o_lists):
            allowed = Signal(config.window_entries, name=f"allowed_{number}")
            m.d.comb += [
                allowed.eq(Cat((classes[number] & mark).any() for mark in marks)),
                self.o_lists[number].valid.eq(found.valid & valid & allowed),
                self.o_lists[number].position.eq(found.position),
            ]
        return m
