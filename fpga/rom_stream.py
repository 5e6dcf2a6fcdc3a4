"""A stream whose beats are in a memory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["RomStream", "payload_bits"]


def payload_bits(layout: data.Layout, values: Iterable[Mapping[str, Any]]) -> list[int]:
    """Give beats, each the fields of a payload by name, as plain bits."""
    return [layout.const({**fields}).as_value().value for fields in values]


class RomStream(wiring.Component):
    """Sends the beats of a read-only memory after each start, a beat a cycle.

    Parameters
    ----------
    width, words
        Bits of a beat; the beats.
    fault
        Beat and bit that a fault turns over, or None.

    Attributes
    ----------
    i_start, i_fault
        Start, from the second cycle on, with or without a fault. Only when all beats of the start before were taken.
    o
        The beats.
    """

    def __init__(self, *, width: int, words: Sequence[int], fault: tuple[int, int] | None = None):
        self._width, self._words, self._fault = width, list(words), fault
        super().__init__({"i_start": In(1), "i_fault": In(1), "o": Out(stream.Signature(width))})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._width, depth=len(self._words), init=self._words)
        port = memory.read_port()
        address, more = Signal(range(len(self._words))), Signal()
        valid, fault, flip = Signal(), Signal(), Signal()
        advance = Signal()
        m.d.comb += [
            advance.eq(~valid | self.o.ready),
            port.en.eq(advance),
            port.addr.eq(address),
            self.o.valid.eq(valid),
            self.o.payload.eq(port.data),
        ]
        with m.If(self.i_start):
            m.d.sync += [address.eq(0), more.eq(1), fault.eq(self.i_fault)]
        with m.Elif(advance):
            m.d.sync += [valid.eq(more)]
            with m.If(address == len(self._words) - 1):
                m.d.sync += more.eq(0)
            with m.Else():
                m.d.sync += address.eq(address + 1)
        if self._fault is not None:
            beat, bit = self._fault
            with m.If(advance):
                m.d.sync += flip.eq(fault & more & (address == beat))
            m.d.comb += self.o.payload.eq(port.data ^ (flip << bit))
        return m
