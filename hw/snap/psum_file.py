"""Register file of partial sums: two banks, one for each psum block in progress."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.delay import registered
from ..emit.emitter import UNINITIALISED
from .config import SnapConfig

__all__ = ["PsumFile", "fits", "value_shape"]


def value_shape(config: SnapConfig) -> Shape:
    """Shape of a sum of the products of one cycle, no narrower than a psum."""
    return signed(max(config.psum_bits, 2 * config.data_bits + bits_for(config.pe_multipliers - 1)))


def fits(value: Value, bits: int) -> Value:
    """Whether a signed value fits `bits`."""
    high = value[bits - 1 :]
    return high.all() | (high == 0)


class PsumFile(wiring.Component):
    """Two banks of ``psum_slots`` psums, to which ``pe_multipliers`` values at different addresses are added a cycle.

    A bank is cleared at once by its valid bits: a psum that nothing was added to reads as 0. Psums wrap. Latency: an
    addition is readable in the next cycle.

    If ``split_psums``, each lane has a memory of its own, and a psum is the sum of all lanes' parts, which may be
    wider than ``psum_bits``; only the parts wrap.

    Attributes
    ----------
    i_add, i_address, i_value
        By lane: add the value to the psum at {slot, bank} (the bank is the top bit).
    i_done
        By bank: it is complete, and may be read; nothing is added to it.
    i_read_address, o_psum
        Read port for the reducer, for complete banks only: it is the first lane's that has nothing to add there.
    i_clear
        By bank: make all its psums 0. Nothing may be added to it in this cycle.
    o_overflow
        Sticky: a psum, or part of one, wrapped around. A cycle later if ``pipelined``.
    banks
        Memories and valid bits of bank 0 and bank 1, of each memory lane (for proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        lanes, address = config.pe_multipliers, config.slot_bits + 1
        total = signed(value_shape(config).width + 1)
        self._totals = [Signal(total, name=f"total_{lane}") for lane in range(lanes)]
        super().__init__(
            {
                "i_add": In(lanes),
                "i_address": In(address).array(lanes),
                "i_value": In(value_shape(config)).array(lanes),
                "i_done": In(2),
                "i_read_address": In(address),
                "o_psum": Out(signed(config.pe_psum_bits)),
                "i_clear": In(2),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lanes = list(range(self.config.pe_multipliers))
        self.banks = []
        groups = [[lane] for lane in lanes] if self.config.split_psums else [lanes]
        parts = []
        for lanes in groups:
            banks = [self._bank(m, lanes, bank) for bank in range(2)]
            for lane, reads in zip(lanes, zip(*banks, strict=True), strict=True):
                base = _of_bank(self.i_address[lane][-1], reads)
                m.d.comb += self._totals[lane].eq(base + self.i_value[lane])
            parts.append(_of_bank(self.i_read_address[-1], [reads[0] for reads in banks]))
        m.d.comb += self.o_psum.eq(sum(parts))
        lost = [
            registered(m, self.config.pipelined, f"lost_{lane}", add & ~fits(total, self.config.psum_bits))
            for lane, (add, total) in enumerate(zip(self.i_add, self._totals, strict=True))
        ]
        with m.If(Cat(lost).any()):
            m.d.sync += self.o_overflow.eq(1)
        return m

    def _bank(self, m: Module, lanes: list[int], bank: int) -> list[tuple[Value, Value]]:
        """The memory of a bank that these lanes add to: what each reads, and whether it is valid.

        Of a complete bank, the first lane reads what the reducer asks for.
        """
        slots, value = self.config.psum_slots, signed(self.config.psum_bits)
        memory = Memory(shape=value, depth=slots, init=[], attrs={UNINITIALISED: "1"})
        m.submodules[f"bank_{bank}_{lanes[0]}"] = memory
        valid = Signal(slots, name=f"valid_{bank}_{lanes[0]}")
        self.banks.append((memory, valid))
        written, reads = 0, []
        for lane in lanes:
            write, read = memory.write_port(), memory.read_port(domain="comb")
            slot, mine = self.i_address[lane][:-1], self.i_address[lane][-1] == bank
            place = Signal(slots, name=f"place_{bank}_{lane}")
            m.d.comb += [
                write.en.eq(self.i_add[lane] & mine),
                write.addr.eq(slot),
                write.data.eq(self._totals[lane]),
                read.addr.eq(Mux(self.i_done[bank], self.i_read_address[:-1], slot) if lane == lanes[0] else slot),
                place.eq(Mux(write.en, 1 << slot, 0)),
            ]
            written = written | place
            reads.append((valid.bit_select(read.addr, 1), read.data))
        m.d.sync += valid.eq(Mux(self.i_clear[bank], 0, valid | written))
        return reads


def _of_bank(bank: Value, reads) -> Value:
    """What was read from one of the banks, 0 if it isn't valid. The enables meet first, so that a bit is one LUT."""
    (even_valid, even), (odd_valid, odd) = reads
    return (Mux(even_valid & ~bank, even, 0) | Mux(odd_valid & bank, odd, 0)).as_signed()
