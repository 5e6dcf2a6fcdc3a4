"""What psum register file and arithmetic of a PE must do, for any one psum."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.common.delay import registered
from ....hw.snap.config import SnapConfig
from ....hw.snap.multiply_add import MultiplyAdd
from ....hw.snap.psum_file import PsumFile
from ...formal import Assert, Assume, Cover

__all__ = ["MultiplyAddSpec", "PsumFileSpec"]


def _follow(m: Module, spec: wiring.Component) -> Signal:
    """An address, any one, that is always the same."""
    started, before = Signal(), Signal.like(spec.followed)
    m.d.sync += [started.eq(1), before.eq(spec.followed)]
    m.d.comb += Assume(~started | (before == spec.followed))
    return spec.followed


class ProbedPsumFile(PsumFile):
    """A psum file of which one psum can be seen at any time.

    Attributes
    ----------
    place, kept
        Its address, and what the lanes' memories hold of it.
    """

    def __init__(self, config: SnapConfig):
        super().__init__(config)
        self.place = Signal.like(self.i_address[0], name="place")
        self.kept = [Signal(signed(config.psum_bits), name=f"kept_{lane}") for lane in range(config.pe_multipliers)]

    def elaborate(self, platform) -> Module:
        """The psum file with more read ports."""
        m = super().elaborate(platform)
        for kept, memories, valid in zip(self.kept, self.memories, self.valid, strict=True):
            psums = []
            for bank in range(2):
                port = memories[bank].memory.read_port(domain="comb")
                m.d.comb += port.addr.eq(self.place[:-1])
                psums.append(Mux(valid[bank].bit_select(self.place[:-1], 1), port.data, 0))
            m.d.comb += kept.eq(Mux(self.place[-1], psums[1], psums[0]).as_signed())
        return m


class PsumFileSpec(wiring.Component):
    """A lane's part of a psum is the sum, modulo 2**psum_bits, of what it added since the bank was cleared.

    That is what is in the memory, and what is shown if the cycle before asked for it. The reducer sees the sum of the
    parts when the bank is complete.
    """

    def __init__(self, config: SnapConfig):
        self.config, self.dut = config, ProbedPsumFile(config)
        ports = self.dut.signature.members
        free = ("i_next", "i_next_address", "i_add", "i_value", "i_clear", "i_done", "i_read_slot", "i_bank")
        super().__init__({name: ports[name] for name in free} | {"followed": In(self.config.slot_bits + 1)})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        bits, address = self.config.psum_bits, _follow(m, self)
        m.d.comb += [
            *(getattr(dut, name).eq(getattr(self, name)) for name in ("i_next", "i_add", "i_clear", "i_done")),
            dut.i_read_slot.eq(self.i_read_slot),
            dut.i_bank.eq(self.i_bank),
            dut.place.eq(address),
            Assume((self.i_clear & self.i_done) == 0),
        ]
        totals, wraps = [Signal.like(kept, name=f"total_{lane}") for lane, kept in enumerate(dut.kept)], []
        clears, asked = self.i_clear.bit_select(address[-1], 1), Signal()
        m.d.sync += asked.eq(self.i_done.bit_select(address[-1], 1) & (self.i_read_slot == address[:-1]))
        for lane, (coming, value) in enumerate(zip(self.i_next_address, self.i_value, strict=True)):
            at, total = Signal.like(coming, name=f"at_{lane}"), totals[lane]
            names = Signal(name=f"names_{lane}")
            m.d.sync += [at.eq(coming), names.eq(self.i_next[lane])]
            m.d.comb += [dut.i_next_address[lane].eq(coming), dut.i_address[lane].eq(at), dut.i_value[lane].eq(value)]
            m.d.comb += [
                Assume(~self.i_add[lane] | names),
                Assume(~(self.i_add[lane] & self.i_clear.bit_select(at[-1], 1))),
                Assume(~(self.i_next[lane] & (self.i_clear | self.i_done).bit_select(coming[-1], 1))),
            ]
            hit = self.i_add[lane] & (at == address)
            exact = Signal(range(-(1 << value.shape().width), 1 << value.shape().width), name=f"exact_{lane}")
            m.d.comb += exact.eq(total + value)
            with m.If(hit):
                m.d.sync += total.eq(exact)
            wraps.append(hit & ((exact >= 1 << bits - 1) | (exact < -(1 << bits - 1))))
            part = Mux(address[-1], dut.parts[lane][1], dut.parts[lane][0])
            m.d.comb += Assert(~(names & (at == address) | asked) | (part == total))
        with m.If(clears):
            m.d.sync += [total.eq(0) for total in totals]
        must, overflow = Signal(), Signal()
        wrapped = registered(m, self.config.pipelined, "wrapped", reduce(or_, wraps))
        m.d.sync += [must.eq(wrapped), overflow.eq(dut.o_overflow)]
        m.d.comb += [
            *(Assert(kept == total) for kept, total in zip(dut.kept, totals, strict=True)),
            Assert(~(asked & (self.i_bank == address[-1])) | (dut.o_psum == sum(totals))),
            Assert(~(must | overflow) | dut.o_overflow),
        ]
        return m


class MultiplyAddSpec(wiring.Component):
    """When its bank is complete, a psum is the sum of the products that came for it since it was cleared.

    Modulo 2**psum_bits; if nothing wrapped, all bits of the sum.
    """

    def __init__(self, config: SnapConfig):
        self.config, self.dut = config, MultiplyAdd(config)
        ports = self.dut.signature.members
        free = ("i_targets", "i_weights", "i_slots", "i_activations", "i_ends")
        super().__init__(
            {name: ports[name] for name in free} | {"followed": In(self.config.slot_bits + 1), "clear": In(1)}
        )

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        address, slot_bits = _follow(m, self), self.config.slot_bits
        products = []
        for lane, one in enumerate(self.i_targets):
            slot = (one.slot + self.i_slots[lane])[:slot_bits]
            mine = one.valid & (Cat(slot, one.bank) == address)
            products.append(Mux(mine, self.i_weights[lane] * self.i_activations[lane], 0))
            m.d.comb += [
                dut.i_targets[lane].eq(one),
                dut.i_weights[lane].eq(self.i_weights[lane]),
                dut.i_slots[lane].eq(self.i_slots[lane]),
                dut.i_activations[lane].eq(self.i_activations[lane]),
            ]
        total, ended, clears = Signal(dut.o_psum.shape()), Signal(2), Signal(2)
        done = dut.o_done.bit_select(address[-1], 1)
        wrong = registered(m, self.config.pipelined, "wrong", done & (dut.o_psum != total))
        m.d.comb += [
            dut.i_read_slot.eq(address[:-1]),
            dut.i_bank.eq(address[-1]),
            dut.i_ends.eq(self.i_ends),
            clears.eq(Mux(self.clear, Mux(address[-1], 2, 1), 0)),
            dut.i_clear.eq(clears),
            *(Assume(~(one.valid & ended.bit_select(one.bank, 1))) for one in self.i_targets),
            Assume(~self.clear | done),
            Assume((self.i_ends & ended) == 0),
            Assert(~done | (dut.o_psum[: self.config.psum_bits] == total[: self.config.psum_bits])),
            Assert(~wrong | dut.o_overflow),
            Cover(done & (total != 0)),
        ]
        m.d.sync += [total.eq(Mux(self.clear, 0, total + sum(products))), ended.eq(ended & ~clears | self.i_ends)]
        return m
