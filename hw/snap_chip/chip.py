"""The SNAP chip: runs lists of layers that lie in memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ..bus.axi import Axi4ReadSignature, Axi4WriteSignature, AxiLiteSignature
from ..bus.beat_reader import BeatReader
from ..bus.read_arbiter import ReadArbiter
from ..bus.reader import Reader
from ..bus.registers import RegisterFile
from ..emit.shared import shared
from .command import OPERATIONS
from .command_fetch import CommandFetch
from .compressor import Compressor
from .config import SnapChipConfig
from .core_array import CoreArray
from .layer import pick_fields
from .max_pool import MaxPool
from .output_buffer import OutputBuffer
from .register_map import ERRORS, REGISTERS
from .segment_reader import CLIENTS, SegmentReader
from .segment_writer import SegmentWriter
from .weight_layouts import PASSES_BITS

__all__ = ["SnapChip"]

QUIET_CYCLES = 8
"""For which nothing is on its way to or from memory before it is sure that nothing will be: more than a FIFO takes."""


class SnapChip(wiring.Component):
    """Cores, buffers, post-processing and memory ports (SNAP, sections V-C and VI).

    Software writes commands, weights, biases and factors, and the input into memory (`sim.snap_chip.compiler`), the
    address of the list of commands into ``list``, and starts it. Each layer reads its input and writes its output, both
    compressed; an interrupt tells when the last one is in memory.

    When something goes wrong the list ends at once: all that was accepted by memory is answered, the rest is forgotten,
    and the chip is as after a reset, but for its registers.

    Attributes
    ----------
    s_axil
        Registers (`register_map`).
    m_axi_read, m_axi_write
        Memory ports.
    o_interrupt
        An interrupt that is enabled is pending.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        bus = config.bus
        widths = {name: getattr(bus, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature(address_bits=REGISTERS.address_bits)),
                "m_axi_read": Out(Axi4ReadSignature(**widths)),
                "m_axi_write": Out(Axi4WriteSignature(**widths)),
                "o_interrupt": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        fetch, cores, writer = CommandFetch(config), CoreArray(config), SegmentWriter(config)
        outputs, compressor = OutputBuffer(config), Compressor(config)
        inputs, residuals = SegmentReader(config), SegmentReader(config)
        scales = BeatReader(config.bus, config.bus.max_burst, PASSES_BITS)
        parts = {
            "fetch": fetch, "cores": cores, "outputs": outputs, "compressor": compressor, "writer": writer,
            "inputs": inputs, "residuals": residuals, "scales": scales,
        }  # fmt: skip
        # Forget everything: all but memory's side of reader and writer, then the writer too.
        self.flush, self.clear = Signal(name="flush"), Signal(name="clear")
        for name, part in parts.items():
            m.submodules[name] = shared(part, reset=self.clear if part is writer else self.flush)
        layer, begins, written = fetch.o_layer, fetch.o_begin, writer.o_done
        convolves = layer.operation == OPERATIONS["convolve"]
        self._memory(m, fetch, cores, inputs, residuals, scales)
        connect(m, writer.m_axi, flipped(self.m_axi_write))

        connect(m, inputs.o_beats, cores.i_beats)
        for number, jobs in enumerate(fetch.o_jobs):
            connect(m, jobs, cores.i_jobs[number])
        for number, sums in enumerate(cores.o_sums):
            connect(m, sums, outputs.i_sums[number])
        for row in range(config.banks):
            pool = MaxPool(config)
            m.submodules[f"pool_{row}"] = shared(pool, reset=self.flush)
            connect(m, cores.o_tiles[row], pool.i_tiles)
            connect(m, pool.o_pixels, outputs.i_words[row])
            m.d.comb += pool.i_layer.eq(pick_fields(layer, pool.i_layer.shape()))
        connect(m, scales.o_beats, outputs.i_scales)
        connect(m, residuals.o_beats, compressor.i_residual)
        connect(m, compressor.o_beats, writer.i_beats)
        m.d.comb += [
            cores.i_layer.eq(layer),
            cores.i_start.eq(begins),
            cores.i_end.eq(written),
            inputs.i_start.eq(begins),
            residuals.i_start.eq(begins & layer.residual & convolves),
            outputs.i_start.eq(begins),
            compressor.i_start.eq(begins),
            writer.i_start.eq(begins),
            outputs.i_tiles.eq(compressor.o_tiles),
            outputs.i_read.eq(compressor.o_read),
            outputs.i_port.eq(compressor.o_port),
            outputs.i_address.eq(compressor.o_address),
            compressor.i_finished.eq(outputs.o_finished),
            compressor.i_data.eq(outputs.o_data),
            *(part.i_layer.eq(pick_fields(layer, part.i_layer.shape())) for part in (outputs, compressor, writer)),
        ]
        self._tensors(m, layer, inputs, residuals, scales, begins & convolves)
        m.d.comb += [
            fetch.i_written.eq(written),
            fetch.i_idle.eq(cores.o_idle & compressor.o_idle & writer.o_idle),
        ]
        self._registers(m, fetch, cores, outputs, writer)
        return m

    def _tensors(self, m: Module, layer, inputs, residuals, scales, scaled) -> None:
        """What is read for a layer."""
        job, asks = scales.i_jobs, Signal()
        with m.If(job.ready):
            m.d.sync += asks.eq(0)
        with m.If(scaled):
            m.d.sync += asks.eq(1)
        m.d.comb += [
            inputs.i_tensor.address.eq(layer.in_address),
            inputs.i_tensor.table.eq(layer.in_table),
            inputs.i_tensor.pitch.eq(layer.in_pitch),
            inputs.i_tensor.bands.eq(layer.bands),
            inputs.i_tensor.tiles.eq(layer.tiles),
            residuals.i_tensor.address.eq(layer.residual_address),
            residuals.i_tensor.table.eq(layer.residual_table),
            residuals.i_tensor.pitch.eq(layer.out_pitch),
            residuals.i_tensor.bands.eq(layer.regions),
            residuals.i_tensor.tiles.eq(layer.out_tiles),
            job.valid.eq(asks),
            job.payload.address.eq(layer.scale_address),
            job.payload.beats.eq(layer.scale_beats),
            job.payload.passes.eq(layer.regions),
        ]

    def _memory(self, m: Module, fetch, cores, inputs, residuals, scales) -> None:
        """Everyone who reads, in the order of their numbers: commands, input, residual, scales, weights."""
        config = self.config
        clients = [fetch.o_requests, *inputs.o_requests, *residuals.o_requests, scales.o_requests, *cores.o_requests]
        arbiter, reader = ReadArbiter(config.bus, len(clients)), Reader(config.bus)
        m.submodules.arbiter, m.submodules.reader = shared(arbiter, reset=self.flush), shared(reader)
        for number, requests in enumerate(clients):
            connect(m, requests, arbiter.i_requests[number])
        connect(m, arbiter.o_requests, reader.i_requests)
        m.d.comb += [
            arbiter.i_beats.valid.eq(reader.o_beats.valid),
            arbiter.i_beats.payload.eq(reader.o_beats.payload),
            reader.o_beats.ready.eq(arbiter.i_beats.ready | self.flush),
        ]
        connect(m, reader.m_axi, flipped(self.m_axi_read))
        first, last = 1 + CLIENTS, 1 + 2 * CLIENTS
        m.d.comb += [
            fetch.i_valid.eq(arbiter.o_valid[0]),
            inputs.i_valid.eq(arbiter.o_valid[1:first]),
            residuals.i_valid.eq(arbiter.o_valid[first:last]),
            scales.i_valid.eq(arbiter.o_valid[last]),
            cores.i_valid.eq(arbiter.o_valid[last + 1 :]),
            *(part.i_data.eq(arbiter.o_beat.data) for part in (fetch, inputs, residuals, scales, cores)),
        ]
        self.reader, self.valid = reader, arbiter.o_valid

    def _registers(self, m: Module, fetch, cores, outputs, writer) -> None:
        """What software sees."""
        registers, config, reader = RegisterFile(REGISTERS), self.config, self.reader
        m.submodules.registers = shared(registers)
        connect(m, flipped(self.s_axil), registers.s_axil)
        errors, counts, was_error = registers.i_errors, registers.i_counts, Signal(len(ERRORS))
        core_errors = [
            one for core in cores.o_errors for one in (core.weights, core.activations, core.commands, core.cuts)
        ]
        overflows = [core.overflow for core in cores.o_errors]
        now = Signal(registers.i_errors.shape())
        m.d.comb += [
            now.read.eq(reader.o_error.valid),
            now.write.eq(writer.o_error.valid),
            now.operation.eq(fetch.o_illegal),
            now.capacity.eq(cores.o_stuck),
            now.overflow.eq(outputs.o_overflow | Cat(overflows).any()),
            now.stream.eq(Cat(core_errors).any()),
            # Software sees when something goes wrong; what lasts must not come back when it was cleared.
            errors.eq(now.as_value() & ~was_error),
        ]
        m.d.sync += was_error.eq(now)
        self._ending(m, errors, reader, writer)
        busy, starts, unwritten = Signal(), Signal(), Signal.like(writer.o_error.address)
        with m.If(starts):
            m.d.sync += unwritten.eq(0)
        with m.If(errors.write):
            m.d.sync += unwritten.eq(writer.o_error.address)
        m.d.comb += [
            busy.eq(fetch.o_busy | self.flush),
            starts.eq(registers.o_control.start & ~busy),
            fetch.i_start.eq(starts),
            fetch.i_address.eq(registers.o_list.address >> exact_log2(config.bus.bytes)),
            reader.i_clear.eq(starts),
            writer.i_clear.eq(starts),
            registers.i_status.busy.eq(busy),
            registers.i_error_address.address.eq(Mux(reader.o_error.valid, reader.o_error.address, unwritten)),
            registers.i_interrupts.done.eq(fetch.o_done),
            registers.i_interrupts.layer.eq(fetch.o_interrupt & ~now.write & ~self.flush),
            registers.i_interrupts.error.eq(errors.as_value().any()),
            self.o_interrupt.eq(registers.o_interrupt),
        ]
        first, last = 1 + CLIENTS, 1 + 2 * CLIENTS
        axi = self.m_axi_write
        m.d.comb += [
            counts.cycles.eq(fetch.o_busy),
            counts.layers.eq(fetch.o_begin),
            counts.command_beats.eq(self.valid[0]),
            counts.input_beats.eq(self.valid[1:first].any()),
            counts.residual_beats.eq(self.valid[first:last].any()),
            counts.scale_beats.eq(self.valid[last]),
            counts.weight_beats.eq(self.valid[last + 1 :].any()),
            counts.output_beats.eq(axi.wvalid & axi.wready),
        ]

    def _ending(self, m: Module, errors, reader, writer) -> None:
        """After an error: nobody asks memory for more; when it has answered all, the rest is forgotten."""
        quiet, still = Signal(range(QUIET_CYCLES)), Signal()
        m.d.comb += still.eq(reader.o_idle & ~reader.o_beats.valid & writer.o_idle)
        with m.FSM():
            with m.State("work"):
                with m.If(errors.read | errors.write | errors.capacity | errors.stream | errors.operation):
                    m.next = "drain"
            with m.State("drain"):
                m.d.comb += self.flush.eq(1)
                m.d.sync += quiet.eq(Mux(still, quiet + 1, 0))
                with m.If(still & (quiet == QUIET_CYCLES - 1)):
                    m.d.sync += quiet.eq(0)
                    m.next = "clear"
            with m.State("clear"):
                m.d.comb += [self.flush.eq(1), self.clear.eq(1)]
                m.next = "work"
