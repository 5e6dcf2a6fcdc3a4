"""Finisher: sums of a cluster become activations."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import EieConfig
from .layouts import activation_group, sums_layout

__all__ = ["Finisher"]


class Finisher(wiring.Component):
    """Adds the parts that a row has in every lane, divides by a power of two, rounds (half upwards), saturates.

    Latency: ``log2(lanes) + 1`` cycles.

    Attributes
    ----------
    i_parts
        By lane: its sums of some rows.
    i_shift, i_relu
        Divide by ``2**shift``; make negative activations 0. Both stay as they are while rows are on their way.
    o_activations
        Of these rows.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_parts": In(data.ArrayLayout(sums_layout(config), config.lanes)),
                "i_shift": In(range(config.psum_bits)),
                "i_relu": In(1),
                "o_activations": Out(activation_group(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        for row, activation in enumerate(self.o_activations):
            sums = [parts[row] for parts in self.i_parts]
            while len(sums) > 1:
                pairs = zip(sums[::2], sums[1::2], strict=True)
                sums = [
                    Signal(signed(self.config.psum_bits), name=f"sum_{row}_{len(sums)}_{n}", reset_less=True)
                    for n in range(len(sums) // 2)
                ]
                m.d.sync += [to.eq(one + other) for to, (one, other) in zip(sums, pairs, strict=True)]
            m.d.sync += activation.eq(self._finished(m, row, sums[0]))
        return m

    def _finished(self, m: Module, row: int, total):
        bits = self.config.data_bits
        halves = Signal(signed(self.config.psum_bits + 1), name=f"halves_{row}")  # rounded down, and the half behind
        rounded = Signal(signed(self.config.psum_bits + 1), name=f"rounded_{row}")
        low = Mux(self.i_relu, 0, -(1 << bits - 1))
        high = (1 << bits - 1) - 1
        m.d.comb += [
            halves.eq(Cat(0, total).as_signed() >> self.i_shift),
            rounded.eq((halves >> 1) + halves[0]),
        ]
        return Mux(rounded < low, low, Mux(rounded > high, high, rounded))
