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
    place, parts
        Its address, and what it consists of: one part, or if ``split_psums`` one a lane.
    """

    def __init__(self, config: SnapConfig):
        super().__init__(config)
        self.place = Signal.like(self.i_read_address, name="place")
        count = config.pe_multipliers if config.split_psums else 1
        self.parts = [Signal(signed(config.psum_bits), name=f"part_{number}") for number in range(count)]

    def elaborate(self, platform) -> Module:
        """The psum file with more read ports."""
        m = super().elaborate(platform)
        psums = []
        for memory, valid in self.banks:
            port = memory.read_port(domain="comb")
            m.d.comb += port.addr.eq(self.place[:-1])
            psums.append(Mux(valid.bit_select(self.place[:-1], 1), port.data, 0))
        for part, even, odd in zip(self.parts, psums[::2], psums[1::2], strict=True):
            m.d.comb += part.eq(Mux(self.place[-1], odd, even).as_signed())
        return m


class PsumFileSpec(wiring.Component):
    """A psum is the sum, modulo 2**psum_bits, of what was added to it since its bank was cleared.

    If ``split_psums``, each lane's part of it is, of what this lane added. The reducer reads the psum, or the sum of
    its parts, when the bank is complete.
    """

    def __init__(self, config: SnapConfig):
        self.config, self.dut = config, ProbedPsumFile(config)
        ports = self.dut.signature.members
        free = ("i_add", "i_address", "i_value", "i_clear", "i_done")
        super().__init__({name: ports[name] for name in free} | {"followed": ports["i_read_address"]})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        bits, address = self.config.psum_bits, _follow(m, self)
        m.d.comb += [
            dut.i_add.eq(self.i_add),
            dut.i_clear.eq(self.i_clear),
            dut.i_done.eq(self.i_done),
            dut.i_read_address.eq(address),
            dut.place.eq(address),
        ]
        totals, wraps = [Signal.like(part, name=f"total_{number}") for number, part in enumerate(dut.parts)], []
        clears = self.i_clear.bit_select(address[-1], 1)
        for lane, (at, value) in enumerate(zip(self.i_address, self.i_value, strict=True)):
            m.d.comb += [dut.i_address[lane].eq(at), dut.i_value[lane].eq(value)]
            m.d.comb += Assume(~(self.i_add[lane] & (self.i_clear | self.i_done).bit_select(at[-1], 1)))
            for other in range(lane):
                m.d.comb += Assume(~(self.i_add[lane] & self.i_add[other] & (at == self.i_address[other])))
            hit, total = self.i_add[lane] & (at == address), totals[lane if self.config.split_psums else 0]
            exact = Signal(range(-(1 << value.shape().width), 1 << value.shape().width), name=f"exact_{lane}")
            m.d.comb += exact.eq(total + value)
            with m.If(hit):
                m.d.sync += total.eq(exact)
            wraps.append(hit & ((exact >= 1 << bits - 1) | (exact < -(1 << bits - 1))))
        with m.If(clears):
            m.d.sync += [total.eq(0) for total in totals]
        must, overflow = Signal(), Signal()
        wrapped = registered(m, self.config.pipelined, "wrapped", reduce(or_, wraps))
        m.d.sync += [must.eq(wrapped), overflow.eq(dut.o_overflow)]
        m.d.comb += [
            *(Assert(part == total) for part, total in zip(dut.parts, totals, strict=True)),
            Assert(~self.i_done.bit_select(address[-1], 1) | (dut.o_psum == sum(totals))),
            Assert(~(must | overflow) | dut.o_overflow),
        ]
        return m


class MultiplyAddSpec(wiring.Component):
    """When its bank is complete, a psum is the sum of the products that came for it since it was cleared.

    Modulo 2**psum_bits; if ``split_psums`` and nothing wrapped, all bits of the sum.
    """

    def __init__(self, config: SnapConfig):
        self.config, self.dut = config, MultiplyAdd(config)
        ports = self.dut.signature.members
        free = ("i_pairs", "i_weights", "i_slots", "i_activations", "i_ends")
        super().__init__({name: ports[name] for name in free} | {"followed": ports["i_read"], "clear": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        address, slot_bits = _follow(m, self), self.config.slot_bits
        products = []
        for lane, one in enumerate(self.i_pairs):
            slot = (one.slot + self.i_slots[lane])[:slot_bits]
            mine = one.valid & (Cat(slot, one.bank) == address)
            products.append(Mux(mine, self.i_weights[lane] * self.i_activations[lane], 0))
            m.d.comb += [
                dut.i_pairs[lane].eq(one),
                dut.i_weights[lane].eq(self.i_weights[lane]),
                dut.i_slots[lane].eq(self.i_slots[lane]),
                dut.i_activations[lane].eq(self.i_activations[lane]),
            ]
        total, ended, clears = Signal(dut.o_psum.shape()), Signal(2), Signal(2)
        done = dut.o_done.bit_select(address[-1], 1)
        wrong = registered(m, self.config.pipelined, "wrong", done & (dut.o_psum != total))
        m.d.comb += [
            dut.i_read.eq(address),
            dut.i_ends.eq(self.i_ends),
            clears.eq(Mux(self.clear, Mux(address[-1], 2, 1), 0)),
            dut.i_clear.eq(clears),
            *(Assume(~(one.valid & ended.bit_select(one.bank, 1))) for one in self.i_pairs),
            Assume(~self.clear | done),
            Assume((self.i_ends & ended) == 0),
            Assert(~done | (dut.o_psum[: self.config.psum_bits] == total[: self.config.psum_bits])),
            Assert(~wrong | dut.o_overflow),
            Cover(done & (total != 0)),
        ]
        m.d.sync += [total.eq(Mux(self.clear, 0, total + sum(products))), ended.eq(ended & ~clears | self.i_ends)]
        return m
