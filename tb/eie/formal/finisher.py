"""What becomes of a sum, whatever it is."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring

from ....hw.eie.config import EieConfig
from ....hw.eie.finisher import Finisher
from ...formal import Assert

__all__ = ["FinisherSpec"]


class FinisherSpec(wiring.Component):
    """For a lane: no activation that there is would be nearer to ``sum / 2**shift``, none above it as near.

    Negative ones are 0 after that.
    """

    def __init__(self, config: EieConfig):
        self.config, self.dut = config, Finisher(config)
        ports = self.dut.signature.members
        super().__init__({name: ports[name] for name in ("i_parts", "i_shift", "i_relu")})

    def elaborate(self, platform) -> Module:
        """Design and assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        started, relu, shift = Signal(), Signal(), Signal.like(self.i_shift)
        parts = Signal.like(self.i_parts)
        m.d.sync += [started.eq(1), relu.eq(self.i_relu), shift.eq(self.i_shift), parts.eq(self.i_parts)]
        m.d.comb += [dut.i_parts.eq(self.i_parts), dut.i_shift.eq(self.i_shift), dut.i_relu.eq(self.i_relu)]
        high = (1 << self.config.data_bits - 1) - 1
        wide = signed(2 * self.config.psum_bits + 2)
        for row, (total, activation) in enumerate(zip(parts[0], dut.o_activations, strict=True)):
            # Twice the distance from the activation to the exact quotient, both times 2**shift.
            exact, least = Signal(wide, name=f"exact_{row}"), Mux(relu, 0, -high - 1)
            unit = Signal(wide, name=f"unit_{row}")
            m.d.comb += [unit.eq(1 << shift), exact.eq((total - (activation << shift)) << 1)]
            m.d.comb += [
                Assert(~started | ((activation >= least) & (activation <= high))),
                Assert(~started | (exact >= -unit) | (activation == least)),
                Assert(~started | (exact < unit) | (activation == high)),
            ]
        return m
