"""Where windows lie, by the formula."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.tpu.config import TpuConfig
from ....hw.tpu.layouts import matmul_entry
from ....hw.tpu.window_address import WindowAddress
from ....hw.tpu.window_bounds import ADDRESS_BITS
from ...formal import Assert, Assume, Cover

__all__ = ["WindowAddressSpec"]


class WindowAddressSpec(wiring.Component):
    """A window is where the number of its column, line, image and kernel row, times their steps, says.

    Such a product is a sum from 0 on, to which a step is added whenever its number grows.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        self.layout = matmul_entry(config)
        super().__init__({"entry": In(self.layout.size), "start": In(1), "next": In(1), "next_command": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, assumptions about what is asked of it, assertions."""
        m = Module()
        m.submodules.dut = dut = WindowAddress(self.config)
        m.d.comb += [
            dut.i_entry.valid.eq(self.start),
            dut.i_entry.payload.eq(self.entry),
            dut.i_next.eq(self.next),
            dut.i_next_command.eq(self.next_command),
        ]
        e, running = Signal(self.layout), Signal()
        with m.If(self.start):
            m.d.sync += [running.eq(1), Value.cast(e).eq(self.entry)]
        g = e.geometry
        column, line, image = (Signal(12, name=name) for name in ("column", "line", "image"))
        begin, column_step, kernel_step = (
            Mux(e.convolve, of_convolve, of_matmul)
            for of_convolve, of_matmul in ((e.first, e.ub), (g.column_step, e.pitch), (g.kernel_step, e.step))
        )
        # What is added, in the order of what it is added for: each begins at 0 where a greater one grows.
        grows = self._count(m, e, column, line)
        steps = {"kernel_row": kernel_step, "image": g.image_step, "line": g.line_step, "column": column_step}
        at = {name: self._sum(m, f"{name}s_on", grows, name, step) for name, step in steps.items()}
        down = {name: self._sum(m, f"{name}s_down", grows, name, step) for name, step in
                (("kernel_row", g.dilation), ("line", g.stride))}  # fmt: skip
        with m.If(grows["image"]):
            m.d.sync += image.eq(image + 1)
        holds = {
            "kernel_at": (dut.kernel_at, begin + at["kernel_row"]),
            "image_at": (dut.image_at, Mux(e.convolve, dut.kernel_at + at["image"], dut.image_at)),  # or not used
            "line_at": (dut.line_at, Mux(e.convolve, dut.image_at + at["line"], dut.line_at)),
            "address": (dut.address, Mux(e.convolve, dut.line_at, dut.kernel_at) + at["column"]),
            "asked": (dut.o_window.address, dut.address),
            "x": (dut.x, e.x + at["column"]),
            "kernel_y": (dut.kernel_y, e.y + down["kernel_row"]),
            "y": (dut.y, dut.kernel_y + down["line"]),
            "columns_left": (dut.columns_left, g.columns - column),
            "lines_left": (dut.lines_left, g.lines - line),
            "width": (dut.o_width, e.pitch),
            "pad": (dut.o_pad, g.pad),
            "convolve": (dut.entry.convolve, e.convolve),
            "first_x": (dut.entry.x, e.x),
            "column_step": (dut.entry.geometry.column_step, column_step),
            "kernel_step": (dut.entry.geometry.kernel_step, kernel_step),
        }
        unchanged = [name for name, _ in g.shape() if name not in holds]
        holds |= {name: (dut.entry.geometry[name], g[name]) for name in unchanged}
        for name, (found, wanted) in holds.items():
            bits = Value.cast(found).as_unsigned()
            number = Signal(len(bits), name=f"wanted_{name}")
            m.d.comb += [number.eq(wanted), Assert(~running | (bits == number))]
        m.d.comb += Cover(running & e.convolve & (image == 1) & (line == 1) & (column == 1) & (at["kernel_row"] == 5))
        return m

    def _count(self, m: Module, e, column: Signal, line: Signal) -> dict[str, Value]:
        """Number columns and lines; which of the four numbers grows."""
        g, goes = e.geometry, Signal()
        last_column, last_line = (Signal(name=name) for name in ("is_last_column", "is_last_line"))
        m.d.comb += [
            goes.eq(self.next & ~self.next_command),
            last_column.eq(e.convolve & (column + 1 == g.columns)),
            last_line.eq(line + 1 == g.lines),
            Assume(~e.convolve | ((g.columns != 0) & (g.lines != 0))),  # found by the decoder
            Assert(~e.convolve | ((column < g.columns) & (line < g.lines))),
        ]
        grows = {
            "kernel_row": self.next_command,
            "image": goes & last_column & last_line,
            "line": goes & last_column & ~last_line,
            "column": goes & ~last_column,
        }
        with m.If(self.start | self.next_command | (goes & last_column)):
            m.d.sync += column.eq(0)
        with m.Elif(goes):
            m.d.sync += column.eq(column + 1)
        with m.If(self.start | self.next_command | grows["image"]):
            m.d.sync += line.eq(0)
        with m.Elif(grows["line"]):
            m.d.sync += line.eq(line + 1)
        return grows

    def _sum(self, m: Module, name: str, grows: dict[str, Value], number: str, step: Value) -> Signal:
        """A number times its step, modulo 2**24."""
        product = Signal(ADDRESS_BITS, name=name)
        names = list(grows)
        greater = [grows[other] for other in names[: names.index(number)]]
        with m.If(grows[number]):
            m.d.sync += product.eq(product + step)
        for other in [*greater, self.start]:
            with m.If(other):
                m.d.sync += product.eq(0)
        return product
