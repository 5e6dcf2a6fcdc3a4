"""Fetches the rows of the unified buffer that taps lie in."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from .config import TpuConfig
from .layouts import ub_row
from .tap_walk import ADDRESS_BITS, tap_layout
from .unified_buffer import ROW_LATENCY

__all__ = ["TapRows", "step_layout"]


def step_layout(config: TpuConfig) -> data.StructLayout:
    """A row that a tap has, and what it is to the tap.

    ``at``: granules to turn the row down, so that the tap's granule 0 is at 0. By granule of the tap: ``covers``, it is
    this step that gives it; ``input``, it is in the row, and not a pad. ``first``, ``last``: the window's first tap,
    the window's last step. ``fill``: as it came.
    """
    size = config.row_granules
    return data.StructLayout({"at": range(size), "covers": size, "input": size, "first": 1, "last": 1, "fill": 1})


class TapRows(wiring.Component):
    """Each tap is a step, or two if there is input in both of the rows where it lies; nothing is fetched without need.

    A step a cycle. A tap that is taken in cycle t makes its first step in cycle t + 1 at the earliest, which comes out
    `ROW_LATENCY` cycles later, together with its row.

    Attributes
    ----------
    i_taps
        Stream of taps (`tap_layout`).
    i_width, i_fill
        Of the tap that is offered: its granules, and what its steps carry.
    i_everything
        All of the tap is input, wherever it is.
    i_line, i_height, i_first, i_last
        Granules of a line of the image, lines of it; first and last row that belong to it.
    i_may_end
        The last step of a window may be made. Once it is 1, it stays so until that is made.
    o_fetch, i_fetch_ready
        A row to read (``valid``, ``row``), and that it is read.
    o_ends
        The last step of a window is made, and it was not of ``i_fill``.
    o_valid, o_step
        A step (`step_layout`), whose row is there in this cycle.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_taps": In(stream.Signature(tap_layout())),
                "i_width": In(bits_for(config.row_granules)),
                "i_fill": In(1),
                "i_everything": In(1),
                "i_line": In(ADDRESS_BITS),
                "i_height": In(12),
                "i_first": In(ub_row(config)),
                "i_last": In(ub_row(config)),
                "i_may_end": In(1),
                "o_fetch": Out(data.StructLayout({"valid": 1, "row": ub_row(config)})),
                "i_fetch_ready": In(1),
                "o_ends": Out(1),
                "o_valid": Out(1),
                "o_step": Out(step_layout(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        size = self.config.row_granules
        row_bits = exact_log2(size)
        count = bits_for(size)
        # The place in the tap's row; the granules in its image; whether it needs its row, and the next.
        fields = {"at": row_bits, "start": count, "end": count, "low": 1, "high": 1, "first": 1, "last": 1, "fill": 1}
        held_layout = data.StructLayout({"row": ADDRESS_BITS - row_bits} | fields)
        held, comes = Signal(held_layout, reset_less=True), Signal(held_layout)
        full, second = Signal(), Signal()
        self._look(m, comes)  # pyrefly: ignore[bad-argument-type]  # a signal of a layout is a view
        both, ends, needs, may_go, goes, leaves, upper = (
            Signal(name=name) for name in ("both", "ends", "needs", "may_go", "goes", "leaves", "upper")
        )
        m.d.comb += [
            both.eq(held.low & held.high),
            needs.eq(held.low | held.high),
            upper.eq(second | ~held.low),  # it is the next row that this step fetches, if it does
            ends.eq(held.last & (second | ~both)),
            may_go.eq(full & (self.i_may_end | ~ends)),
            self.o_fetch.row.eq(held.row + upper),
            self.o_fetch.valid.eq(may_go & needs),
            goes.eq(may_go & (self.i_fetch_ready | ~needs)),
            leaves.eq(goes & (second | ~both)),
            self.o_ends.eq(goes & ends & ~held.fill),
            self.i_taps.ready.eq(leaves | ~full),
        ]
        m.d.sync += second.eq(Mux(goes, both & ~second, second))
        with m.If(self.i_taps.ready):
            m.d.sync += [full.eq(self.i_taps.valid), held.eq(comes)]

        layout = data.StructLayout(fields)
        step = Signal(layout, name="step")
        m.d.comb += [
            *(step[name].eq(held[name]) for name in ("at", "start", "end", "first", "fill")),
            step.low.eq(needs & ~upper),
            step.high.eq(needs & upper),
            step.last.eq(ends),
        ]
        halves = Cat(~second, second | ~both)  # of the tap: which are done with this step
        valid = goes
        for cycle in range(ROW_LATENCY):
            later = Signal(name=f"valid_{cycle}"), Signal(layout, name=f"step_{cycle}", reset_less=True)
            halves_later = Signal(2, name=f"halves_{cycle}", reset_less=True)
            m.d.sync += [later[0].eq(valid), later[1].eq(step), halves_later.eq(halves)]
            (valid, step), halves = later, halves_later
        m.d.comb += [
            self.o_valid.eq(valid),
            self.o_step.at.eq(step.at),
            self.o_step.first.eq(step.first),
            self.o_step.last.eq(step.last),
            self.o_step.fill.eq(step.fill),
        ]
        for granule in range(size):
            beyond = Signal(name=f"beyond_{granule}")
            m.d.comb += [
                beyond.eq(step.at + granule >= size),
                self.o_step.covers[granule].eq(Mux(beyond, halves[1], halves[0])),
                self.o_step.input[granule].eq(
                    Mux(beyond, step.high, step.low) & (granule >= step.start) & (granule < step.end)
                ),
            ]
        return m

    def _look(self, m: Module, comes: data.View) -> None:
        """What is input of the tap that is offered, and which rows it needs for that."""
        tap, size = self.i_taps.payload, self.config.row_granules
        row_bits, row = exact_log2(size), comes.row
        rest, in_line = Signal(signed(ADDRESS_BITS + 2)), Signal()
        here, there = Signal(), Signal()
        below = Signal(range(size + 1))
        next_row = Signal.like(row)
        m.d.comb += [
            row.eq(tap.address >> row_bits),
            next_row.eq(row + 1),
            comes.at.eq(tap.address[:row_bits]),
            rest.eq(self.i_line - tap.x),
            in_line.eq((tap.y >= 0) & (tap.y < self.i_height) & (rest > 0)),
            below.eq(Mux(tap.x <= -size, size, Mux(tap.x < 0, -tap.x, 0))),
            comes.start.eq(Mux(self.i_everything, 0, below)),
            here.eq(self.i_everything | ((row >= self.i_first) & (row <= self.i_last))),
            there.eq(self.i_everything | ((next_row >= self.i_first) & (next_row <= self.i_last))),
            comes.low.eq(here & (comes.start < comes.end) & (comes.at + comes.start < size)),
            comes.high.eq(there & (comes.start < comes.end) & (comes.at + comes.end > size)),
            comes.first.eq(tap.first),
            comes.last.eq(tap.last),
            comes.fill.eq(self.i_fill),
        ]
        with m.If(self.i_everything | (in_line & (rest > self.i_width))):
            m.d.comb += comes.end.eq(self.i_width)
        with m.Elif(in_line):
            m.d.comb += comes.end.eq(rest)
