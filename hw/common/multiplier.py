"""A signed multiplier with pipeline registers, as a module of its own."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """``o`` is ``a * b`` of ``registers`` cycles ago.

    It is a module so that a flow for FPGAs can put a DSP block with its own registers in its place. There is no
    reset; what comes out in the first ``registers`` cycles is undefined.

    Parameters
    ----------
    a_bits, b_bits
        Widths of the signed operands.
    registers
        Latency: one register is at the product, the second at the operands, a third behind the product.
    """

    def __init__(self, a_bits: int, b_bits: int, registers: int):
        check_int("a_bits", a_bits, 1)
        check_int("b_bits", b_bits, 1)
        check_int("registers", registers, 0, 3)
        self.config = (a_bits, b_bits, registers)
        super().__init__({"a": In(signed(a_bits)), "b": In(signed(b_bits)), "o": Out(signed(a_bits + b_bits))})

    def elaborate(self, platform) -> Module:
        m = Module()

        def registered(name: str, value, enabled: bool):
            if not enabled:
                return value
            stage = Signal.like(value, name=name, reset_less=True)
            m.d.sync += stage.eq(value)
            return stage

        registers = self.config[2]
        a, b = (registered(name, port, registers > 1) for name, port in (("a_stage", self.a), ("b_stage", self.b)))
        product = registered("product", a * b, registers > 0)
        m.d.comb += self.o.eq(registered("result", product, registers > 2))
        return m
