"""Ring of the lines that were read last, and the entries taken from it."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from .config import EieConfig
from .layouts import entry_layout, line_layout

__all__ = ["LineRing"]


class LineRing(wiring.Component):
    """``line_buffer`` lines, of which any ``lanes`` entries are seen.

    Attributes
    ----------
    i_store, i_place, i_line
        Put this line in this place. It is seen from the next cycle on.
    i_places, o_entries
        By lane: which entry of the ring, those of place 0 first, and that entry.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        lines = exact_log2(config.line_buffer)
        places = lines + exact_log2(config.line_entries)
        super().__init__(
            {
                "i_store": In(1),
                "i_place": In(lines),
                "i_line": In(line_layout(config)),
                "i_places": In(data.ArrayLayout(places, config.lanes)),
                "o_entries": Out(data.ArrayLayout(entry_layout(config), config.lanes)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        entries = []
        for number in range(self.config.line_buffer):
            line = Signal(self.i_line.shape(), name=f"line_{number}", reset_less=True)
            with m.If(self.i_store & (self.i_place == number)):
                m.d.sync += line.eq(self.i_line)
            entries += [entry.as_value() for entry in line]
        choice = Array(entries)
        m.d.comb += [entry.eq(choice[place]) for entry, place in zip(self.o_entries, self.i_places, strict=True)]
        return m
