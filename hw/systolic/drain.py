"""Drain control: which accumulator rows go out, when, and which rows must wait for that."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import SystolicConfig

__all__ = ["OUTPUT_SLOTS", "DrainControl"]

OUTPUT_SLOTS = 2
"""Rows that the output register file holds: one leaves while the next is read."""


class DrainControl(wiring.Component):
    """Queue of accumulator ranges that drain in order, row by row, as soon as they are complete.

    Accumulators are two banks, even and odd rows, with one read port each. A row that accumulates
    uses the port of its bank; the drain takes the other one, so that sums leave while the rows after
    them still arrive.

    Attributes
    ----------
    i_push, i_address, i_rows
        A command that drains enters its first row: append its range.
    o_full
        The queue can't take a range.
    i_issue, i_following, i_take, i_next_address
        Which row may enter in the next cycle: with ``i_take`` that at ``i_next_address``, the first of a command;
        else with ``i_issue`` that at ``i_following``, else that at ``i_address``.
    i_own
        The rows at ``i_address`` and ``i_following`` belong to the newest range, with which they are not in conflict.
    o_conflict
        The row that may enter is in a range that still had to drain in the cycle before.
    i_landed
        A row that drains is being written; it may be read from the next cycle on.
    i_port_busy
        The read port of this bank is in use, a bit a bank.
    o_read, o_read_address
        Read this accumulator row for the output.
    o_push_slot, o_pop_slot, o_valid, i_ready
        Output slots: where the row read in the cycle before goes, and which one is offered.
    o_stored
        The row read in the cycle before arrives.
    o_busy
        Something still has to leave.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        self._address = Signal(range(config.accumulator_rows)).shape()
        super().__init__(
            {
                "i_push": In(1),
                "i_address": In(self._address),
                "i_rows": In(bits_for(config.accumulator_rows)),
                "o_full": Out(1),
                "i_issue": In(1),
                "i_following": In(self._address),
                "i_take": In(1),
                "i_next_address": In(self._address),
                "i_own": In(1),
                "o_conflict": Out(1),
                "i_landed": In(1),
                "i_port_busy": In(2),
                "o_read": Out(1),
                "o_read_address": Out(self._address),
                "o_stored": Out(1),
                "o_push_slot": Out(1),
                "o_pop_slot": Out(1),
                "o_valid": Out(1),
                "i_ready": In(1),
                "o_busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        size = self.config.drain_queue
        layout = data.StructLayout({"address": self._address, "rows": bits_for(self.config.accumulator_rows)})
        ranges = [Signal(layout, name=f"range_{index}") for index in range(size)]
        head, tail = Signal(range(size)), Signal(range(size))
        count = Signal(range(size + 1))
        landed = Signal(range(self.config.accumulator_rows + 1))
        granted, stored = Signal(range(OUTPUT_SLOTS + 1)), Signal(range(OUTPUT_SLOTS + 1))
        pop, finish = Signal(), Signal()

        head_range = Signal(layout)
        with m.Switch(head):
            for index, entry in enumerate(ranges):
                with m.Case(index):
                    m.d.comb += head_range.eq(entry)
                    with m.If(self.o_read):
                        m.d.sync += [entry.address.eq(entry.address + 1), entry.rows.eq(entry.rows - 1)]
        with m.If(self.i_push):
            with m.Switch(tail):
                for index, entry in enumerate(ranges):
                    with m.Case(index):
                        m.d.sync += [entry.address.eq(self.i_address), entry.rows.eq(self.i_rows)]
            m.d.sync += tail.eq(tail + 1)
        m.d.comb += [
            self.o_read.eq(
                (landed != 0)
                & ~Mux(head_range.address[0], self.i_port_busy[1], self.i_port_busy[0])
                & ((granted != OUTPUT_SLOTS) | pop)
            ),
            self.o_read_address.eq(head_range.address),
            finish.eq(self.o_read & (head_range.rows == 1)),
            self.o_full.eq(count == size),
            pop.eq(self.o_valid & self.i_ready),
            self.o_valid.eq(stored != 0),
            self.o_busy.eq((count != 0) | (granted != 0)),
        ]
        with m.If(finish):
            m.d.sync += head.eq(head + 1)
        with m.If(self.o_stored):
            m.d.sync += self.o_push_slot.eq(~self.o_push_slot)
        with m.If(pop):
            m.d.sync += self.o_pop_slot.eq(~self.o_pop_slot)
        m.d.sync += [
            count.eq(count + self.i_push - finish),
            landed.eq(landed + self.i_landed - self.o_read),
            granted.eq(granted + self.o_read - pop),
            stored.eq(stored + self.o_stored - pop),
            self.o_stored.eq(self.o_read),
        ]

        # Which row comes next is known late in a cycle. So all are compared, and the choice is left for the end.
        same, step, other = (
            self._conflict(m, name, ranges, tail, address, own)
            for name, address, own in (
                ("same", self.i_address, self.i_own),
                ("step", self.i_following, self.i_own),
                ("other", self.i_next_address, 0),
            )
        )
        # A range that is pushed now matters to a row of another command. Then the range has one row.
        pushed = self.i_push & (self.i_next_address == self.i_address)
        m.d.sync += self.o_conflict.eq(Mux(self.i_take, other | pushed, Mux(self.i_issue, step, same)))
        return m

    @staticmethod
    def _conflict(m: Module, name: str, ranges: list, tail: Signal, address: Signal, own) -> Value:
        """Whether a row is in a range; `own` excepts the newest. An entry that is not in use has no rows."""
        conflicts = Signal(len(ranges), name=f"conflicts_{name}")
        for index, entry in enumerate(ranges):
            offset = Signal(address.shape(), name=f"offset_{name}_{index}")
            newest = tail == (index + 1) % len(ranges)
            m.d.comb += [
                offset.eq(address - entry.address),
                conflicts[index].eq((offset < entry.rows) & ~(own & newest)),
            ]
        return conflicts.any()
