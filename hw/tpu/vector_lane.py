"""A lane of the vector unit: from a sum or a pair of bytes to a byte."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.fused_multiply_add import FusedMultiplyAdd
from ..common.ram import Ram
from ..common.round_to_byte import RoundToByte
from ..emit.shared import shared
from .config import GRANULE_BYTES
from .granule_reducer import KEPT_BITS

__all__ = ["FLOAT_LATENCY", "TABLE_BYTES", "TABLE_LATENCY", "VectorLane", "lane_layout"]

FLOAT_LATENCY = 2 * FusedMultiplyAdd.LATENCY + RoundToByte.LATENCY
"""Cycles from a sum or a pair to its byte."""

TABLE_LATENCY = 1
"""Cycles from a byte to that of the table."""

TABLE_BYTES = 256


def lane_layout() -> data.StructLayout:
    """What lanes do, which is constant while they work: `add`, `multiply`, `table`, or else they scale a sum."""
    return data.StructLayout(
        {
            **dict.fromkeys(("add", "multiply", "table", "signed"), 1),
            **dict.fromkeys(("zero_a", "zero_b"), 8),
            **dict.fromkeys(("factor_a", "factor_b", "addend"), 32),
            **dict.fromkeys(("low", "high"), signed(9)),
        }
    )


class VectorLane(wiring.Component):
    """A value a cycle.

    Of a pair A, B (A in the lower byte): ``factor_a * A + (factor_b * B + addend)``, or ``(A - zero_a) * (B - zero_b) *
    factor_a + addend``; of a sum, ``sum * factor_a + addend``. Each ``x * f + c`` is rounded once, to float32; the
    result to an integer, half to even, within the limits. Or the byte that the table has for the lowest byte.

    Attributes
    ----------
    i_mode
        What to do (`lane_layout`).
    i_kept
        A sum, or a pair.
    i_fill, i_place, i_bytes
        Write bytes of the table, the first of them is number ``4 * i_place``.
    o_byte
        The result, `FLOAT_LATENCY` or `TABLE_LATENCY` cycles later.
    """

    def __init__(self):
        self.config = ()
        super().__init__(
            {
                "i_mode": In(lane_layout()),
                "i_kept": In(KEPT_BITS),
                "i_fill": In(1),
                "i_place": In(range(TABLE_BYTES // GRANULE_BYTES)),
                "i_bytes": In(8 * GRANULE_BYTES),
                "o_byte": Out(8),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        mode = self.i_mode

        def number(name: str, value: Value, bits: int) -> Signal:
            wide = Signal(signed(bits), name=name)
            m.d.comb += wide.eq(Cat(value, (value[-1] & mode.signed).replicate(bits - len(value))))
            return wide

        a, b = number("a", self.i_kept[:8], 9), number("b", self.i_kept[8:16], 9)
        zero_a, zero_b = number("zero_a", mode.zero_a, 9), number("zero_b", mode.zero_b, 9)
        inner, outer, rounder = FusedMultiplyAdd(), FusedMultiplyAdd(), RoundToByte()
        m.submodules.inner, m.submodules.outer, m.submodules.rounder = shared(inner), shared(outer), shared(rounder)
        x = Signal.like(outer.i_x, name="x")
        with m.If(mode.add):
            m.d.comb += x.eq(a)
        with m.Elif(mode.multiply):
            m.d.comb += x.eq((a - zero_a) * (b - zero_b))
        with m.Else():
            m.d.comb += x.eq(number("sum", self.i_kept, len(x)))
        for cycle in range(FusedMultiplyAdd.LATENCY):
            later = Signal.like(x, name=f"x_{cycle}", reset_less=True)
            m.d.sync += later.eq(x)
            x = later
        m.d.comb += [
            inner.i_x.eq(b),
            inner.i_factor.eq(mode.factor_b),
            inner.i_addend.eq(mode.addend),
            outer.i_x.eq(x),
            outer.i_factor.eq(mode.factor_a),
            outer.i_addend.eq(Mux(mode.add, inner.o_value, mode.addend)),
            rounder.i_value.eq(outer.o_value),
            rounder.i_low.eq(mode.low),
            rounder.i_high.eq(mode.high),
            self.o_byte.eq(Mux(mode.table, self._look_up(m), rounder.o[:8])),
        ]
        return m

    def _look_up(self, m: Module) -> Value:
        """The table's byte."""
        table = Ram(8 * GRANULE_BYTES, TABLE_BYTES // GRANULE_BYTES)
        m.submodules.table = shared(table)
        which = Signal(range(GRANULE_BYTES), reset_less=True)
        m.d.sync += which.eq(self.i_kept)
        m.d.comb += [
            table.i_write_enable.eq(self.i_fill),
            table.i_write_address.eq(self.i_place),
            table.i_write_data.eq(self.i_bytes),
            table.i_read_enable.eq(1),
            table.i_read_address.eq(self.i_kept[len(which) : 8]),
        ]
        return table.o_read_data.word_select(which, 8)
