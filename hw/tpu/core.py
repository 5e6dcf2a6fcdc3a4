"""Core of the TPU: everything but the buses."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..bus.writer import write_beat
from ..emit.shared import shared
from ..systolic.matrix_unit import MatrixUnit
from .activation_unit import ActivationUnit
from .config import QUEUES, TpuConfig
from .decoder import Decoder
from .feeder import Feeder
from .host_in import HostInUnit
from .host_out import HostOutUnit
from .isa import UNITS
from .layouts import instruction_layout
from .parameter_unit import ParameterUnit
from .reach import HOST_WINDOWS, area_layout
from .register_map import CATEGORIES
from .scoreboard import Scoreboard
from .unified_buffer import UnifiedBuffer
from .vector_unit import VectorUnit
from .weight_unit import WeightUnit

__all__ = ["TpuCore", "core_events"]

HOST_OUT, WEIGHTS, MATRIX = (UNITS.index(name) for name in ("host_out", "weights", "matrix"))


def core_events() -> data.StructLayout:
    """What is counted in a cycle; of the categories exactly one while a program runs."""
    return data.StructLayout(dict.fromkeys(("cycles", *CATEGORIES, "instructions", "result_rows", "vector_rows"), 1))


class TpuCore(wiring.Component):
    """Runs instructions: decoder, scoreboard, unified buffer, matrix, activation and vector unit and what moves data.

    Whole rows of the unified buffer are fetched for the host before they are for the vector unit, and what comes from
    the host is stored before what the vector unit gives.

    A program begins with `i_start`, no tile and no set in use, and ends with `o_halt` or `o_error`; then, when
    nothing is under way any more, all must be reset. The unified buffer keeps what it holds.

    Attributes
    ----------
    i_start, i_stop, i_instructions, i_end, i_host, i_weights, o_halt, o_error, o_code, o_pc, o_tag, o_interrupt
        See `Decoder`.
    o_weight_requests, i_weight_beats
        Streams to weight memory and back.
    o_parameter_requests, i_parameter_beats
        The same for parameter sets.
    o_host_requests, i_host_beats
        The same for what is read from the host.
    o_write_requests, o_write_beats, i_written
        Streams to the host; for a cycle a request: it is in the host's memory.
    o_quiet
        All that began has completed, weights excepted: these may wait for instructions that never come.
    o_events
        What happened in the cycle before (`core_events`).
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        bus = config.bus
        requests, beats = stream.Signature(request_layout(bus)), stream.Signature(bus.data_bits)
        super().__init__(
            {
                "i_instructions": In(stream.Signature(instruction_layout())),
                "i_end": In(1),
                "i_start": In(1),
                "i_stop": In(1),
                "i_host": In(area_layout(config)).array(HOST_WINDOWS),
                "i_weights": In(area_layout(config)),
                "o_weight_requests": Out(requests),
                "i_weight_beats": In(beats),
                "o_parameter_requests": Out(requests),
                "i_parameter_beats": In(beats),
                "o_host_requests": Out(requests),
                "i_host_beats": In(beats),
                "o_write_requests": Out(requests),
                "o_write_beats": Out(stream.Signature(write_beat(bus))),
                "i_written": In(1),
                "o_halt": Out(1),
                "o_tag": Out(32),
                "o_interrupt": Out(1),
                "o_error": Out(1),
                "o_code": Out(5),
                "o_pc": Out(32),
                "o_quiet": Out(1),
                "o_events": Out(core_events()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        decoder, board, buffer = Decoder(config), Scoreboard(config), UnifiedBuffer(config)
        feeder, matrix, activation = Feeder(config), MatrixUnit(config.matrix), ActivationUnit(config)
        weights, parameters = WeightUnit(config), ParameterUnit(config)
        host_in, host_out, vector = HostInUnit(config), HostOutUnit(config), VectorUnit(config)
        parts = {
            "decoder": decoder, "scoreboard": board, "unified_buffer": buffer, "feeder": feeder, "matrix_unit": matrix,
            "activation_unit": activation, "weight_unit": weights, "parameter_unit": parameters, "host_in": host_in,
            "host_out": host_out, "vector_unit": vector,
        }  # fmt: skip
        for name, part in parts.items():
            m.submodules[name] = shared(part)

        units = {
            "host_in": host_in, "host_out": host_out, "weights": weights, "parameters": parameters, "matrix": feeder,
            "activation": activation, "vector": vector,
        }  # fmt: skip
        for number, (name, unit) in enumerate(units.items()):
            connect(m, getattr(decoder, f"o_{name}"), getattr(board, f"i_{name}"))
            connect(m, getattr(board, f"o_{name}"), unit.i_entries)
            m.d.comb += board.i_done[number].eq(unit.o_done)
        m.d.comb += [board.i_rows.eq(decoder.o_rows), board.i_reads.eq(decoder.o_reads)]
        m.d.comb += activation.i_go.eq(board.o_go)
        for inner, outer in (
            (decoder.i_instructions, self.i_instructions),
            (weights.o_requests, self.o_weight_requests),
            (weights.i_beats, self.i_weight_beats),
            (parameters.o_requests, self.o_parameter_requests),
            (parameters.i_beats, self.i_parameter_beats),
            (host_in.o_requests, self.o_host_requests),
            (host_in.i_beats, self.i_host_beats),
            (host_out.o_requests, self.o_write_requests),
            (host_out.o_beats, self.o_write_beats),
        ):
            connect(m, inner, flipped(outer))
        connect(m, weights.o_rows, matrix.i_weights)
        connect(m, feeder.o_commands, matrix.i_commands)
        connect(m, feeder.o_activations, matrix.i_activations)
        connect(m, matrix.o_sums, activation.i_sums)
        connect(m, parameters.o_beats, activation.i_parameters)
        connect(m, feeder.o_window, buffer.i_window)
        connect(m, activation.o_put, buffer.i_put)
        m.d.comb += feeder.i_window.eq(buffer.o_window)
        self._share_rows(m, buffer, host_in, host_out, vector)
        self._program(m, decoder, board)
        self._count(m, decoder, board, feeder, matrix, activation, vector)
        return m

    def _share_rows(self, m: Module, buffer: UnifiedBuffer, host_in, host_out, vector: VectorUnit) -> None:
        """The buffer's ports for rows: of two that want one, the host's goes first."""
        first, second, store = host_in.o_store, vector.o_store, buffer.i_store
        m.d.comb += [
            buffer.i_fetch.valid.eq(host_out.o_fetch.valid | vector.o_fetch.valid),
            buffer.i_fetch.row.eq(Mux(host_out.o_fetch.valid, host_out.o_fetch.row, vector.o_fetch.row)),
            host_out.i_fetch_ready.eq(buffer.o_fetch_ready),
            vector.i_fetch_ready.eq(buffer.o_fetch_ready & ~host_out.o_fetch.valid),
            host_out.i_row.eq(buffer.o_row),
            vector.i_row.eq(buffer.o_row),
            store.valid.eq(first.valid | second.valid),
            store.payload.eq(Mux(first.valid, first.payload, second.payload)),
            first.ready.eq(store.ready),
            second.ready.eq(store.ready & ~first.valid),
        ]

    def _program(self, m: Module, decoder: Decoder, board: Scoreboard) -> None:
        """The program's beginning and end."""
        # Requests wait in a queue and its output, one is cut into bursts, the others wait for answers.
        most = QUEUES["host_out"] + self.config.bus.outstanding + 4
        unwritten, asks = Signal(range(most), name="unwritten"), board.o_host_out
        m.d.sync += unwritten.eq(unwritten + (asks.valid & asks.ready) - self.i_written)
        busy = Signal(len(QUEUES), name="busy")
        m.d.comb += [
            busy.eq(board.o_busy | ((unwritten != 0) << HOST_OUT)),
            decoder.i_busy.eq(busy),
            self.o_quiet.eq((busy & ~(1 << WEIGHTS)) == 0),
            decoder.i_start.eq(self.i_start),
            decoder.i_stop.eq(self.i_stop),
            decoder.i_end.eq(self.i_end),
            decoder.i_weights.eq(self.i_weights),
            *(inner.eq(outer) for inner, outer in zip(decoder.i_host, self.i_host, strict=True)),
        ]
        outputs = ("o_halt", "o_tag", "o_interrupt", "o_error", "o_code", "o_pc")
        m.d.comb += [getattr(self, name).eq(getattr(decoder, name)) for name in outputs]

    def _count(self, m: Module, decoder, board, feeder, matrix, activation, vector) -> None:
        """Events. The matrix unit shows its own a cycle later, by the last bit of its counters; so all are late."""
        config, events = self.config, self.o_events
        running, was_running = Signal(name="running"), Signal(name="was_running")
        with m.If(self.i_start):
            m.d.sync += running.eq(1)
        with m.Elif(decoder.o_halt | decoder.o_error | self.i_stop):
            m.d.sync += running.eq(0)

        # Whole tiles that came, less those that commands were taken for: 0 or more if the tile waited for has come.
        row = Signal(range(config.matrix.rows), name="row_of_tile")
        ahead = Signal(range(-2, config.tiles_ahead + 2), name="tiles_ahead")
        comes, whole, takes = Signal(name="comes"), Signal(name="whole"), Signal(name="takes")
        commands = feeder.o_commands
        m.d.comb += [
            comes.eq(matrix.i_weights.valid & matrix.i_weights.ready),
            whole.eq(comes & (row == config.matrix.rows - 1)),
            takes.eq(commands.valid & commands.ready & commands.payload.swap),
        ]
        with m.If(comes):
            m.d.sync += row.eq(row + 1)
        m.d.sync += ahead.eq(ahead + whole - takes)

        work = board.o_busy[MATRIX] | feeder.o_activations.valid | commands.valid
        before = Signal(
            data.StructLayout(
                dict.fromkeys(("here", "raw", "input", "fill", "instructions", "result_rows", "vector_rows"), 1)
            ),
            name="before",
        )
        m.d.sync += [
            was_running.eq(running),
            before.here.eq(ahead >= 0),
            before.raw.eq(board.o_waits[0]),
            before.input.eq(board.o_waits[1]),
            before.fill.eq(work),
            before.instructions.eq(decoder.o_dispatch),
            before.result_rows.eq(activation.o_put.valid),
            before.vector_rows.eq(vector.o_store.valid & vector.o_store.ready),
        ]
        happened = {}
        for name in ("issued", "wait_weights", "wait_accumulators"):
            last, count = Signal(name=f"last_{name}"), matrix.o_counters[name]
            m.d.sync += last.eq(count[0])
            happened[name] = last ^ count[0]
        of_matrix = {  # which counts one reason a cycle
            "active": happened["issued"],
            "weight_shift": happened["wait_weights"] & before.here,
            "weight_stall": happened["wait_weights"] & ~before.here,
            "accumulators": happened["wait_accumulators"],
        }
        others = [
            ("raw", before.raw),
            ("input", before.input),
            ("fill", before.fill),
            ("idle", 1),
        ]
        m.d.comb += [
            events.cycles.eq(was_running),
            events.instructions.eq(before.instructions),
            events.result_rows.eq(before.result_rows),
            events.vector_rows.eq(before.vector_rows),
        ]
        m.d.comb += [events[name].eq(was_running & reason) for name, reason in of_matrix.items()]
        found = Cat(of_matrix.values()).any()
        for name, reason in others:
            m.d.comb += events[name].eq(was_running & reason & ~found)
            found = found | reason
