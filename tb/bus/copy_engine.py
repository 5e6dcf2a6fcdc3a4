"""A design for tests: the smallest engine that works on memory alone, started by registers."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...hw.bus.axi import Axi4ReadSignature, Axi4Signature, Axi4WriteSignature, AxiLiteSignature, channels
from ...hw.bus.config import PortConfig
from ...hw.bus.register_map import Event, Field, Register, RegisterMap
from ...hw.bus.registers import RegisterFile
from ...hw.emit.shared import shared
from .copier import Copier

__all__ = ["REGISTERS", "CopyEngine"]


def _word(name: str, text: str, offset: int) -> Register:
    return Register(name=name, text=text, offset=offset, fields=(Field(name="value", text=text, access="rw", bits=32),))


def _error(name: str, offset: int) -> Register:
    fields = (
        Field(name="valid", text="There is one.", access="ro"),
        Field(name="decode", text="By DECERR.", access="ro", low=1),
        Field(name="address", text="First byte of its burst.", access="ro", low=2, bits=62),
    )
    return Register(name=name, text="First burst that failed.", offset=offset, bits=64, fields=fields)


REGISTERS = RegisterMap(
    name="copy_engine",
    text="Copies beats from one place of memory to another.",
    own=(
        Register(
            name="control",
            text="What to do.",
            offset=0x00,
            fields=(
                Field(name="start", text="Copy.", access="pulse"),
                Field(name="clear", text="Forget errors.", access="pulse", low=1),
                Field(name="busy", text="Not yet done.", access="ro", low=2),
            ),
        ),
        _word("source", "First beat to read.", 0x04),
        _word("target", "First beat to write.", 0x08),
        _word("beats", "How many, at least 1.", 0x0C),
        _error("read_error", 0x10),
        _error("write_error", 0x18),
    ),
    interrupts=(Event("done", "All is copied."),),
    interrupt_offset=0x20,
    counters=(Event("busy", "Cycles from start to done."),),
    counter_offset=0x30,
)


class CopyEngine(wiring.Component):
    """A `Copier` and registers.

    Parameters
    ----------
    config
        Of the memory port.
    split
        A port for reading and a port for writing instead of one for both.

    Attributes
    ----------
    s_axil, o_interrupt
        `REGISTERS`.
    m_axi, or m_axi_read and m_axi_write
        Memory ports.
    """

    def __init__(self, config: PortConfig, split: bool = False):
        self.config = (config, split)
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        ports = {"m_axi": Axi4Signature(**widths)}
        if split:
            ports = {"m_axi_read": Axi4ReadSignature(**widths), "m_axi_write": Axi4WriteSignature(**widths)}
        self._ports = list(ports)
        super().__init__(
            {name: Out(signature) for name, signature in ports.items()}
            | {"s_axil": In(AxiLiteSignature(address_bits=REGISTERS.address_bits)), "o_interrupt": Out(1)}
        )

    def elaborate(self, platform) -> Module:
        """Registers start the copier; it is busy until it is done."""
        m = Module()
        copier, registers = Copier(self.config[0]), RegisterFile(REGISTERS)
        m.submodules.copier, m.submodules.registers = shared(copier), shared(registers)
        connect(m, flipped(self.s_axil), registers.s_axil)
        for name in self._ports:
            port = getattr(self, name)
            connect(m, channels(copier.m_axi, self.signature.members[name].signature), flipped(port))

        start, busy, errors = registers.o_control.start, Signal(), (copier.o_read_error, copier.o_write_error)
        for requests, address in ((copier.i_reads, registers.o_source), (copier.i_writes, registers.o_target)):
            with m.If(requests.ready):
                m.d.sync += requests.valid.eq(0)
            with m.If(start):
                m.d.sync += requests.valid.eq(1)
            m.d.comb += [
                requests.payload.address.eq(address.value),
                requests.payload.beats.eq(registers.o_beats.value),
            ]
        with m.If(copier.o_done):
            m.d.sync += busy.eq(0)
        with m.If(start):
            m.d.sync += busy.eq(1)
        m.d.comb += [
            copier.i_clear.eq(registers.o_control.clear),
            registers.i_control.busy.eq(busy),
            registers.i_interrupts.done.eq(copier.o_done),
            registers.i_counts.busy.eq(busy),
            self.o_interrupt.eq(registers.o_interrupt),
        ]
        for shown, error in zip((registers.i_read_error, registers.i_write_error), errors, strict=True):
            m.d.comb += [shown[name].eq(error[name]) for name in ("valid", "decode", "address")]
        return m
