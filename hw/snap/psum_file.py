"""Register file of partial sums: two banks, one for each psum block in progress."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..emit.emitter import UNINITIALISED
from .config import SnapConfig

__all__ = ["PsumFile", "fits", "value_shape"]


def value_shape(config: SnapConfig) -> Shape:
    """Shape of a sum of the products of one cycle, no narrower than a psum."""
    return signed(max(config.psum_bits, 2 * config.data_bits + bits_for(config.multipliers - 1)))


def fits(value: Value, bits: int) -> Value:
    """Whether a signed value fits `bits`."""
    high = value[bits - 1 :]
    return high.all() | (high == 0)


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
    o_overflow
        Sticky: a psum wrapped around.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        lanes, address = config.multipliers, config.slot_bits + 1
        super().__init__(
            {
                "i_add": In(lanes),
                "i_address": In(address).array(lanes),
                "i_value": In(value_shape(config)).array(lanes),
                "i_read_address": In(address),
                "o_psum": Out(signed(config.psum_bits)),
                "i_clear": In(2),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        slots, value = self.config.psum_slots, signed(self.config.psum_bits)
        m.submodules.memory = memory = Memory(shape=value, depth=2 * slots, init=[], attrs={UNINITIALISED: 1})
        valid = Signal(2 * slots)

        def read(address, place):
            port = memory.read_port(domain="comb")
            m.d.comb += port.addr.eq(address)
            return Mux((valid & place).any(), port.data, 0)

        written = overflow = 0
        for lane, address in enumerate(self.i_address):
            write, place = memory.write_port(), Signal(2 * slots, name=f"place_{lane}")
            total = Signal(signed(value_shape(self.config).width + 1), name=f"total_{lane}")
            m.d.comb += [
                place.eq(1 << address),
                write.en.eq(self.i_add[lane]),
                write.addr.eq(address),
                total.eq(read(address, place) + self.i_value[lane]),
                write.data.eq(total),
            ]
            overflow = overflow | (self.i_add[lane] & ~fits(total, self.config.psum_bits))
            written = written | Mux(self.i_add[lane], place, 0)
        with m.If(overflow):
            m.d.sync += self.o_overflow.eq(1)
        cleared = Signal(2 * slots)
        m.d.comb += [
            cleared.eq(Cat(bank.replicate(slots) for bank in self.i_clear)),
            self.o_psum.eq(read(self.i_read_address, 1 << self.i_read_address)),
        ]
        m.d.sync += valid.eq(valid & ~cleared | written)
        return m
