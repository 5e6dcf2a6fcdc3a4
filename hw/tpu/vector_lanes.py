"""Lanes of the vector unit, through which a row goes in four cycles."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .config import GRANULE_BYTES, TpuConfig
from .granule_reducer import KEPT_BITS
from .vector_lane import FLOAT_LATENCY, TABLE_BYTES, TABLE_LATENCY, VectorLane, lane_layout

__all__ = ["PASSES", "VectorLanes"]

PASSES = 4
"""Cycles in which lanes take a row."""


class VectorLanes(wiring.Component):
    """A lane for every fourth column: they take a row in `PASSES` cycles, columns from 0 on, and put it together again.

    A row that comes in cycle t is there in cycle ``t + 1 + PASSES`` and the lanes' latency.

    Attributes
    ----------
    i_mode
        What to do (`lane_layout`), constant while a row is under way.
    i_valid, i_row
        A row of sums or pairs, `PASSES` cycles after the one before at the earliest.
    i_fill, i_bytes
        The next granule of a table, of which `TABLE_BYTES` come one after the other.
    o_valid, o_row
        A row of results, in this cycle alone.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_mode": In(lane_layout()),
                "i_valid": In(1),
                "i_row": In(KEPT_BITS * config.row_bytes),
                "i_fill": In(1),
                "i_bytes": In(8 * GRANULE_BYTES),
                "o_valid": Out(1),
                "o_row": Out(8 * config.row_bytes),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lanes = self.config.row_bytes // PASSES
        waiting = Signal(KEPT_BITS * self.config.row_bytes, reset_less=True)
        passes = Signal(PASSES)  # which one this is
        ends = Signal(FLOAT_LATENCY)  # last passes of rows, under way
        place = Signal(range(TABLE_BYTES // GRANULE_BYTES))
        table = self.i_mode.table
        m.d.sync += [
            passes.eq(Cat(self.i_valid, passes)),
            ends.eq(Cat(passes[-1] & ~table, ends)),
            waiting.eq(Mux(self.i_valid, self.i_row, waiting >> KEPT_BITS * lanes)),
            place.eq(place + self.i_fill),
            self.o_valid.eq(ends[-1]),
        ]
        with m.If(table):
            m.d.sync += ends[-TABLE_LATENCY].eq(passes[-1])
        results = Signal(8 * lanes)
        for number in range(lanes):
            lane = VectorLane()
            m.submodules[f"lane_{number}"] = shared(lane, hier_block=True)
            m.d.comb += [
                lane.i_mode.eq(self.i_mode),
                lane.i_kept.eq(waiting.word_select(number, KEPT_BITS)),
                lane.i_fill.eq(self.i_fill),
                lane.i_place.eq(place),
                lane.i_bytes.eq(self.i_bytes),
                results.word_select(number, 8).eq(lane.o_byte),
            ]
        m.d.sync += self.o_row.eq(Cat(self.o_row, results)[len(results) :])
        return m
