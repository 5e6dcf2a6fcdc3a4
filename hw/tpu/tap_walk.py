"""Goes through the taps of windows, and says where each lies."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["ADDRESS_BITS", "TapWalk", "tap_layout", "walk_layout"]

ADDRESS_BITS = 24
"""Addresses and places in an image are counted modulo 2 to so many bits."""


def walk_layout(result_bits: int) -> data.StructLayout:
    """Where taps lie, as the registers of `isa` say it.

    ``bounded``: lines and images end. ``results`` are windows, each of ``kernel_rows`` times ``kernel_columns`` taps.
    A count of 0 is taken for 1.
    """
    steps = ("tap_step", "kernel_step", "column_step", "line_step", "image_step")
    return data.StructLayout(
        dict.fromkeys(("address", "x", "y", *steps), ADDRESS_BITS)
        | {"stride": 12, "dilation": 12, "columns": 12, "lines": 12, "bounded": 1}
        | {"kernel_rows": 5, "kernel_columns": 5, "results": result_bits}
    )


def tap_layout() -> data.StructLayout:
    """A tap: its first granule, its place in the image; whether it is a window's first, a window's last, the last."""
    place = signed(ADDRESS_BITS)
    return data.StructLayout({"address": ADDRESS_BITS, "x": place, "y": place, "first": 1, "last": 1, "final": 1})


class TapWalk(wiring.Component):
    """Window after window, the taps of a kernel: columns within rows. A tap a cycle, the first one after `i_load`.

    Parameters
    ----------
    result_bits
        Width of the number of windows.

    Attributes
    ----------
    i_load
        Begin: there is no tap under way.
    i_walk
        What to do (`walk_layout`), from `i_load` on until the last tap is taken.
    o
        Stream of taps (`tap_layout`).
    """

    def __init__(self, result_bits: int):
        check_int("result_bits", result_bits, 1)
        self.config = (result_bits,)
        walk = walk_layout(result_bits)
        super().__init__({"i_load": In(1), "i_walk": In(walk), "o": Out(stream.Signature(tap_layout()))})

    def elaborate(self, platform) -> Module:
        m = Module()
        walk, tap = self.i_walk, self.o.payload
        # From the innermost loop to the outermost: how far it goes, what is left of it.
        counts = {
            "tap": walk.kernel_columns, "kernel": walk.kernel_rows, "column": walk.columns, "line": walk.lines,
        }  # fmt: skip
        left = {name: Signal.like(count, name=f"{name}s_left") for name, count in counts.items()}
        ends = {name: Signal(name=f"{name}_ends") for name in counts}
        results, first = Signal.like(walk.results), Signal()
        moves = Signal()
        m.d.comb += [
            *(ends[name].eq(left[name] <= 1) for name in ("tap", "kernel", "line")),
            ends["column"].eq((left["column"] <= 1) & walk.bounded),
            moves.eq(self.o.valid & self.o.ready),
            tap.first.eq(first),
            tap.last.eq(ends["tap"] & ends["kernel"]),
            tap.final.eq(tap.last & (results <= 1)),
        ]
        with m.If(moves):
            m.d.sync += first.eq(tap.last)
            with m.If(tap.last):
                m.d.sync += results.eq(results - 1)
            with m.If(tap.final):
                m.d.sync += self.o.valid.eq(0)
        self._count(m, moves, counts, left, ends)
        self._place(m, moves, ends)
        with m.If(self.i_load):
            m.d.sync += [self.o.valid.eq(1), first.eq(1), results.eq(walk.results)]
        return m

    def _count(self, m: Module, moves: Signal, counts: dict, left: dict, ends: dict) -> None:
        """Each loop counts when all within it end, and then these begin anew."""
        steps = moves
        for name, count in counts.items():
            with m.If(self.i_load):
                m.d.sync += left[name].eq(count)
            with m.Elif(steps):
                m.d.sync += left[name].eq(Mux(ends[name], count, left[name] - 1))
            steps = steps & ends[name]

    def _place(self, m: Module, moves: Signal, ends: dict) -> None:
        """Where the tap is, and where each loop has what begins in it: one loop goes on, those within it follow."""
        walk, tap = self.i_walk, self.o.payload
        names = ("tap", "kernel", "column", "line", "image")
        places = {name: Signal(ADDRESS_BITS, name=f"{name}_at") for name in names}
        column_x, line_y = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        start, step, following = (Signal(ADDRESS_BITS, name=name) for name in ("start", "step", "following"))
        goes_on = {name: Signal(name=f"{name}_goes_on") for name in names}
        m.d.comb += [following.eq(start + step), tap.address.eq(places["tap"])]
        inner_end = moves
        for name in names:
            m.d.comb += goes_on[name].eq(inner_end & ~ends[name] if name in ends else inner_end)
            inner_end = inner_end & ends[name] if name in ends else inner_end
            with m.If(goes_on[name]):
                m.d.comb += [start.eq(places[name]), step.eq(walk[f"{name}_step"])]
                for inner in names[: names.index(name) + 1]:
                    m.d.sync += places[inner].eq(following)
        with m.If(goes_on["tap"]):
            m.d.sync += tap.x.eq(tap.x + walk.tap_step)
        with m.If(goes_on["kernel"]):
            m.d.sync += [tap.x.eq(column_x), tap.y.eq(tap.y + walk.dilation)]
        with m.If(goes_on["column"]):
            x = column_x + walk.column_step
            m.d.sync += [tap.x.eq(x), column_x.eq(x), tap.y.eq(line_y)]
        with m.If(goes_on["line"]):
            y = line_y + walk.stride
            m.d.sync += [tap.x.eq(walk.x), column_x.eq(walk.x), tap.y.eq(y), line_y.eq(y)]
        with m.If(goes_on["image"] | self.i_load):
            m.d.sync += [tap.x.eq(walk.x), column_x.eq(walk.x), tap.y.eq(walk.y), line_y.eq(walk.y)]
        with m.If(self.i_load):
            m.d.sync += [place.eq(walk.address) for place in places.values()]
