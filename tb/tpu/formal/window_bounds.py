"""What belongs to an image, granule by granule."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from ....hw.tpu.config import TpuConfig
from ....hw.tpu.window_bounds import ADDRESS_BITS, WindowBounds
from ...formal import Assert, Assume, Cover

__all__ = ["WindowBoundsSpec"]


class WindowBoundsSpec(wiring.Component):
    """Granules from first to end are those whose line, place in the line and row are the image's."""

    def __init__(self, config: TpuConfig):
        self.config = config
        self.dut = WindowBounds(config)
        super().__init__({name: port for name, port in self.dut.signature.members.items() if port.flow == In})

    def elaborate(self, platform) -> Module:
        """Design, what was checked before, assertions."""
        m = Module()
        m.submodules.dut = dut = self.dut
        size = self.config.row_granules
        m.d.comb += [getattr(dut, name).eq(getattr(self, name)) for name in self.signature.members]
        m.d.comb += [
            Assume((self.i_width >= 1) & (self.i_width <= size)),
            Assume((self.i_window_first <= self.i_window_last) & (self.i_window_last < self.config.ub_rows)),
            # As little as there can be: of three granules the one between.
            Cover((dut.o_first < dut.o_end) & ((size < 3) | ((dut.o_first > 0) & (dut.o_end < self.i_width)))),
        ]
        in_height = (self.i_y >= 0) & (self.i_y < self.i_height)
        for j in range(size):
            granule, x = Signal(ADDRESS_BITS, name=f"granule_{j}"), Signal(signed(ADDRESS_BITS + 1), name=f"x_{j}")
            row = granule >> exact_log2(size)
            m.d.comb += [
                granule.eq(self.i_address + j),
                x.eq(self.i_x + j),
                Assert(
                    ((dut.o_first <= j) & (j < dut.o_end))
                    == (
                        (j < self.i_width)
                        & in_height
                        & ((x >= 0) & (x < self.i_line))
                        & ((row >= self.i_window_first) & (row <= self.i_window_last))
                    )
                ),
            ]
        return m
