"""Which granules of a window belong to an image."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from .config import TpuConfig
from .layouts import geometry_layout

__all__ = ["ADDRESS_BITS", "WindowBounds"]

ADDRESS_BITS = 24
"""Addresses, columns and lines of windows are counted modulo two to this."""


class WindowBounds(wiring.Component):
    """Granules of a window that are input: `o_first` to `o_end` (exclusive); none if ``o_first >= o_end``.

    They are neighbours, because a window lies in two rows at most, and in each of them all or nothing is the image's.
    All of it is combinational.

    Attributes
    ----------
    i_address, i_x, i_y
        The window's first granule: in the unified buffer, in its line of the image; its line.
    i_width
        Granules of the window, at most a row's.
    i_line, i_height, i_window_first, i_window_last
        As they were set; the last row isn't before the first.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        granules = bits_for(config.row_granules)
        geometry = geometry_layout(config)
        super().__init__(
            {
                "i_address": In(ADDRESS_BITS),
                "i_x": In(signed(ADDRESS_BITS)),
                "i_y": In(signed(ADDRESS_BITS)),
                "i_width": In(granules),
                **{f"i_{name}": In(geometry[name].shape) for name in ("line", "height", "window_first", "window_last")},
                "o_first": Out(granules),
                "o_end": Out(granules),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        size, width, x = self.config.row_granules, self.i_width, self.i_x
        at_bits = exact_log2(size)
        row, behind = self.i_address >> at_bits, Signal(bits_for(size))  # granules up to the next row
        low, high, reached = Signal(), Signal(), Signal()  # is its row the image's; is the next one; is it behind first
        following = (row + 1)[: ADDRESS_BITS - at_bits]  # 0 behind the last one
        m.d.comb += [
            behind.eq(size - self.i_address[:at_bits]),
            reached.eq(row >= self.i_window_first),
            low.eq(reached & (row <= self.i_window_last)),
            high.eq((reached & (row < self.i_window_last)) | (following == self.i_window_first)),
        ]
        before, left = (
            Signal(signed(ADDRESS_BITS + 1)),
            Signal(signed(ADDRESS_BITS + 2)),
        )  # before the line; up to its end
        begin, end = Signal.like(self.o_first), Signal.like(self.o_end)
        m.d.comb += [
            before.eq(-x),
            left.eq(self.i_line - x),
            begin.eq(Mux(before < 0, 0, Mux(before < width, before, width))),
            end.eq(Mux(left < 0, 0, Mux(left < width, left, width))),
            self.o_first.eq(Mux(low | (begin >= behind), begin, behind)),
            self.o_end.eq(
                Mux((self.i_y < 0) | (self.i_y >= self.i_height), 0, Mux(high | (end < behind), end, behind))
            ),
        ]
        return m
