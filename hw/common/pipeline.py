"""Registers of a stage of streams that move together."""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module, Signal

__all__ = ["Pipeline"]


class Pipeline:
    """Ranks of registers between two streams, of which all move in a cycle or none.

    They move whenever the output is free or taken: ``i.ready`` follows from ``o.ready`` in the same cycle. Bubbles
    stay. That costs no place for beats beside the registers themselves.

    Parameters
    ----------
    m
        Where the registers go.
    i, o
        Streams. The payload of the output is to be connected to the last rank.

    Attributes
    ----------
    moves
        The ranks take what is before them.
    """

    def __init__(self, m: Module, i: Any, o: Any):
        self._m, self._output, self._valid, self._ranks = m, o, i.valid, 0
        self.moves = Signal(name="moves")
        m.d.comb += [self.moves.eq(~o.valid | o.ready), i.ready.eq(self.moves)]

    def rank(self, **values: Any) -> SimpleNamespace:
        """One more rank of registers, which hold `values`: signals by the same names."""
        self._ranks += 1
        valid = Signal(name=f"valid_{self._ranks}")
        registers = {
            name: Signal.like(value, name=f"{name}_{self._ranks}", reset_less=True) for name, value in values.items()
        }
        with self._m.If(self.moves):
            self._m.d.sync += valid.eq(self._valid)
            self._m.d.sync += [registers[name].eq(value) for name, value in values.items()]
        self._valid = valid
        return SimpleNamespace(**registers)

    def end(self) -> None:
        """The rank before is the last one: it is what the output offers."""
        self._m.d.comb += self._output.valid.eq(self._valid)
