"""Column reader: from columns in the queue to entries, a cycle's worth of them at a time."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from ..common.ram import Ram
from ..emit.shared import shared
from .column_queue import ColumnQueue
from .config import EieConfig
from .fetch_cursor import FetchCursor
from .layouts import column_layout, entry_layout, line_layout, load_layout, taken_layout
from .line_ring import LineRing
from .taker import Taker

__all__ = ["ColumnReader"]


class ColumnReader(wiring.Component):
    """Matrix memory with everything that reads it. `sim.eie.cycles` says what happens when.

    A column that is pushed in cycle t may have its first line addressed in t + 1, be taken in t + 2, and its entries
    leave in t + 3.

    Parameters
    ----------
    matrix
        A memory with the ports of the usual `Ram`, in its place (proofs have one that knows its contents).

    Attributes
    ----------
    i_begin
        First cycle of a job; no column is here.
    i_push, i_column
        A column comes; whoever pushes knows that there is room.
    i_write
        Write to the matrix memory (the part of `load_layout`); no column is here.
    o_count
        Columns in the queue.
    o_pop, o_valid, o_read
        In this cycle: columns that are used up, entries that are taken by lane, whether a line is read.
    o_taken, o_entries
        Entries of the cycle before, and how they were taken.
    """

    def __init__(self, config: EieConfig, matrix: wiring.Component | None = None):
        self.config = config
        self._matrix = matrix or Ram(line_layout(config).size, config.entries // config.line_entries)
        super().__init__(
            {
                "i_begin": In(1),
                "i_push": In(1),
                "i_column": In(column_layout(config)),
                "i_write": In(load_layout(config)["matrix"].shape),
                "o_count": Out(bits_for(config.queue_depth)),
                "o_pop": Out(range(3)),
                "o_valid": Out(config.lanes),
                "o_read": Out(1),
                "o_taken": Out(taken_layout(config)),
                "o_entries": Out(data.ArrayLayout(entry_layout(config), config.lanes)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.queue = shared(queue := ColumnQueue(config))
        m.submodules.cursor = shared(cursor := FetchCursor(config))
        m.submodules.taker = shared(taker := Taker(config))
        m.submodules.ring = shared(ring := LineRing(config))
        matrix: Any = self._matrix
        m.submodules.matrix = shared(matrix)
        known = Signal(range(config.queue_depth + 2))
        arriving, place = Signal(), Signal(exact_log2(config.line_buffer), reset_less=True)
        m.d.sync += [arriving.eq(cursor.o_read), place.eq(cursor.o_lines)]
        m.d.comb += [
            queue.i_push.eq(self.i_push),
            queue.i_column.eq(self.i_column),
            queue.i_mark.eq(cursor.o_mark),
            queue.i_slot.eq(cursor.o_slot),
            queue.i_pass.eq(cursor.o_pass),
            queue.i_pop.eq(taker.o_pop),
            known.eq(queue.o_passed + cursor.o_begun),
            cursor.i_begin.eq(self.i_begin),
            cursor.i_valid.eq(queue.o_waiting),
            cursor.i_column.eq(queue.o_next),
            # Without a known column, the newest line is kept: the next column may begin in it.
            cursor.i_held.eq(Mux(known != 0, taker.o_ahead, cursor.o_kept)),
            taker.i_known.eq(Cat(known != 0, known > 1)),
            taker.i_columns.eq(queue.o_columns),
            taker.i_lines.eq(cursor.o_lines),
            matrix.i_write_enable.eq(self.i_write.enable),
            matrix.i_write_address.eq(self.i_write.address),
            matrix.i_write_data.eq(self.i_write.data),
            matrix.i_read_enable.eq(cursor.o_read),
            matrix.i_read_address.eq(cursor.o_address),
            ring.i_store.eq(arriving),
            ring.i_place.eq(place),
            ring.i_line.eq(matrix.o_read_data),
            ring.i_places.eq(taker.o_taken.places),
            self.o_count.eq(queue.o_count),
            self.o_pop.eq(taker.o_pop),
            self.o_valid.eq(taker.o_valid),
            self.o_read.eq(cursor.o_read),
            self.o_taken.eq(taker.o_taken),
            self.o_entries.eq(ring.o_entries),
        ]
        return m
