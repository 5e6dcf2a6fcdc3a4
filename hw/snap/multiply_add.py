"""A PE's arithmetic: multipliers, reduction of products that meet, psums."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.multiplier import Multiplier
from ..emit.shared import shared
from .config import SnapConfig
from .list_layouts import target
from .psum_file import PsumFile
from .reduction_selector import ReductionSelector

__all__ = ["MultiplyAdd"]


class MultiplyAdd(wiring.Component):
    """``pe_multipliers`` products a cycle, added to psums; products of one cycle with one address are added first.

    Operands arrive in cycle t, products are registered, and added in t + 1 to psums that were read in t; they show in
    t + 2 (SNAP, section V-A, Fig. 10). All but the arrival is 2 cycles later if ``pipelined``.

    Attributes
    ----------
    i_targets, i_weights, i_slots, i_activations
        Targets of products, their operands and the weights' psum offsets, to which a target's (the tile's) is added.
    i_ends
        By bank: the last pair of the block has arrived, in this cycle or before.
    i_read_slot
        Slot to read in both banks.
    i_bank, o_psum
        Bank to show, and its psum of the slot that was read in the cycle before, if it is complete.
    i_clear
        By bank: it was read.
    o_done
        By bank: it holds all of a block's psums.
    o_overflow
        Sticky: a psum wrapped around.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_targets": In(data.ArrayLayout(target(config), config.pe_multipliers)),
                "i_weights": In(signed(config.data_bits)).array(config.pe_multipliers),
                "i_slots": In(config.slot_bits).array(config.pe_multipliers),
                "i_activations": In(signed(config.data_bits)).array(config.pe_multipliers),
                "i_ends": In(2),
                "i_read_slot": In(config.slot_bits),
                "i_bank": In(1),
                "o_psum": Out(signed(config.pe_psum_bits)),
                "i_clear": In(2),
                "o_done": Out(2),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, lanes = self.config, range(self.config.pe_multipliers)
        m.submodules.selector = selector = ReductionSelector(config)
        m.submodules.psums = psums = PsumFile(config)
        products = [Signal(signed(2 * config.data_bits), name=f"product_{lane}", reset_less=True) for lane in lanes]
        valid, ends = Signal(len(lanes), name="valid_operands"), Signal(2, name="ends_operands")
        addresses = Signal(selector.i_addresses.shape(), name="addresses_operands")
        m.d.comb += [valid.eq(Cat(one.valid for one in self.i_targets)), ends.eq(self.i_ends)]
        for lane, one in enumerate(self.i_targets):
            slot = Signal(config.slot_bits, name=f"slot_{lane}")
            m.d.comb += [slot.eq(one.slot + self.i_slots[lane]), addresses[lane].eq(Cat(slot, one.bank))]
            if config.pipelined:
                multiplier = Multiplier(config.data_bits, config.data_bits, config.multiplier_registers)
                m.submodules[f"multiplier_{lane}"] = shared(multiplier)
                m.d.comb += [
                    multiplier.a.eq(self.i_weights[lane]),
                    multiplier.b.eq(self.i_activations[lane]),
                    products[lane].eq(multiplier.o),
                ]
            else:
                m.d.sync += products[lane].eq(self.i_weights[lane] * self.i_activations[lane])
        before = valid, ends, addresses
        for stage in range(config.multiplier_registers):
            before = valid, ends, addresses
            valid, ends, addresses = (
                Signal.like(value, name=f"{name}_{stage}", reset_less=name == "addresses")
                for name, value in zip(("valid", "ends", "addresses"), before, strict=True)
            )
            m.d.sync += [valid.eq(before[0]), ends.eq(before[1]), addresses.eq(before[2])]
        done = Signal(2)  # in the next cycle
        for lane in lanes:
            m.d.comb += [
                psums.i_next_address[lane].eq(before[2][lane]),
                psums.i_address[lane].eq(addresses[lane]),
                psums.i_value[lane].eq(
                    sum(Mux(selector.o_members[lane][other], products[other], 0) for other in lanes[lane:])
                ),
            ]
        m.d.comb += [
            selector.i_valid.eq(valid),
            selector.i_addresses.eq(addresses),
            psums.i_add.eq(selector.o_write),
            psums.i_next.eq(before[0]),
            psums.i_read_slot.eq(self.i_read_slot),
            psums.i_bank.eq(self.i_bank),
            psums.i_clear.eq(self.i_clear),
            done.eq(self.o_done & ~self.i_clear | ends),
            psums.i_done.eq(done),
            self.o_psum.eq(psums.o_psum),
            self.o_overflow.eq(psums.o_overflow),
        ]
        m.d.sync += self.o_done.eq(done)
        return m
