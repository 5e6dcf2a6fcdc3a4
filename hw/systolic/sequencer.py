"""Sequencer: turns commands into activation rows that enter the array, one a cycle."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import SystolicConfig
from .layouts import command_layout

__all__ = ["Sequencer", "landing_layout"]


def landing_layout(config: SystolicConfig) -> data.StructLayout:
    """What the accumulators must know of a row when its sums arrive."""
    return data.StructLayout({"address": range(config.accumulator_rows), "accumulate": 1, "shift": 2, "drain": 1})


class Sequencer(wiring.Component):
    """Executes commands in order, without a bubble between them.

    A row enters in a cycle in which its activation is offered and nothing holds it back: the weight
    tile (for the first row of a command that swaps), an accumulator row that still has to drain, or a
    full drain queue (for the first row of a command that drains). A command of no rows, or one that
    reaches beyond the last accumulator row, sets ``o_error``, which stays; the first is skipped, the
    second wraps around.

    Attributes
    ----------
    i_commands
        Commands; the next is taken in the cycle in which the last row of the current one enters.
    i_activations_valid, o_activations_ready
        Handshake of the activation stream.
    i_weights_ready, i_conflict, i_queue_full
        What can hold a row back.
    o_active, o_issue
        A command is in execution; a row enters the array.
    o_first
        The current row is the first of its command.
    o_swap, o_weights_signed, o_activations_signed
        Control of the row that enters.
    o_landing
        The row's way into the accumulators.
    o_following
        Address of the row after the current one; a register, for the conflicts that are found a cycle ahead.
    o_rows
        Rows of the current command that have not entered.
    o_wait_weights, o_wait_accumulators, o_wait_activations
        Why no row enters although a command is in execution; at most one is set.
    o_error
        Sticky: a command was not well formed.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        layout = command_layout(config)
        super().__init__(
            {
                "i_commands": In(stream.Signature(layout)),
                "i_activations_valid": In(1),
                "o_activations_ready": Out(1),
                "i_weights_ready": In(1),
                "i_conflict": In(1),
                "i_queue_full": In(1),
                "o_active": Out(1),
                "o_issue": Out(1),
                "o_first": Out(1),
                "o_swap": Out(1),
                "o_weights_signed": Out(1),
                "o_activations_signed": Out(1),
                "o_landing": Out(landing_layout(config)),
                "o_following": Out(range(config.accumulator_rows)),
                "o_rows": Out(layout["rows"].shape),
                "o_wait_weights": Out(1),
                "o_wait_accumulators": Out(1),
                "o_wait_activations": Out(1),
                "o_error": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        active, first = Signal(), Signal()
        command = Signal(command_layout(self.config))
        offered = self.i_commands.payload
        needs_tile, needs_drained = Signal(), Signal()
        m.d.comb += [
            needs_tile.eq(first & command.swap & ~self.i_weights_ready),
            needs_drained.eq(self.i_conflict | (first & command.drain & self.i_queue_full)),
            self.o_activations_ready.eq(active & ~needs_tile & ~needs_drained),
            self.o_issue.eq(self.o_activations_ready & self.i_activations_valid),
            self.i_commands.ready.eq(~active | (self.o_issue & (command.rows == 1))),
            self.o_wait_weights.eq(active & needs_tile),
            self.o_wait_accumulators.eq(active & ~needs_tile & needs_drained),
            self.o_wait_activations.eq(self.o_activations_ready & ~self.i_activations_valid),
        ]
        with m.If(self.o_issue):
            m.d.sync += [
                command.rows.eq(command.rows - 1),
                command.address.eq(self.o_following),
                self.o_following.eq(self.o_following + 1),
                first.eq(0),
            ]
        with m.If(self.i_commands.ready):
            m.d.sync += active.eq(0)
            with m.If(self.i_commands.valid):
                m.d.sync += [
                    command.eq(offered),
                    self.o_following.eq(offered.address + 1),
                    first.eq(1),
                    active.eq(offered.rows != 0),
                ]
                with m.If((offered.rows == 0) | (offered.address + offered.rows > self.config.accumulator_rows)):
                    m.d.sync += self.o_error.eq(1)
        m.d.comb += [
            self.o_active.eq(active),
            self.o_first.eq(first),
            self.o_rows.eq(command.rows),
            self.o_swap.eq(self.o_issue & first & command.swap),
            self.o_weights_signed.eq(command.weights_signed),
            self.o_activations_signed.eq(command.activations_signed),
            self.o_landing.address.eq(command.address),
            self.o_landing.accumulate.eq(command.accumulate),
            self.o_landing.shift.eq(command.shift),
            self.o_landing.drain.eq(command.drain),
        ]
        return m
