"""What the normalizer must give for every number."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.common.normalizer import Normalizer
from ...formal import Assert, Cover

__all__ = ["NormalizerSpec"]


class NormalizerSpec(wiring.Component):
    """The magnitude, divided by a power of two with what is left over compared with a half.

    Parameters
    ----------
    bits, kept_bits
        The normalizer's.
    """

    def __init__(self, bits: int, kept_bits: int):
        self.config = (bits, kept_bits)
        super().__init__({"number": In(signed(bits))})

    def elaborate(self, platform) -> Module:
        """Design and assertions."""
        m = Module()
        bits, kept_bits = self.config
        m.submodules.dut = dut = Normalizer(bits, kept_bits)
        magnitude, wanted, found = Signal(bits), Signal(bits + 1), Signal(2 * bits)
        m.d.comb += [
            dut.i.eq(self.number),
            magnitude.eq(Mux(self.number < 0, -self.number, self.number)),
            wanted.eq(magnitude),
        ]
        for dropped in range(1, bits - kept_bits + 1):  # the last that fits is the one
            rest, half, kept = magnitude[:dropped], 1 << dropped - 1, magnitude[dropped:]
            with m.If(magnitude >= 1 << kept_bits + dropped - 1):
                m.d.comb += wanted.eq((kept + ((rest > half) | ((rest == half) & kept[0]))) << dropped)
        added = Signal(kept_bits + 1)
        m.d.comb += [
            added.eq(dut.o_kept + dut.o_up),
            found.eq(added << bits - 1 - kept_bits),
            Assert(dut.o_negative == (self.number < 0)),
            Assert(found == wanted << dut.o_shift),
            Assert((self.number == 0) | (added >= 1 << kept_bits - 1)),
            Cover((self.number < 0) & added[-1]),
            Cover(dut.o_up & ~dut.o_negative & (dut.o_shift == 1)),
        ]
        return m
