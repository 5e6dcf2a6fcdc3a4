"""Registers behind AXI4-Lite, made of their description."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .axi import AxiLiteSignature, Response
from .register_map import COUNTER_BITS, WORD_BITS, WORD_BYTES, Access, Register, RegisterMap

__all__ = ["RegisterFile"]


def _layout(register: Register, kinds: tuple[Access, ...]) -> data.StructLayout | None:
    """Fields of some kinds, or None if the register has none of them."""
    fields = {field.name: field.bits for field in register.fields if field.access in kinds}
    return data.StructLayout(fields) if fields else None


class RegisterFile(wiring.Component):
    """Registers of a description, for one access at a time each way.

    An access to no register, and writing a word that has nothing to write, are answered by SLVERR and do nothing. The
    two lowest bits of an address don't count, as masters give the first byte they mean; bytes are written by strobes.
    When address and data have both come in cycle t, in whatever order, what is written is seen, and answered, in cycle
    t + 2. Data of a read come two cycles after the address.

    Parameters
    ----------
    registers
        The description.

    Attributes
    ----------
    s_axil
        Where software comes in.
    i_<register>
        Struct of the fields that hardware shows (``ro``), or of which it sets bits (``w1c``).
    o_<register>
        Struct of the fields that software writes (``rw``, ``pulse``).
    i_interrupts, o_interrupt
        If there are interrupts: struct of the events, 1 in a cycle in which they happen; whether one is pending and
        enabled.
    i_counts
        If there are counters: struct of the events, 1 in a cycle that counts.
    """

    def __init__(self, registers: RegisterMap):
        self.config = registers
        members = {"s_axil": In(AxiLiteSignature(address_bits=registers.address_bits))}
        for register in registers.own:
            shown, written = _layout(register, ("ro", "w1c")), _layout(register, ("rw", "pulse"))
            members |= {f"i_{register.name}": In(shown)} if shown else {}
            members |= {f"o_{register.name}": Out(written)} if written else {}
        if registers.interrupts:
            events = data.StructLayout({event.name: 1 for event in registers.interrupts})
            members |= {"i_interrupts": In(events), "o_interrupt": Out(1)}
        if registers.counters:
            members["i_counts"] = In(data.StructLayout({event.name: 1 for event in registers.counters}))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        self._write_enable, self._write_address = Signal(), Signal(len(self.s_axil.awaddr) - 2)
        self._write_data, self._write_mask = Signal(WORD_BITS), Signal(WORD_BITS)
        inputs = {r.name: getattr(self, f"i_{r.name}", None) for r in self.config.own}
        values = {}
        for register in self.config.own:
            fields = self._fields(m, register, inputs[register.name])
            values[register.name] = fields
            shown = getattr(self, f"o_{register.name}", None)
            if shown is not None:
                m.d.comb += [shown[f.name].eq(fields[f.name]) for f in register.fields if f.access in ("rw", "pulse")]
        if self.config.interrupts:
            pending, enable = (self.config[f"interrupt_{name}"] for name in ("pending", "enable"))
            values[pending.name] = self._fields(m, pending, self.i_interrupts)
            values[enable.name] = self._fields(m, enable, None)
            both = [values[pending.name][e.name] & values[enable.name][e.name] for e in self.config.interrupts]
            m.d.comb += self.o_interrupt.eq(Cat(both).any())
        if self.config.counters:
            self._count(m, values)
        self._write(m)
        self._read(m, values)
        return m

    def _fields(self, m: Module, register: Register, shown) -> dict[str, Signal]:
        """Value of each field by name, from registers where software writes it."""
        values = {}
        bits, mask = self._written(m, register)
        for field in register.fields:
            name = f"{register.name}_{field.name}"
            low, high = field.low, field.low + field.bits
            new, chosen = bits[low:high], mask[low:high]
            if field.access == "ro":
                values[field.name] = shown[field.name]
                continue
            values[field.name] = value = Signal(field.bits, name=name, init=field.reset)
            match field.access:
                case "rw":
                    m.d.sync += value.eq((value & ~chosen) | (new & chosen))
                case "w1c":
                    m.d.sync += value.eq((value & ~(new & chosen)) | shown[field.name])
                case "pulse":
                    m.d.sync += value.eq(new & chosen)
        return values

    def _written(self, m: Module, register: Register) -> tuple[Signal, Signal]:
        """What is written to a register now: data, and which bits of it."""
        bits, mask = (Signal(register.bits, name=f"{register.name}_{name}") for name in ("data", "mask"))
        for address, low in register.words():
            m.d.comb += bits[low : low + WORD_BITS].eq(self._write_data)
            with m.If(self._write_enable & (self._write_address == address // WORD_BYTES)):
                m.d.comb += mask[low : low + WORD_BITS].eq(self._write_mask)
        return bits, mask

    def _count(self, m: Module, values: dict[str, dict[str, Signal]]) -> None:
        """Counters, and copies of them that are read."""
        control = self.config["counter_control"]
        values[control.name] = pulses = self._fields(m, control, None)
        for event in self.config.counters:
            count, copy = (Signal(COUNTER_BITS, name=f"{event.name}_{name}") for name in ("count", "copy"))
            m.d.sync += count.eq(Mux(pulses["clear"], 0, count) + self.i_counts[event.name])
            with m.If(pulses["snapshot"]):
                m.d.sync += copy.eq(count)
            values[f"count_{event.name}"] = {"value": copy}

    def _words(self):
        """Every word: its register, address, and first bit."""
        return [(register, *word) for register in self.config.registers for word in register.words()]

    def _write(self, m: Module) -> None:
        """Address and data wait for each other, and both for the answer before."""
        axi = self.s_axil
        address_came, data_came, known = Signal(), Signal(), Signal()
        strobe = Signal(WORD_BYTES)
        m.d.comb += [
            axi.awready.eq(~address_came),
            axi.wready.eq(~data_came),
            self._write_mask.eq(Cat(bit.replicate(8) for bit in strobe)),
            self._write_enable.eq(address_came & data_came & ~axi.bvalid),
        ]
        with m.Switch(self._write_address):
            for register, address, low in self._words():
                if register.writable >> low & (1 << WORD_BITS) - 1:
                    with m.Case(address // WORD_BYTES):
                        m.d.comb += known.eq(1)
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [address_came.eq(1), self._write_address.eq(axi.awaddr[2:])]
        with m.If(axi.wvalid & axi.wready):
            m.d.sync += [data_came.eq(1), self._write_data.eq(axi.wdata), strobe.eq(axi.wstrb)]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(self._write_enable):
            m.d.sync += [address_came.eq(0), data_came.eq(0), axi.bvalid.eq(1)]
            m.d.sync += axi.bresp.eq(Mux(known, Response.OKAY, Response.SLVERR))

    def _read(self, m: Module, values: dict[str, dict[str, Signal]]) -> None:
        """One address at a time."""
        axi = self.s_axil
        came, known, now = Signal(), Signal(), Signal()
        address, word = Signal(len(axi.araddr) - 2), Signal(WORD_BITS)
        m.d.comb += [axi.arready.eq(~came), now.eq(came & ~axi.rvalid)]
        shown = {}
        for register in self.config.registers:
            shown[register.name] = whole = Signal(register.bits, name=f"{register.name}_shown")
            for field in register.fields:
                if field.access != "pulse":
                    part = whole[field.low : field.low + field.bits]
                    m.d.comb += part.eq(values[register.name][field.name])
        with m.Switch(address):
            for register, place, low in self._words():
                with m.Case(place // WORD_BYTES):
                    m.d.comb += [known.eq(1), word.eq(shown[register.name][low : low + WORD_BITS])]
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [came.eq(1), address.eq(axi.araddr[2:])]
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(now):
            m.d.sync += [came.eq(0), axi.rvalid.eq(1), axi.rdata.eq(word)]
            m.d.sync += axi.rresp.eq(Mux(known, Response.OKAY, Response.SLVERR))
