"""The SNAP compute core."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.delay import registered
from ..emit.shared import shared
from .config import SnapConfig
from .core_reducer import CoreReducer
from .layouts import (
    COUNTER_BITS,
    activation_beat,
    command_layout,
    counter_layout,
    error_layout,
    sum_layout,
    weight_beat,
)
from .row import SnapRow
from .stream_check import WeightCheck

__all__ = ["SnapCore"]


class SnapCore(wiring.Component):
    """``core_rows`` x ``core_columns`` PEs with a weight stream a column and an activation stream a row (SNAP, Fig. 3).

    Weights come in windows of up to 2N entries, activations in tiles of up to N entries of one pixel, N being
    ``aim_entries``. Every PE multiplies each window of a group with each tile of the group, wherever channel indices
    agree, and adds the products to psums. At the end of a block of groups the core reducer adds up diagonals or rows
    of PEs, as the block's command says. Whatever else a layer is, is the sender's business (`sim.snap.mapping`).

    A product enters the array with its later operand in cycle t and leaves as a sum of one product in t + 7.
    Back-pressure at any stream delays and loses nothing.

    Attributes
    ----------
    i_weights, i_activations
        By column, by row: `weight_beat`, `activation_beat`. All must be cut into the same groups and blocks; if they
        aren't, an error shows no later than two cycles after the block's last sum was read, three if ``pipelined``.
    i_commands
        `command_layout`, one a block.
    o_sums
        By port: `sum_layout`; ``slots`` sums of each block whose command names the port.
    o_counters
        `counter_layout`.
    o_errors
        `error_layout`: sums after an error in a stream may be wrong.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_weights": In(stream.Signature(weight_beat(config))).array(config.core_columns),
                "i_activations": In(stream.Signature(activation_beat(config))).array(config.core_rows),
                "i_commands": In(stream.Signature(command_layout(config))),
                "o_sums": Out(stream.Signature(sum_layout(config))).array(config.ports),
                "o_counters": Out(counter_layout(config)),
                "o_errors": Out(error_layout(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, counters, errors = self.config, self.o_counters, self.o_errors
        m.submodules.reducer = reducer = CoreReducer(config)
        rows = [SnapRow(config) for _ in range(config.core_rows)]
        connect(m, flipped(self.i_commands), reducer.i_commands)
        for port in range(config.ports):
            connect(m, reducer.o_sums[port], flipped(self.o_sums[port]))
        for number, row in enumerate(rows):
            m.submodules[f"row_{number}"] = shared(row, hier_block=True)
            connect(m, flipped(self.i_activations[number]), row.i_activations)
            m.d.comb += [
                row.i_bank.eq(reducer.o_bank),
                row.i_free.eq(Cat(reducer.o_free[number])),
                row.i_cycles.eq(counters.cycles),
                errors.activations[number].eq(row.o_error),
                counters.pes[number].eq(row.o_pe_counters),
                counters.rows[number].eq(row.o_counters),
                counters.activation_beats[number].eq(row.o_beats),
            ]
            for column in range(config.core_columns):
                m.d.comb += [
                    row.i_slots[column].eq(reducer.o_slots[number][column]),
                    reducer.i_psums[number][column].eq(row.o_psums[column]),
                    reducer.i_done[number][column].eq(row.o_done[column]),
                ]
        for column in range(config.core_columns):
            self._weights(m, column, rows)
        self._count_cycles(m, reducer.o_busy | Cat(row.o_active for row in rows).any())
        self._compare_cuts(m, rows)
        m.d.comb += [counters.sums.eq(reducer.o_counts), errors.commands.eq(reducer.o_error)]
        overflows = [reducer.o_overflow, *(row.o_overflow for row in rows)]
        m.d.comb += errors.overflow.eq(Cat(overflows).any())
        return m

    def _count_cycles(self, m: Module, works: Value) -> None:
        """Count from the first beat on, and show the count up to the last cycle with work: more may come or not."""
        started, so_far = Signal(), Signal(COUNTER_BITS)
        # Rings without a beat have room: the first beat is taken as soon as it is offered. It can't be a command.
        begins = Cat(source.valid for source in (*self.i_weights, *self.i_activations)).any()
        with m.If(started | begins):
            m.d.sync += [started.eq(1), so_far.eq(so_far + 1)]
            with m.If(works):
                m.d.sync += self.o_counters.cycles.eq(so_far + 1)

    def _compare_cuts(self, m: Module, rows: list[SnapRow]) -> None:
        """When a block has been reduced, all PEs must have come to its end by the same jobs."""
        reduced = Signal()
        differs = [~row.o_alike | (row.o_signature != rows[0].o_signature) for row in rows]
        m.d.sync += reduced.eq(self.i_commands.valid & self.i_commands.ready)
        reduced = registered(m, self.config.pipelined, "reduced_late", reduced)  # so are the signatures
        with m.If(reduced & Cat(differs).any()):
            m.d.sync += self.o_errors.cuts.eq(1)

    def _weights(self, m: Module, column: int, rows: list[SnapRow]) -> None:
        """A weight stream: a beat is taken when every PE that stores it has room, and all have for one more window."""
        source, beats = self.i_weights[column], self.o_counters.weight_beats[column]
        mask, taken = source.payload.mask, Signal(name=f"taken_{column}")
        check = WeightCheck(self.config)
        m.submodules[f"check_{column}"] = shared(check)
        m.d.comb += [
            source.ready.eq(
                Cat(
                    row.o_weights_item_room[column] & (row.o_weights_beat_room[column] | ~mask[number])
                    for number, row in enumerate(rows)
                ).all()
            ),
            taken.eq(source.valid & source.ready),
            check.i_beat.eq(source.payload),
            check.i_valid.eq(source.valid),
            check.i_taken.eq(taken),
            self.o_errors.weights[column].eq(check.o_error),
        ]
        m.d.sync += beats.eq(beats + taken)
        for number, row in enumerate(rows):
            m.d.comb += [
                row.i_weights[column].eq(source.payload),
                row.i_weights_store[column].eq(taken & mask[number]),
                row.i_weights_end[column].eq(taken & source.payload.last),
            ]
