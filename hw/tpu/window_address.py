"""Where the rows of a matrix product lie in the unified buffer: one behind the other, or windows of images."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..emit.shared import shared
from .config import TpuConfig
from .layouts import matmul_entry, window_layout
from .window_bounds import ADDRESS_BITS, WindowBounds

__all__ = ["WindowAddress"]


class WindowAddress(wiring.Component):
    """Goes from row to row of an entry by adding steps; a ``matmul`` is a line without an end of windows of its pitch.

    Attributes
    ----------
    i_entry
        Begin with the first row of this `matmul_entry`, in the cycle after the one in which it is ``valid``.
    i_next, i_next_command
        Go on to the next row of this command, or to the first one of the next, in the next cycle.
    o_window
        The row's request to the unified buffer.
    o_width, o_pad
        Granules of the row, and what stands for those that the request leaves out.
    entry, columns_left, lines_left, address, line_at, image_at, kernel_at, x, y, kernel_y
        For proofs: what an entry says; positions left of the line, lines of the image; the granules where the window,
        its line, its image and its row of the kernel begin; its place in the image; the first line of its row of the
        kernel.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        layout = matmul_entry(config)
        held = data.StructLayout({name: layout[name].shape for name in ("pitch", "convolve", "x", "geometry")})
        self.entry = Signal(held, name="entry", reset_less=True)
        self.columns_left, self.lines_left = (
            Signal.like(self.entry.geometry[name], name=f"{name}_left", reset_less=True)
            for name in ("columns", "lines")
        )
        self.address, self.line_at, self.image_at, self.kernel_at = (
            Signal(ADDRESS_BITS, name=name, reset_less=True) for name in ("address", "line_at", "image_at", "kernel_at")
        )
        self.x, self.y, self.kernel_y = (
            Signal(signed(ADDRESS_BITS), name=name, reset_less=True) for name in ("x", "y", "kernel_y")
        )
        super().__init__(
            {
                "i_entry": In(wiring.Signature({"valid": Out(1), "payload": Out(matmul_entry(config))})),
                "i_next": In(1),
                "i_next_command": In(1),
                "o_window": Out(window_layout(config)),
                "o_width": Out(bits_for(config.row_granules)),
                "o_pad": Out(8),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        entry = self.entry
        self._walk(m)
        bounds = WindowBounds(self.config)
        m.submodules.bounds = shared(bounds)
        m.d.comb += [
            bounds.i_address.eq(self.address),
            bounds.i_x.eq(self.x),
            bounds.i_y.eq(self.y),
            bounds.i_width.eq(entry.pitch),
            bounds.i_line.eq(entry.geometry.line),
            bounds.i_height.eq(entry.geometry.height),
            bounds.i_window_first.eq(entry.geometry.window_first),
            bounds.i_window_last.eq(entry.geometry.window_last),
            self.o_window.address.eq(self.address),
            self.o_window.first.eq(Mux(entry.convolve, bounds.o_first, 0)),
            self.o_window.end.eq(Mux(entry.convolve, bounds.o_end, entry.pitch)),
            self.o_width.eq(entry.pitch),
            self.o_pad.eq(entry.geometry.pad),
        ]
        return m

    def _walk(self, m: Module) -> None:
        """Count positions, and keep where the window, its line, its image and its row of the kernel begin."""
        geometry, offered, x, y, kernel_y = self.entry.geometry, self.i_entry.payload, self.x, self.y, self.kernel_y
        levels = (self.address, self.line_at, self.image_at, self.kernel_at)
        columns, lines = self.columns_left, self.lines_left
        last_column, last_line, following = Signal(), Signal(), Signal(ADDRESS_BITS)
        m.d.comb += [last_column.eq(self.entry.convolve & (columns <= 1)), last_line.eq(lines <= 1)]

        def go(level: int, step: Value) -> None:
            """On to the next position, line, image or row of the kernel: all that is smaller begins there, too."""
            m.d.comb += following.eq(levels[level] + step)
            m.d.sync += [one.eq(following) for one in levels[: level + 1]]
            if level:
                m.d.sync += [x.eq(self.entry.x), columns.eq(geometry.columns)]

        with m.If(self.i_next_command):
            go(3, geometry.kernel_step)
            m.d.sync += [one.eq(kernel_y + geometry.dilation) for one in (y, kernel_y)]
            m.d.sync += lines.eq(geometry.lines)
        with m.Elif(self.i_next & ~last_column):
            go(0, geometry.column_step)
            m.d.sync += [x.eq(x + geometry.column_step), columns.eq(columns - 1)]
        with m.Elif(self.i_next & ~last_line):
            go(1, geometry.line_step)
            m.d.sync += [y.eq(y + geometry.stride), lines.eq(lines - 1)]
        with m.Elif(self.i_next):
            go(2, geometry.image_step)
            m.d.sync += [y.eq(kernel_y), lines.eq(geometry.lines)]
        with m.If(self.i_entry.valid):
            first = Mux(offered.convolve, offered.first, offered.ub)
            m.d.sync += [self.entry[name].eq(offered[name]) for name, _ in self.entry.shape()]  # pyrefly: ignore[not-iterable]  # a layout
            m.d.sync += [one.eq(first) for one in (self.address, self.kernel_at)]
            m.d.sync += [one.eq(offered.first) for one in (self.line_at, self.image_at)]  # of convolutions
            m.d.sync += [x.eq(offered.x), y.eq(offered.y), kernel_y.eq(offered.y)]
            m.d.sync += [columns.eq(offered.geometry.columns), lines.eq(offered.geometry.lines)]
            with m.If(~offered.convolve):
                m.d.sync += [geometry.column_step.eq(offered.pitch), geometry.kernel_step.eq(offered.step)]
