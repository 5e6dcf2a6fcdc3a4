"""Fixed delays: of a value by a cycle or none, of a bus by many."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from ..emit.shared import shared
from .ram import Ram

__all__ = ["DelayLine", "delayed", "registered"]

SHIFT_REGISTER_CYCLES = 3
"""Up to this delay a shift register is smaller than a memory with its pointer."""


class DelayLine(wiring.Component):
    """``o`` is ``i`` of ``cycles`` cycles ago: a shift register, or a ring buffer in a memory.

    There is no reset; what comes out in the first ``cycles`` cycles is undefined.

    Parameters
    ----------
    width
        Bits of the bus.
    cycles
        Delay, at least 1.
    """

    def __init__(self, width: int, cycles: int):
        check_int("width", width, 1)
        check_int("cycles", cycles, 1)
        self.config = (width, cycles)
        self._width, self._cycles = width, cycles
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform) -> Module:
        m = Module()
        if self._cycles <= SHIFT_REGISTER_CYCLES:
            stages = Signal(self._width * self._cycles, reset_less=True)
            m.d.sync += stages.eq(Cat(self.i, stages)[: len(stages)])
            m.d.comb += self.o.eq(stages[-self._width :])
            return m
        # The row after that which is written is the oldest, of `cycles` - 1 cycles ago; reading takes the last one.
        ram = Ram(self._width, self._cycles)
        m.submodules.ram = shared(ram)
        row, following = Signal(range(self._cycles)), Signal(range(self._cycles))
        m.d.comb += following.eq(Mux(row == self._cycles - 1, 0, row + 1))
        m.d.sync += row.eq(following)
        m.d.comb += [
            ram.i_write_enable.eq(1),
            ram.i_write_address.eq(row),
            ram.i_write_data.eq(self.i),
            ram.i_read_enable.eq(1),
            ram.i_read_address.eq(following),
            self.o.eq(ram.o_read_data),
        ]
        return m


def delayed(m: Module, name: str, bus, cycles: int):
    """`bus` as it was `cycles` cycles ago (itself for 0), by a shared delay line named `name`."""
    if cycles == 0:
        return bus
    line = DelayLine(len(bus), cycles)
    m.submodules[name] = shared(line)
    m.d.comb += line.i.eq(bus)
    return line.o


def registered(m: Module, wanted: bool, name: str, value: Any, *, reset_less: bool = False) -> Any:
    """`value` as it was in the cycle before, from a register of this name; itself if the register isn't `wanted`."""
    if not wanted:
        return value
    register = Signal.like(value, name=name, reset_less=reset_less)
    m.d.sync += register.eq(value)
    return register
