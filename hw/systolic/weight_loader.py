"""Weight loader: brings the next tile into the shadow registers while the current one works."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import SystolicConfig

__all__ = ["WeightLoader"]


class WeightLoader(wiring.Component):
    """Reads a tile from the FIFO as soon as there is one and the shadow registers are free.

    Loading takes ``rows`` cycles and runs down the array as a wave, like the activations do. So
    the first activation that uses a tile may enter ``tiles down + 1`` cycles after its first row was
    read, and the shadow registers are free again as soon as that activation has entered.

    Attributes
    ----------
    i_tile_ready, o_start, o_read
        To the weight FIFO.
    o_load
        The FIFO's output is row 0 of a tile. The pulse runs down the array with the weight rows that
        follow it, one row a cycle, so that each row of PEs takes its own.
    o_ready
        An activation that enters now may swap to the loaded tile.
    i_swap
        It does.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_tile_ready": In(1),
                "i_swap": In(1),
                "o_start": Out(1),
                "o_read": Out(1),
                "o_load": Out(1),
                "o_ready": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        settle_cycles = self.config.tile_grid[0] + 1
        reading, last = Signal(), Signal()
        row = Signal(range(self.config.rows))
        # `settled` is `settle == 0` as a register: that a row may enter is known late in the cycle.
        loaded, settled = Signal(), Signal()
        settle = Signal(range(settle_cycles + 1))
        m.d.comb += [
            last.eq(reading & (row == self.config.rows - 1)),
            self.o_start.eq(self.i_tile_ready & (~reading | last) & (~loaded | self.i_swap)),
            self.o_read.eq(reading),
            self.o_ready.eq(loaded & settled),
        ]
        m.d.sync += [self.o_load.eq(reading & (row == 0)), settled.eq(settle <= 1)]
        with m.If(reading):
            m.d.sync += row.eq(row + 1)
        with m.If(last):
            m.d.sync += [row.eq(0), reading.eq(0)]
        with m.If(settle != 0):
            m.d.sync += settle.eq(settle - 1)
        with m.If(self.i_swap):
            m.d.sync += loaded.eq(0)
        with m.If(self.o_start):
            m.d.sync += [reading.eq(1), loaded.eq(1), settle.eq(settle_cycles), settled.eq(0)]
        return m
