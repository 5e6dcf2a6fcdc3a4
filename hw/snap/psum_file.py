"""Register file of partial sums: two banks, one for each psum block in progress."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..emit.emitter import UNINITIALISED
from .config import SnapConfig

__all__ = ["PsumFile"]


class PsumFile(wiring.Component):
    """Two banks of ``psum_slots`` psums, to which ``multipliers`` values at different addresses are added a cycle.

    A bank is cleared at once by its valid bits: a psum that nothing was added to reads as 0. Psums wrap. Latency: an
    addition is readable in the next cycle.

    Attributes
    ----------
    i_add, i_address, i_value
        By lane: add the value to the psum at {slot, bank} (the bank is the top bit).
    i_read_address, o_psum
        Read port for the reducer.
    i_clear
        By bank: make all its psums 0. Nothing may be added to it in this cycle.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        lanes, address, value = config.multipliers, config.slot_bits + 1, signed(config.psum_bits)
        super().__init__(
            {
                "i_add": In(lanes),
                "i_address": In(address).array(lanes),
                "i_value": In(value).array(lanes),
                "i_read_address": In(address),
                "o_psum": Out(value),
                "i_clear": In(2),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        slots, value = self.config.psum_slots, signed(self.config.psum_bits)
        m.submodules.memory = memory = Memory(shape=value, depth=2 * slots, init=[], attrs={UNINITIALISED: 1})
        valid = Signal(2 * slots)

        def read(address):
            port = memory.read_port(domain="comb")
            m.d.comb += port.addr.eq(address)
            return Mux(valid.bit_select(address, 1), port.data, 0)

        written = 0
        for lane, address in enumerate(self.i_address):
            write = memory.write_port()
            m.d.comb += [
                write.en.eq(self.i_add[lane]),
                write.addr.eq(address),
                write.data.eq(read(address) + self.i_value[lane]),
            ]
            written = written | (self.i_add[lane] << address)
        cleared = Signal(2 * slots)
        m.d.comb += [
            cleared.eq(Cat(bank.replicate(slots) for bank in self.i_clear)),
            self.o_psum.eq(read(self.i_read_address)),
        ]
        m.d.sync += valid.eq(valid & ~cleared | written)
        return m
