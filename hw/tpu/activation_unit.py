"""From drained sums to bytes in the unified buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.shared import shared
from ..systolic.layouts import sum_row
from .config import TpuConfig
from .isa import KINDS
from .lane_group import RAW_LATENCY, REQUANTIZE_LATENCY, LaneGroup
from .layouts import activate_entry, put_layout

__all__ = ["ActivationUnit"]

GROUP_LANES = 16
"""Lanes of a group at most: as many as take a widest beat of parameters."""


class ActivationUnit(wiring.Component):
    """Executes ``activate``: requantizes the rows of sums, or takes them apart into byte planes (`isa`).

    An entry is taken in the cycle of the last put of the one before at the earliest, and its rows from the next cycle
    on: a row a cycle, or one in as many cycles as it has planes. A row is put `REQUANTIZE_LATENCY` cycles after it was
    taken, the last plane of raw sums `RAW_LATENCY` cycles after; its other planes in the cycles before. So many cycles
    lie between the last row of an entry and the first one of the next.

    A parameter set comes in while its entry waits, a beat a cycle, once all rows of the entry before were taken; the
    entry is taken in the cycle after the set's last beat at the earliest.

    Attributes
    ----------
    i_entries
        Stream of `activate_entry`. If one is the next to be executed it can be offered, and with ``next`` it gets its
        parameter set.
    i_go
        It may be executed too, and so is taken, as soon as it can be.
    i_sums
        Stream of the matrix unit's sums.
    i_parameters
        Stream of parameter sets in beats: for column 0, 1, ... an int32 bias, then a float32 factor.
    o_put
        What to write to the unified buffer, which takes it: `put_layout`.
    o_done
        In the cycle of an entry's last put.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(activate_entry(config))),
                "i_go": In(1),
                "i_sums": In(stream.Signature(sum_row(config.matrix))),
                "i_parameters": In(stream.Signature(8 * config.bus_bytes)),
                "o_put": Out(wiring.Signature({"valid": Out(1), "payload": Out(put_layout(config))})),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, entries, put = self.config, self.i_entries, self.o_put
        current = Signal(activate_entry(config), reset_less=True)
        rows = Signal.like(current.rows)  # that were not taken
        plane, last_plane, raw = Signal(2), Signal(), Signal()
        flying = Signal(REQUANTIZE_LATENCY)  # rows in the lanes, the oldest last
        takes, planes_end, quiet, loaded, starts = (Signal() for _ in range(5))
        m.d.comb += [
            raw.eq(current.kind == KINDS.index("raw")),
            last_plane.eq(plane == (1 << current.planes) - 1),
            self.i_sums.ready.eq((rows != 0) & last_plane),
            takes.eq((rows != 0) & self.i_sums.valid),
            quiet.eq((rows == 0) & ~flying[:-1].any()),
            entries.ready.eq(self.i_go & quiet & (loaded | ~entries.payload.next)),
            starts.eq(entries.valid & entries.ready),
            put.valid.eq(flying[-1]),
            put.payload.used.eq(current.used),
            self.o_done.eq(flying[-1] & quiet),
        ]
        m.d.sync += [
            flying.eq(Cat(takes & ~raw, flying)),
            planes_end.eq(last_plane),
        ]
        with m.If(takes & raw):
            m.d.sync += flying[-RAW_LATENCY].eq(1)
        with m.If(takes):
            m.d.sync += plane.eq(Mux(last_plane, 0, plane + 1))
            with m.If(last_plane):
                m.d.sync += rows.eq(rows - 1)
        row_address, next_row = Signal.like(current.ub), Signal.like(current.ub)
        m.d.comb += next_row.eq(row_address + current.pitch)
        with m.If(put.valid):
            m.d.sync += put.payload.address.eq(put.payload.address + current.plane_step)
            with m.If(planes_end):
                m.d.sync += [row_address.eq(next_row), put.payload.address.eq(next_row)]
        with m.If(starts):
            first = entries.payload.ub
            m.d.sync += [current.eq(entries.payload), rows.eq(entries.payload.rows)]
            m.d.sync += [row_address.eq(first), put.payload.address.eq(first)]
        beat = self._load(m, rows == 0, loaded, starts)
        self._lanes(m, current, beat, raw, plane)  # pyrefly: ignore[bad-argument-type]  # a signal of a layout is a view
        return m

    def _load(self, m: Module, free: Value, loaded: Signal, starts: Signal) -> Value:
        """Take an entry's parameter set; returns the number of a beat that comes, below a bit that says so."""
        entries, parameters = self.i_entries, self.i_parameters
        beat, goes = Signal(range(self.config.set_beats)), Signal()
        m.d.comb += [
            parameters.ready.eq(entries.valid & entries.payload.next & ~loaded & free),
            goes.eq(parameters.ready & parameters.valid),
        ]
        with m.If(goes):
            m.d.sync += [beat.eq(beat + 1), loaded.eq(beat.all())]
        with m.If(starts):
            m.d.sync += loaded.eq(0)
        return Cat(beat, goes)

    def _lanes(self, m: Module, current: data.View, beat: Value, raw: Signal, plane: Signal) -> None:
        """Groups of lanes side by side."""
        config = self.config
        lanes = min(GROUP_LANES, config.matrix.columns)
        groups = config.matrix.columns // lanes
        place = beat[exact_log2(config.set_beats // groups) :]
        for index in range(groups):
            group = LaneGroup(lanes, config.bus_bytes)
            m.submodules[f"group_{index}"] = shared(group, hier_block=True)
            m.d.comb += [
                group.i_load.eq(place == groups + index),
                group.i_beat.eq(self.i_parameters.payload),
                group.i_sums.eq(self.i_sums.payload.as_value().word_select(index, len(group.i_sums))),
                group.i_raw.eq(raw),
                group.i_relu.eq(current.relu),
                group.i_plane.eq(plane),
                group.i_zero_point.eq(current.zero),
                group.i_low.eq(current.lo),
                group.i_high.eq(current.hi),
                self.o_put.payload.data.word_select(index, 8 * lanes).eq(group.o_bytes),
            ]
