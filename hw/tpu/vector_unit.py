"""Executes ``pool`` and ``vector``: rows of the unified buffer become other rows of it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect
from amaranth.utils import bits_for, exact_log2

from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import GRANULE_BYTES, TpuConfig
from .granule_reducer import KEPT_BITS, GranuleReducer
from .isa import OPERATIONS
from .layouts import granule_address, store_layout, ub_row, vector_entry
from .tap_rows import TapRows
from .tap_walk import ADDRESS_BITS, TapWalk
from .unified_buffer import ROW_LATENCY
from .vector_lane import FLOAT_LATENCY, TABLE_BYTES
from .vector_lanes import PASSES, VectorLanes

__all__ = ["RESULTS", "VectorUnit"]

REDUCE_LATENCY = ROW_LATENCY + 2
"""Cycles from a step to what it was reduced to: its row, the row turned, the sum."""

FIFO_LATENCY = 2

RESULTS = -(-(REDUCE_LATENCY + PASSES + 1 + FLOAT_LATENCY + FIFO_LATENCY + 1) // PASSES)
"""Results between their last step and their store, so that lanes always work: their place is free a cycle later."""


class VectorUnit(wiring.Component):
    """Executes ``pool`` and ``vector`` (`isa`), one entry after the other.

    An entry is a walk over taps: those of a ``pool``; of a ``vector``, two for each row, its row of a and that of b, or
    one of a for ``table``, after a walk over the table's granules. A tap takes a cycle, or two if it has input in two
    rows; what needs lanes ends a result every `PASSES` cycles at the earliest. `RESULTS` results may be under way; a
    result is a store, or two if it lies in two rows.

    An entry's first fetch is offered three cycles after it was taken. A result is offered `REDUCE_LATENCY` +
    `FIFO_LATENCY` cycles after its last step, and if it needs lanes ``PASSES + 1`` and the lanes' latency later.

    Attributes
    ----------
    i_entries
        Stream of `vector_entry`; one is taken in the cycle after `o_done` at the earliest.
    o_fetch, i_fetch_ready
        A row to read (``valid``, ``row``), and that it is read.
    i_row
        It, `ROW_LATENCY` cycles later.
    o_store
        Stream of what to write (`store_layout`).
    o_done
        The last store of an entry is taken.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(vector_entry(config))),
                "o_fetch": Out(data.StructLayout({"valid": 1, "row": ub_row(config)})),
                "i_fetch_ready": In(1),
                "i_row": In(8 * config.row_bytes),
                "o_store": Out(stream.Signature(store_layout(config))),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        self.entry = entry = Signal(vector_entry(config), name="entry", reset_less=True)
        operation = Signal(len(OPERATIONS), name="operation")  # of a vector, a bit each
        self.does = {name: operation[number] for number, name in enumerate(OPERATIONS)}
        uses_lanes, greatest = Signal(), Signal()
        busy, starts, fills = Signal(), Signal(), Signal()
        m.d.comb += [
            operation.eq(Mux(entry.pool, 0, 1 << entry.operation)),
            greatest.eq(Mux(entry.pool, ~entry.average, self.does["max"])),
            uses_lanes.eq(~greatest),
            self.i_entries.ready.eq(~busy),
        ]
        rows = TapRows(config)
        m.submodules.rows = shared(rows)
        walked = self._walk(m, rows, starts, fills)
        m.d.sync += starts.eq(0)
        with m.If(walked & fills):
            m.d.sync += [fills.eq(0), starts.eq(1)]
        with m.If(self.o_done):
            m.d.sync += busy.eq(0)
        with m.If(self.i_entries.valid & ~busy):
            m.d.sync += [entry.eq(self.i_entries.payload), busy.eq(1), starts.eq(1)]
            first = self.i_entries.payload
            m.d.sync += fills.eq(~first.pool & (first.operation == OPERATIONS.index("table")))

        leaves = Signal()
        self._limit(m, rows, uses_lanes, leaves)
        reduced, kept, greatest_bytes = self._reduce(m, rows, greatest)
        lanes = VectorLanes(config)
        m.submodules.lanes = shared(lanes)
        self._set_lanes(m, lanes)
        m.d.comb += [
            lanes.i_valid.eq(reduced.last & ~reduced.fill & uses_lanes),
            lanes.i_row.eq(kept),
            lanes.i_fill.eq(reduced.fill),
            lanes.i_bytes.eq(Cat(kept.word_select(number, KEPT_BITS)[:8] for number in range(GRANULE_BYTES))),
        ]
        complete, result = Signal(), Signal(8 * config.row_bytes)
        m.d.comb += [
            complete.eq(lanes.o_valid | (reduced.last & greatest)),
            result.eq(Mux(greatest, greatest_bytes, lanes.o_row)),
        ]
        self._store(m, starts, complete, result, leaves)
        return m

    def _walk(self, m: Module, rows: TapRows, starts: Signal, fills: Signal) -> Value:
        """Taps of the entry, or while it `fills` a table of the table; returns whether the last one is taken."""
        entry, size, table_granules = self.entry, self.config.row_granules, TABLE_BYTES // GRANULE_BYTES
        walker = TapWalk(max(len(entry.rows), bits_for(table_granules)))
        m.submodules.walker = shared(walker)
        walk, geometry, pool, table = walker.i_walk, entry.geometry, entry.pool, self.does["table"]
        both = (1 << ADDRESS_BITS) - 1  # of addresses, so that tap_step may be negative
        m.d.comb += [
            walker.i_load.eq(starts),
            walk.address.eq(Mux(pool, entry.ub, Mux(fills, entry.b, entry.a))),
            walk.x.eq(entry.x),
            walk.y.eq(entry.y),
            walk.tap_step.eq(Mux(pool, entry.tap_step, (entry.b - entry.a) & both)),
            walk.column_step.eq(Mux(pool, geometry.column_step, Mux(fills, 1, size))),
            *(walk[name].eq(geometry[name]) for name in ("kernel_step", "line_step", "image_step")),
            *(walk[name].eq(geometry[name]) for name in ("stride", "dilation", "columns", "lines")),
            walk.bounded.eq(pool),
            walk.kernel_rows.eq(Mux(pool, entry.kernel_rows, 1)),
            walk.kernel_columns.eq(Mux(pool, entry.kernel_columns, ~table << 1)),  # 2, or 0 that is taken for 1
            walk.results.eq(Mux(fills, table_granules, entry.rows)),
            rows.i_width.eq(Mux(pool, entry.width, Mux(fills, 1, size))),
            rows.i_fill.eq(fills),
            rows.i_everything.eq(~pool),
            rows.i_line.eq(geometry.line),
            rows.i_height.eq(geometry.height),
            rows.i_first.eq(geometry.window_first),
            rows.i_last.eq(geometry.window_last),
            self.o_fetch.eq(rows.o_fetch),
            rows.i_fetch_ready.eq(self.i_fetch_ready),
        ]
        connect(m, walker.o, rows.i_taps)
        return walker.o.valid & walker.o.ready & walker.o.payload.final

    def _limit(self, m: Module, rows: TapRows, uses_lanes: Signal, leaves: Signal) -> None:
        """Results under way: as many as there is room for, and no faster than lanes take them."""
        room, wait = Signal(range(RESULTS + 1), init=RESULTS), Signal(range(PASSES))
        m.d.comb += rows.i_may_end.eq((room != 0) & (wait == 0))
        m.d.sync += room.eq(room - rows.o_ends + leaves)
        with m.If(rows.o_ends & uses_lanes):
            m.d.sync += wait.eq(PASSES - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)

    def _reduce(self, m: Module, rows: TapRows, greatest: Signal) -> tuple[data.View, Value, Value]:
        """Turn rows, then reduce them; returns what is complete, sums or pairs, and the greatest."""
        config, entry, step = self.config, self.entry, rows.o_step
        size, bits = config.row_granules, 8 * GRANULE_BYTES
        row = self.i_row
        for bit in range(exact_log2(size)):
            turned = Signal(8 * config.row_bytes, name=f"turned_{bit}")
            m.d.comb += turned.eq(Mux(step.at[bit], row.rotate_right(bits << bit), row))
            row = turned
        in_place, takes, is_input = Signal(8 * config.row_bytes, reset_less=True), Signal(size), Signal(size)
        ends = data.StructLayout({"last": 1, "fill": 1})
        begins, arrived, reduced = Signal(), Signal(ends, name="arrived"), Signal(ends, name="reduced")
        m.d.sync += [
            in_place.eq(row),
            takes.eq(Mux(rows.o_valid, step.covers, 0)),
            is_input.eq(step.input),
            begins.eq(step.first),
            arrived.last.eq(rows.o_valid & step.last),
            arrived.fill.eq(rows.o_valid & step.fill),
            reduced.eq(arrived),
        ]
        least = Cat(Const(0, 7), entry.signed)
        limits = Signal(16, name="limits")
        m.d.comb += limits.eq(Mux(entry.pool, Cat(least, ~least), Cat(entry.lo[:8], entry.hi[:8])))
        kept, bytes_ = Signal(KEPT_BITS * config.row_bytes, name="kept"), Signal(8 * config.row_bytes, name="greatest")
        for number in range(size):
            reducer = GranuleReducer()
            m.submodules[f"reducer_{number}"] = shared(reducer)
            m.d.comb += [
                reducer.i_take.eq(takes[number]),
                reducer.i_input.eq(is_input[number]),
                reducer.i_begin.eq(begins),
                reducer.i_bytes.eq(in_place.word_select(number, bits)),
                reducer.i_pad.eq(entry.geometry.pad),
                reducer.i_signed.eq(entry.signed),
                reducer.i_greatest.eq(greatest),
                reducer.i_pair.eq(self.does["add"] | self.does["multiply"]),
                reducer.i_low.eq(limits[:8]),
                reducer.i_high.eq(limits[8:]),
                kept.word_select(number, len(reducer.o_kept)).eq(reducer.o_kept),
                bytes_.word_select(number, bits).eq(reducer.o_greatest),
            ]
        return reduced, kept, bytes_  # pyrefly: ignore[bad-return]  # a signal of a layout is a view

    def _set_lanes(self, m: Module, lanes: VectorLanes) -> None:
        """What lanes do in this entry."""
        mode, entry = lanes.i_mode, self.entry
        m.d.comb += [
            *(mode[name].eq(self.does[name]) for name in ("add", "multiply", "table")),
            *(mode[name].eq(entry[name]) for name in ("signed", "zero_a", "zero_b", "factor_a", "factor_b", "addend")),
            mode.low.eq(Mux(entry.pool, Mux(entry.signed, -128, 0), entry.lo)),
            mode.high.eq(Mux(entry.pool, Mux(entry.signed, 127, 255), entry.hi)),
        ]

    def _store(self, m: Module, starts: Signal, complete: Signal, result: Value, leaves: Signal) -> None:
        """Turn a result so that its granules are where they belong in their rows, and store these."""
        config, entry, size = self.config, self.entry, self.config.row_granules
        row_bits, bits, pool = exact_log2(size), 8 * GRANULE_BYTES, self.entry.pool
        place = Signal(granule_address(config), name="result_place")
        for bit in range(row_bits):
            turned = Signal(8 * config.row_bytes, name=f"result_turned_{bit}")
            m.d.comb += turned.eq(Mux(place[bit], result.rotate_left(bits << bit), result))
            result = turned
        fifo = Fifo(len(place) + len(result), RESULTS)
        m.submodules.fifo = shared(fifo)
        m.d.comb += [fifo.i.valid.eq(complete), fifo.i.payload.eq(Cat(place, result))]
        left, second = Signal.like(entry.rows, name="results_left"), Signal(name="second_row")
        with m.If(complete):
            m.d.sync += place.eq(place + Mux(pool, entry.pool_pitch, size))
        with m.If(starts):
            m.d.sync += [place.eq(entry.dst), left.eq(entry.rows)]

        store, address = self.o_store, fifo.o.payload[: len(place)]
        low, high, width = Signal(size), Signal(size), Signal(bits_for(size))
        m.d.comb += [
            width.eq(Mux(pool, entry.width, size)),
            Cat(low, high).eq(((1 << width) - 1)[:size] << address[:row_bits]),
            store.valid.eq(fifo.o.valid),
            store.payload.row.eq((address >> row_bits) + second),
            store.payload.mask.eq(Mux(second, high, low)),
            store.payload.data.eq(fifo.o.payload[len(place) :]),
            fifo.o.ready.eq(store.ready & (second | ~high.any())),
            leaves.eq(fifo.o.valid & fifo.o.ready),
            self.o_done.eq(leaves & (left == 1)),
        ]
        with m.If(store.valid & store.ready):
            m.d.sync += second.eq(~second & high.any())
        with m.If(leaves):
            m.d.sync += left.eq(left - 1)
