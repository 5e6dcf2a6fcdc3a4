"""Register file of partial sums: two banks, one for each psum block in progress."""

from functools import reduce
from operator import add

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.delay import registered
from ..common.ram import Ram
from ..emit.shared import shared
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
    """Two banks of ``psum_slots`` psums, to which each of ``pe_multipliers`` lanes adds a value a cycle.

    A lane has a memory of its own for each bank, with one write and one read port (`Ram`): it reads a part of a psum,
    adds to it, and writes it back in the next cycle. What is on its way to a memory when that is read is shown instead.
    A psum is the sum of all lanes' parts, which may be wider than ``psum_bits``; only the parts wrap. A bank is cleared
    at once by its valid bits: a part that nothing was added to is 0.

    Latency: an addition is part of what is read in the same cycle, which shows in the next.

    Attributes
    ----------
    i_next, i_next_address
        By lane: a value for the psum at {slot, bank} (the bank is the top bit) may come in the next cycle.
    i_add, i_address, i_value
        By lane: add the value; only what `i_next` named in the cycle before.
    i_done
        By bank: from the next cycle on it is complete, and may be read; no value comes for it.
    i_read_slot
        Slot that the reducer reads in complete banks.
    i_bank, o_psum
        Bank to show, and its psum of the slot that was read in the cycle before.
    i_clear
        By bank: make all its psums 0. Nothing may be added to it in this cycle or the next, and it isn't `i_done`.
    o_overflow
        Sticky: a part of a psum wrapped around. A cycle later if ``pipelined``.
    memories, valid
        By lane and bank (for proofs only).
    parts
        By lane and bank: what was read in the cycle before (for proofs only).
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        lanes, address = config.pe_multipliers, config.slot_bits + 1
        self.memories = [[Ram(config.psum_bits, config.psum_slots) for _ in range(2)] for _ in range(lanes)]
        self.valid, self.parts = (
            [[Signal(shape, name=f"{name}_{lane}_{bank}") for bank in range(2)] for lane in range(lanes)]
            for name, shape in (("valid", config.psum_slots), ("part", signed(config.psum_bits)))
        )
        super().__init__(
            {
                "i_next": In(lanes),
                "i_next_address": In(address).array(lanes),
                "i_add": In(lanes),
                "i_address": In(address).array(lanes),
                "i_value": In(value_shape(config)).array(lanes),
                "i_done": In(2),
                "i_read_slot": In(config.slot_bits),
                "i_bank": In(1),
                "o_psum": Out(signed(config.pe_psum_bits)),
                "i_clear": In(2),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lost, bits = [], self.config.psum_bits
        for lane, parts in enumerate(self.parts):
            total = Signal(signed(value_shape(self.config).width + 1), name=f"total_{lane}")
            written = Signal(signed(bits), name=f"written_{lane}", reset_less=True)
            m.d.comb += total.eq(Mux(self.i_address[lane][-1], parts[1], parts[0]) + self.i_value[lane])
            m.d.sync += written.eq(total)
            for bank in range(2):
                self._memory(m, lane, bank, total, written)
            wraps = self.i_add[lane] & ~fits(total, bits)
            lost.append(registered(m, self.config.pipelined, f"lost_{lane}", wraps))
        m.d.comb += self.o_psum.eq(reduce(add, (Mux(self.i_bank, parts[1], parts[0]) for parts in self.parts)))
        with m.If(Cat(lost).any()):
            m.d.sync += self.o_overflow.eq(1)
        return m

    def _memory(self, m: Module, lane: int, bank: int, total: Signal, written: Signal) -> None:
        """One lane's parts of a bank: of a complete bank, what the reducer asks for is read."""
        name, memory, valid = f"{lane}_{bank}", self.memories[lane][bank], self.valid[lane][bank]
        m.submodules[f"memory_{name}"] = shared(memory)
        adds, place = Signal(name=f"adds_{name}"), Signal(self.config.psum_slots, name=f"place_{name}")
        slot, next_slot = self.i_address[lane][:-1], self.i_next_address[lane][:-1]
        read = Signal(self.config.slot_bits, name=f"read_{name}")
        # Of what is read: it is on its way into the memory, which may show anything then; or it is in it.
        coming, there = Signal(name=f"coming_{name}"), Signal(name=f"there_{name}")
        m.d.comb += [
            adds.eq(self.i_add[lane] & (self.i_address[lane][-1] == bank)),
            place.eq(Mux(adds, 1 << slot, 0)),
            read.eq(Mux(self.i_done[bank], self.i_read_slot, next_slot)),
            memory.i_write_enable.eq(adds),
            memory.i_write_address.eq(slot),
            memory.i_write_data.eq(total),
            memory.i_read_enable.eq(self.i_done[bank] | self.i_next[lane] & (self.i_next_address[lane][-1] == bank)),
            memory.i_read_address.eq(read),
            self.parts[lane][bank].eq(Mux(coming, written, 0) | Mux(there, memory.o_read_data.as_signed(), 0)),
        ]
        m.d.sync += [
            valid.eq(Mux(self.i_clear[bank], 0, valid | place)),
            coming.eq(adds & (slot == read)),
            there.eq(valid.bit_select(read, 1) & ~(adds & (slot == read))),
        ]
