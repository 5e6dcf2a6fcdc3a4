"""The TPU: its core, memory ports and registers."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ..bus.axi import Axi4ReadSignature, Axi4WriteSignature, AxiLiteSignature
from ..bus.beat_reader import BeatReader
from ..bus.read_arbiter import ReadArbiter
from ..bus.reader import Reader
from ..bus.registers import RegisterFile
from ..bus.writer import Writer
from ..emit.shared import shared
from .config import GRANULE_BYTES, INSTRUCTION_BYTES, TpuConfig
from .core import TpuCore
from .fetch import Fetch
from .isa import ERRORS
from .reach import HOST_WINDOWS
from .register_map import REGISTERS

__all__ = ["Tpu"]

QUIET_CYCLES = 8
"""For which nothing is on its way to or from memory before it is sure that nothing will be: more than a FIFO takes.

A power of two, so that they are counted anew for each program.
"""


class Tpu(wiring.Component):
    """A matrix unit with its unified buffer, activation unit and weight memory (TPU v1, Jouppi et al. 2017, figure 1).

    Software writes a program and its data into the host's memory, weights and parameter sets into weight memory, says
    in registers where they are, and starts the program. An interrupt tells that it has halted: its results are in the
    host's memory then. Each program begins with no weight tile and no parameter set in use; the unified buffer keeps
    what the one before left.

    An instruction that is illegal, or an error of memory, ends the program: what is older completes, what was asked of
    memory is answered, and the next program may be started.

    Attributes
    ----------
    s_axil
        Registers (`register_map`).
    m_host_read, m_host_write, m_weights
        Memory ports: the host's memory, and weight memory, which is only read.
    o_interrupt
        An interrupt that is enabled is pending.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        bus = config.bus
        widths = {name: getattr(bus, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature(address_bits=REGISTERS.address_bits)),
                "m_host_read": Out(Axi4ReadSignature(**widths)),
                "m_host_write": Out(Axi4WriteSignature(**widths)),
                "m_weights": Out(Axi4ReadSignature(**widths)),
                "o_interrupt": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, bus = self.config, self.config.bus
        core, fetch, writer, registers = TpuCore(config), Fetch(config), Writer(bus), RegisterFile(REGISTERS)
        self.flush, self.clear = Signal(name="flush"), Signal(name="clear")  # all but memory's side; and that too
        m.submodules.core, m.submodules.fetch = shared(core, reset=self.flush), shared(fetch, reset=self.flush)
        m.submodules.writer, m.submodules.registers = shared(writer, reset=self.clear), shared(registers)
        connect(m, fetch.o_instructions, core.i_instructions)
        m.d.comb += core.i_end.eq(fetch.o_end)

        # Weights come first: sets are small, and wait for their turn.
        sets = config.parameter_sets * config.set_beats
        self.weights = self._reader(
            m, "weights", self.m_weights,
            (core.o_weight_requests, core.i_weight_beats, config.weight_buffer_bytes // config.bus_bytes),
            (core.o_parameter_requests, core.i_parameter_beats, max(sets, bus.max_burst)),
        )  # fmt: skip
        self.host = self._reader(
            m, "host", self.m_host_read,
            (fetch.o_requests, fetch.i_beats, bus.max_burst),
            (core.o_host_requests, core.i_host_beats, config.host_buffer_bytes // config.bus_bytes),
        )  # fmt: skip
        connect(m, core.o_write_requests, writer.i_requests)
        connect(m, core.o_write_beats, writer.i_beats)
        connect(m, writer.m_axi, flipped(self.m_host_write))
        m.d.comb += core.i_written.eq(writer.o_done)

        connect(m, flipped(self.s_axil), registers.s_axil)
        m.d.comb += self.o_interrupt.eq(registers.o_interrupt)
        self._areas(m, registers, core)
        self._run(m, registers, core, fetch, writer)
        events, axi = registers.i_counts, self.m_host_write
        m.d.comb += [
            *(events[name].eq(core.o_events[name]) for name in core.o_events.shape().members),
            events.weight_beats.eq(self.weights[1][0]),
            events.parameter_beats.eq(self.weights[1][1]),
            events.host_in_beats.eq(self.host[1][1]),
            events.host_out_beats.eq(axi.wvalid & axi.wready),
        ]
        return m

    def _reader(self, m: Module, name: str, port, *clients) -> tuple[Reader, Signal]:
        """A reader and those that share it: streams of requests and of beats, and how many beats wait for each."""
        bus = self.config.bus
        arbiter, reader = ReadArbiter(bus, len(clients)), Reader(bus)
        m.submodules[f"{name}_arbiter"] = shared(arbiter, reset=self.flush)
        m.submodules[f"{name}_reader"] = shared(reader)
        connect(m, arbiter.o_requests, reader.i_requests)
        connect(m, reader.m_axi, flipped(port))
        m.d.comb += [
            arbiter.i_beats.valid.eq(reader.o_beats.valid),
            arbiter.i_beats.payload.eq(reader.o_beats.payload),
            reader.o_beats.ready.eq(1),  # whom it is for is known before it comes; after a flush it is for nobody
        ]
        for number, (requests, beats, depth) in enumerate(clients):
            part = BeatReader(bus, depth)
            m.submodules[f"{name}_{number}"] = shared(part, reset=self.flush)
            connect(m, requests, part.i_jobs)
            connect(m, part.o_requests, arbiter.i_requests[number])
            connect(m, part.o_beats, beats)
            m.d.comb += [part.i_valid.eq(arbiter.o_valid[number]), part.i_data.eq(arbiter.o_beat.data)]
        return reader, arbiter.o_valid

    def _areas(self, m: Module, registers: RegisterFile, core: TpuCore) -> None:
        """Where memory is that the program may touch."""
        beat, granule = exact_log2(self.config.bus_bytes), exact_log2(GRANULE_BYTES)
        named = [(f"host_{number}", core.i_host[number]) for number in range(HOST_WINDOWS)]
        for name, area in [*named, ("weights", core.i_weights)]:
            base, size = getattr(registers, f"o_{name}").address, getattr(registers, f"o_{name}_size").bytes
            most = (1 << len(area.granules)) - 1
            granules = size >> granule
            m.d.comb += [area.base.eq(base >> beat), area.granules.eq(Mux(granules > most, most, granules))]

    def _run(self, m: Module, registers: RegisterFile, core: TpuCore, fetch: Fetch, writer: Writer) -> None:
        """Programs from their start until nothing is left of them."""
        config, readers = self.config, (self.weights[0], self.host[0])
        weights, host = readers
        starts, busy = Signal(name="starts"), Signal(name="busy")
        code, pc, tag = Signal(5, name="code"), Signal(32, name="error_pc"), Signal(32, name="tag")
        address = Signal(config.address_bits, name="error_address")
        program, count = registers.o_program.address, registers.o_program_size.instructions
        in_program = Signal(name="in_program")
        m.d.comb += [
            in_program.eq(
                (host.o_error.address >= program) & (host.o_error.address < program + count * INSTRUCTION_BYTES)
            ),
            starts.eq(registers.o_control.start & ~busy),
            fetch.i_start.eq(starts),
            core.i_start.eq(starts),
            fetch.i_address.eq(program >> exact_log2(config.bus_bytes)),
            fetch.i_count.eq(count),
            *(part.i_clear.eq(starts) for part in (*readers, writer)),
            registers.i_status.busy.eq(busy),
            registers.i_error.code.eq(code),
            registers.i_error_pc.instruction.eq(pc),
            registers.i_tag.value.eq(tag),
            registers.i_error_address.address.eq(address),
        ]
        failed = {
            "bus_fetch": host.o_error.valid & in_program,
            "bus_host": host.o_error.valid | writer.o_error.valid,
            "bus_weights": weights.o_error.valid,
        }
        quiet, still = Signal(range(QUIET_CYCLES)), Signal(name="still")
        idle = Cat(part.o_idle & ~part.o_beats.valid for part in readers).all() & writer.o_idle
        m.d.comb += still.eq(idle)
        with m.If(core.o_interrupt):
            m.d.sync += tag.eq(core.o_tag)
        m.d.comb += registers.i_interrupts.tag.eq(core.o_interrupt)
        with m.FSM():
            with m.State("idle"):
                with m.If(starts):
                    m.d.sync += [code.eq(0), pc.eq(0), address.eq(0)]
                    m.next = "run"
            with m.State("run"):
                m.d.comb += busy.eq(1)
                with m.If(Cat(failed.values()).any()):
                    m.d.comb += core.i_stop.eq(1)
                    m.d.sync += pc.eq(core.o_pc)
                    for name, fails in reversed(failed.items()):
                        with m.If(fails):
                            m.d.sync += code.eq(ERRORS[name][0])
                    for part in (writer, weights, host):
                        with m.If(part.o_error.valid):
                            m.d.sync += address.eq(part.o_error.address)
                    m.next = "finish"
                with m.Elif(registers.o_control.stop):  # then the core neither halts nor finds an error
                    m.d.comb += core.i_stop.eq(1)
                    m.d.sync += [code.eq(ERRORS["stopped"][0]), pc.eq(core.o_pc)]
                    m.next = "finish"
                with m.Elif(core.o_error):
                    m.d.sync += [code.eq(core.o_code), pc.eq(core.o_pc)]
                    m.next = "finish"
                with m.Elif(core.o_halt):
                    m.next = "flush"
            with m.State("finish"):  # what began completes
                m.d.comb += [busy.eq(1), core.i_stop.eq(1)]
                with m.If(core.o_quiet):
                    m.next = "flush"
            with m.State("flush"):
                m.d.comb += [busy.eq(1), self.flush.eq(1)]
                m.d.sync += quiet.eq(Mux(still, quiet + 1, 0))
                with m.If(still & (quiet == QUIET_CYCLES - 1)):  # it goes on with 0
                    m.next = "clear"
            with m.State("clear"):
                m.d.comb += [busy.eq(1), self.flush.eq(1), self.clear.eq(1)]
                m.d.comb += [registers.i_interrupts.done.eq(code == 0), registers.i_interrupts.error.eq(code != 0)]
                m.next = "idle"
