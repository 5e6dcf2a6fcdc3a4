"""Accumulators: sums over weight tiles, and the way out."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.ram import Ram
from ..emit.shared import shared
from .config import SystolicConfig
from .drain import OUTPUT_SLOTS, DrainControl
from .layouts import sum_row
from .sequencer import landing_layout
from .tile import psum_bus

__all__ = ["AccumulatorColumn", "Accumulators"]


class AccumulatorColumn(wiring.Component):
    """The accumulators of one tile column: two banks (even and odd rows), adders, output slots.

    The control is the same for all columns and comes from `Accumulators`.

    Attributes
    ----------
    i_psums
        The row to write, in the cycle of ``i_write``.
    i_read_enable, i_read_address
        Read port of each bank, one cycle ahead of its data.
    i_write, i_write_address, i_accumulate, i_shift
        Write the psums, shifted by so many bytes; added to what the row held if ``i_accumulate``, for which it must
        have been read two cycles before.
    i_repeated, i_recent
        The row that will be written in the next cycle is that of this cycle; is that of the cycle before. The memories
        don't show either of them yet.
    i_store, i_store_bank, i_store_slot
        Keep the row that was read from this bank in this output slot.
    i_slot, o_sums
        The slot that is offered, and its row.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        bank_address = bits_for(config.half_rows - 1)
        self._sums = data.ArrayLayout(signed(config.accumulator_bits), config.tile_columns)
        super().__init__(
            {
                "i_psums": In(psum_bus(config).size),
                "i_read_enable": In(2),
                "i_read_address": In(bank_address).array(2),
                "i_write": In(1),
                "i_write_address": In(range(config.accumulator_rows)),
                "i_accumulate": In(1),
                "i_repeated": In(1),
                "i_recent": In(1),
                "i_shift": In(2),
                "i_store": In(1),
                "i_store_bank": In(1),
                "i_store_slot": In(1),
                "i_slot": In(1),
                "o_sums": Out(self._sums.size),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        banks = [Ram(self._sums.size, config.half_rows) for _ in range(2)]
        result = Signal(self._sums)
        for index, bank in enumerate(banks):
            m.submodules[f"bank_{index}"] = shared(bank)
            m.d.comb += [
                bank.i_read_enable.eq(self.i_read_enable[index]),
                bank.i_read_address.eq(self.i_read_address[index]),
                bank.i_write_enable.eq(self.i_write & (self.i_write_address[0] == index)),
                bank.i_write_address.eq(self.i_write_address[1:]),
                bank.i_write_data.eq(result.as_value()),
            ]
        # Memories of FPGAs take half a cycle to read, so registers are between them and the adders. What was written
        # since the row was read, or while it was, passes by.
        last = Signal(self._sums, reset_less=True)
        m.d.sync += last.eq(result)
        bases = [Signal(self._sums, name=f"base_of_bank_{index}", reset_less=True) for index in range(2)]
        for base, bank in zip(bases, banks, strict=True):
            m.d.sync += base.eq(
                Mux(self.i_repeated, result.as_value(), Mux(self.i_recent, last.as_value(), bank.o_read_data))
            )
        psums = data.View(psum_bus(config), self.i_psums)
        for lane in range(config.tile_columns):
            base = Signal(signed(config.accumulator_bits), name=f"base_{lane}")
            plane = Signal(signed(config.accumulator_bits), name=f"plane_{lane}")
            with m.If(self.i_accumulate):
                m.d.comb += base.eq(Mux(self.i_write_address[0], bases[1][lane], bases[0][lane]))
            with m.Switch(self.i_shift):
                for shift in range(4):
                    with m.Case(shift):
                        m.d.comb += plane.eq(Value.cast(psums[lane]) << (config.data_bits * shift))
            m.d.comb += result[lane].eq(base + plane)

        slots = [Signal(self._sums.size, name=f"slot_{index}", reset_less=True) for index in range(OUTPUT_SLOTS)]
        for index, slot in enumerate(slots):
            with m.If(self.i_store & (self.i_store_slot == index)):
                m.d.sync += slot.eq(Mux(self.i_store_bank, banks[1].o_read_data, banks[0].o_read_data))
        m.d.comb += self.o_sums.eq(Mux(self.i_slot, slots[1], slots[0]))
        return m


class Accumulators(wiring.Component):
    """``accumulator_rows`` rows of ``columns`` sums (TPU: 4096 x 256 x 32 bit).

    A row that lands is written or added to what is there, one row a cycle, also when the same
    row is hit again in the next cycle. Rows of a range that drains leave in order, from two cycles after
    they were written, at one row a cycle unless the output stalls.

    Attributes
    ----------
    i_landing_valid, i_landing
        A row's address and mode, two cycles ahead of its psums.
    i_psums
        The psums of the row, one bus a tile column.
    i_push, i_address, i_rows, i_issue, i_following, i_take, i_next_address, i_own, o_full, o_conflict
        Ranges to drain and rows that must wait: see `DrainControl`.
    o_sums
        Stream of drained rows.
    o_busy
        Rows still have to leave.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_landing_valid": In(1),
                "i_landing": In(landing_layout(config)),
                "i_psums": In(psum_bus(config).size).array(config.tile_grid[1]),
                "i_push": In(1),
                "i_address": In(range(config.accumulator_rows)),
                "i_rows": In(bits_for(config.accumulator_rows)),
                "i_issue": In(1),
                "i_following": In(range(config.accumulator_rows)),
                "i_take": In(1),
                "i_next_address": In(range(config.accumulator_rows)),
                "i_own": In(1),
                "o_full": Out(1),
                "o_conflict": Out(1),
                "o_sums": Out(stream.Signature(sum_row(config))),
                "o_busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.drain = drain = DrainControl(self.config)
        landing, address = self.i_landing, self.i_landing.address
        base_valid, write, repeated, recent = Signal(), Signal(), Signal(), Signal()
        base, written = Signal(landing_layout(self.config)), Signal(landing_layout(self.config))
        m.d.sync += [
            base_valid.eq(self.i_landing_valid), base.eq(landing), write.eq(base_valid), written.eq(base),
            repeated.eq(base_valid & (address == base.address)), recent.eq(write & (address == written.address)),
        ]  # fmt: skip
        reads = Signal()
        read_enable = Signal(2)
        m.d.comb += [
            drain.i_push.eq(self.i_push),
            drain.i_address.eq(self.i_address),
            drain.i_rows.eq(self.i_rows),
            drain.i_issue.eq(self.i_issue),
            drain.i_following.eq(self.i_following),
            drain.i_take.eq(self.i_take),
            drain.i_next_address.eq(self.i_next_address),
            drain.i_own.eq(self.i_own),
            self.o_full.eq(drain.o_full),
            self.o_conflict.eq(drain.o_conflict),
            self.o_busy.eq(drain.o_busy),
            drain.i_landed.eq(write & written.drain),
            reads.eq(self.i_landing_valid & landing.accumulate),
            drain.i_port_busy.eq(Cat(reads & ~address[0], reads & address[0])),
            read_enable.eq(
                drain.i_port_busy | Cat(drain.o_read & ~drain.o_read_address[0], drain.o_read & drain.o_read_address[0])
            ),
            self.o_sums.valid.eq(drain.o_valid),
            drain.i_ready.eq(self.o_sums.ready),
        ]
        store_bank = Signal()
        m.d.sync += store_bank.eq(drain.o_read_address[0])

        sums = []
        for index in range(self.config.tile_grid[1]):
            column = AccumulatorColumn(self.config)
            m.submodules[f"column_{index}"] = shared(column, hier_block=True)
            m.d.comb += [
                column.i_psums.eq(self.i_psums[index]),
                column.i_read_enable.eq(read_enable),
                column.i_write.eq(write),
                column.i_write_address.eq(written.address),
                column.i_accumulate.eq(written.accumulate),
                column.i_repeated.eq(repeated),
                column.i_recent.eq(recent),
                column.i_shift.eq(written.shift),
                column.i_store.eq(drain.o_stored),
                column.i_store_bank.eq(store_bank),
                column.i_store_slot.eq(drain.o_push_slot),
                column.i_slot.eq(drain.o_pop_slot),
            ]
            for bank in range(2):
                busy = drain.i_port_busy[bank]
                m.d.comb += column.i_read_address[bank].eq(Mux(busy, address, drain.o_read_address)[1:])
            sums.append(column.o_sums)
        m.d.comb += self.o_sums.payload.as_value().eq(Cat(sums))
        return m
