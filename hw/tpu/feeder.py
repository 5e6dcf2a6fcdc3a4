"""Feeder: what the matrix unit eats, out of the unified buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.delay import delayed
from ..common.fifo import Fifo
from ..emit.shared import shared
from ..systolic.layouts import activation_row, command_layout
from .config import GRANULE_BYTES, TpuConfig
from .isa import SWAPS
from .layouts import matmul_entry, window_layout
from .unified_buffer import WINDOW_LATENCY
from .window_address import WindowAddress

__all__ = ["ROWS_AHEAD", "Feeder"]

ROWS_AHEAD = WINDOW_LATENCY + 3
"""Rows requested and not taken at most: two cycles of them in the FIFO, and one until the count shows that one left."""


class Feeder(wiring.Component):
    """Turns ``matmul`` and ``convolve`` entries into commands for the matrix unit and activation rows, a row a cycle.

    There is no bubble between commands and between entries. An entry that is taken in cycle t requests its first row in
    cycle t + 1, and offers it in cycle t + 3 + `WINDOW_LATENCY`; its command is offered in cycle t + 3. Neither of the
    output streams waits for the other, but nothing is requested for a command for which there is no room.

    Attributes
    ----------
    i_entries
        Stream of `matmul_entry`; the next is taken in the cycle of ``o_done``.
    o_done
        In the cycle of an entry's last request of a row.
    o_window, i_window
        Requests to the unified buffer, and its bytes `WINDOW_LATENCY` cycles later. Nothing counts of a window in which
        nothing is input, but it is requested.
    o_commands, o_activations
        Streams to the matrix unit.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(matmul_entry(config))),
                "o_done": Out(1),
                "o_window": Out(wiring.Signature({"valid": Out(1), "payload": Out(window_layout(config))})),
                "i_window": In(8 * config.row_bytes),
                "o_commands": Out(stream.Signature(command_layout(config.matrix))),
                "o_activations": Out(stream.Signature(activation_row(config.matrix))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # One more than the memory holds waits at the output.
        commands = Fifo(command_layout(self.config.matrix).size, ROWS_AHEAD - 1)
        rows = Fifo(8 * self.config.row_bytes, ROWS_AHEAD - 1)
        m.submodules.commands, m.submodules.rows = shared(commands), shared(rows)
        for fifo, output in ((commands, self.o_commands), (rows, self.o_activations)):
            m.d.comb += [
                output.valid.eq(fifo.o.valid),
                output.payload.as_value().eq(fifo.o.payload),
                fifo.o.ready.eq(output.ready),
            ]
        under_way, ahead = Signal(WINDOW_LATENCY), Signal(range(ROWS_AHEAD + 1))
        m.d.sync += [
            under_way.eq(Cat(self.o_window.valid, under_way)),
            ahead.eq(ahead + self.o_window.valid - (rows.o.valid & rows.o.ready)),
        ]
        m.d.comb += rows.i.valid.eq(under_way[-1])
        addresses = WindowAddress(self.config)
        m.submodules.addresses = shared(addresses)
        m.d.comb += self.o_window.payload.eq(addresses.o_window)
        self._pad(m, rows.i.payload, addresses)
        self._request(m, ahead != ROWS_AHEAD, commands, addresses)
        return m

    def _pad(self, m: Module, row: Signal, addresses: WindowAddress) -> None:
        """Fill in what a window lacks, when its bytes come."""
        window, bits = self.o_window.payload, 8 * GRANULE_BYTES
        asked = {"first": window.first, "end": window.end, "width": addresses.o_width, "pad": addresses.o_pad}
        layout = data.StructLayout({name: len(value) for name, value in asked.items()})
        shown = data.View(layout, delayed(m, "asked", Cat(asked.values()), WINDOW_LATENCY))
        pad = shown.pad.replicate(GRANULE_BYTES)
        for number in range(self.config.row_granules):
            lacks = (number < shown.width) & ((number < shown.first) | (number >= shown.end))
            place = row.word_select(number, bits)
            m.d.comb += place.eq(Mux(lacks, pad, self.i_window.word_select(number, bits)))

    def _request(self, m: Module, room, commands: Fifo, addresses: WindowAddress) -> None:
        """Go through an entry's commands and their rows."""
        layout = matmul_entry(self.config)
        names = ("accumulate", "drain", "a_signed", "w_signed", "shift", "swap", "rows", "acc", "repeat")
        entry = Signal(data.StructLayout({name: layout[name].shape for name in names}), reset_less=True)
        active, first_command, first_row = Signal(), Signal(), Signal()
        rows = Signal.like(entry.rows)  # that are left
        last_row, last_command, moves = Signal(), Signal(), Signal()
        m.d.comb += [
            last_row.eq(rows == 1),
            last_command.eq(entry.repeat == 1),
            moves.eq(active & room & (commands.i.ready | ~first_row)),
            self.o_window.valid.eq(moves),
            self.o_done.eq(moves & last_row & last_command),
            self.i_entries.ready.eq(~active | self.o_done),
            commands.i.valid.eq(active & room & first_row),
            addresses.i_entry.valid.eq(self.i_entries.ready),
            addresses.i_entry.payload.eq(self.i_entries.payload),
            addresses.i_next.eq(moves),
            addresses.i_next_command.eq(moves & last_row),
        ]
        command = data.View(command_layout(self.config.matrix), commands.i.payload)
        m.d.comb += [
            command.rows.eq(entry.rows),
            command.address.eq(entry.acc),
            command.accumulate.eq(entry.accumulate | ~first_command),
            command.drain.eq(entry.drain & last_command),
            command.swap.eq(
                (entry.swap == SWAPS.index("every")) | (entry.swap == SWAPS.index("first")) & first_command
            ),
            command.activations_signed.eq(entry.a_signed),
            command.weights_signed.eq(entry.w_signed),
            command.shift.eq(entry.shift),
        ]
        # In a running entry, `repeat` counts commands that are left.
        with m.If(moves):
            m.d.sync += [rows.eq(rows - 1), first_row.eq(0)]
            with m.If(last_row):
                m.d.sync += [
                    entry.repeat.eq(entry.repeat - 1),
                    rows.eq(entry.rows),
                    first_row.eq(1),
                    first_command.eq(0),
                ]
        with m.If(self.i_entries.ready):
            offered = self.i_entries.payload
            m.d.sync += [
                active.eq(self.i_entries.valid),
                *(entry[name].eq(offered[name]) for name in names),
                rows.eq(offered.rows),
                first_row.eq(1),
                first_command.eq(1),
            ]
