"""Registers of ``set``."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import TpuConfig
from .isa import FLOATS, GEOMETRY, INSTRUCTIONS, REGISTERS

__all__ = ["SetRegisters", "geometry_of", "registers_layout"]

_INDEX, _VALUE = INSTRUCTIONS["set"].fields

FRACTION_BITS, EXPONENT_BITS = 23, 8
LEAST_EXPONENT, MOST_EXPONENT = 1, 127 + 30
"""Of a float32 that is normal, and below 2**31."""


def _limits(config: TpuConfig) -> dict[str, int]:
    """By register: the first number that is too large."""
    limits = {name: 1 << register.bits for name, register in REGISTERS.items()}
    return limits | {
        "window_first": config.ub_rows,
        "window_last": config.ub_rows,
        "pool_pitch": config.row_granules + 1,
        "plane_step": config.ub_granules,
    }


def registers_layout(config: TpuConfig) -> data.StructLayout:
    """All registers, each as wide as its largest legal value."""
    return data.StructLayout({name: (limit - 1).bit_length() for name, limit in _limits(config).items()})


def geometry_of(registers, geometry) -> list:
    """Statements that copy what is set to a `geometry_layout`."""
    return [geometry[name].eq(registers[name]) for name in geometry.shape().members if name in GEOMETRY]


class SetRegisters(wiring.Component):
    """What ``set`` gave its registers, and whether it may.

    Attributes
    ----------
    i_index, i_value
        Fields of the instruction.
    i_set
        Take the value, from the next cycle on.
    o_values
        Registers (`registers_layout`).
    o_known, o_legal
        There is such a register; it can hold the value, if there is one. In the same cycle.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_index": In(_INDEX.bits),
                "i_value": In(_VALUE.bits),
                "i_set": In(1),
                "o_values": Out(registers_layout(config)),
                "o_known": Out(1),
                "o_legal": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        limits = _limits(self.config)
        limit, holds_float = Signal(range(max(limits.values()) + 1), name="limit"), Signal(name="holds_float")
        m.d.comb += self.o_legal.eq((self.i_value < limit) & (~holds_float | _is_good(self.i_value)))
        with m.Switch(self.i_index):
            for name, register in REGISTERS.items():
                with m.Case(register.index):
                    m.d.comb += [self.o_known.eq(1), limit.eq(limits[name]), holds_float.eq(name in FLOATS)]
                    with m.If(self.i_set):
                        m.d.sync += self.o_values[name].eq(self.i_value)
        return m


def _is_good(value: Value) -> Value:
    """Whether a float32 is 0, or normal and of a magnitude below 2**31."""
    exponent = value[FRACTION_BITS : FRACTION_BITS + EXPONENT_BITS]
    normal = (exponent >= LEAST_EXPONENT) & (exponent <= MOST_EXPONENT)
    return (value[: FRACTION_BITS + EXPONENT_BITS] == 0) | normal
