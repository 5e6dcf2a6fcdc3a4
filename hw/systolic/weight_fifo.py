"""Weight FIFO: stages whole weight tiles in front of the array."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.ram import Ram
from ..emit.shared import shared
from .config import SystolicConfig
from .layouts import weight_row

__all__ = ["WeightFIFO"]


class WeightFIFO(wiring.Component):
    """``weight_fifo_tiles`` weight tiles (TPU: four), read a whole tile at a time.

    A row written in cycle t can be read from cycle t + 1 on; read data come a cycle after
    ``i_read``. One row in and one row out a cycle.

    Attributes
    ----------
    i_weights
        Stream of tile rows, row 0 of a tile first.
    i_start
        Claims the oldest complete tile; ``rows`` cycles of ``i_read`` follow.
    i_read
        Take the next row.
    o_tile_ready
        A complete tile that nobody has claimed is there.
    o_row
        The row taken in the cycle before.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_weights": In(stream.Signature(weight_row(config))),
                "i_start": In(1),
                "i_read": In(1),
                "o_tile_ready": Out(1),
                "o_row": Out(weight_row(config).size),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        depth = config.weight_fifo_tiles * config.rows
        width = config.tile_columns * config.data_bits

        write_row, read_row = Signal(range(depth)), Signal(range(depth))
        level = Signal(range(depth + 1))
        row_of_tile = Signal(range(config.rows))
        tiles = Signal(bits_for(config.weight_fifo_tiles))
        write, completes = Signal(), Signal()
        m.d.comb += [
            self.i_weights.ready.eq(level != depth),
            write.eq(self.i_weights.valid & self.i_weights.ready),
            completes.eq(write & (row_of_tile == config.rows - 1)),
            self.o_tile_ready.eq(tiles != 0),
        ]

        def advance(counter, size: int):
            m.d.sync += counter.eq(counter + 1)
            with m.If(counter == size - 1):
                m.d.sync += counter.eq(0)

        with m.If(write):
            advance(write_row, depth)
            advance(row_of_tile, config.rows)
        with m.If(self.i_read):
            advance(read_row, depth)
        m.d.sync += [level.eq(level + write - self.i_read), tiles.eq(tiles + completes - self.i_start)]

        payload = data.View(data.ArrayLayout(width, config.tile_grid[1]), self.i_weights.payload.as_value())
        rows = []
        for column in range(config.tile_grid[1]):
            ram = Ram(width, depth)
            m.submodules[f"ram_{column}"] = shared(ram)
            m.d.comb += [
                ram.i_write_enable.eq(write),
                ram.i_write_address.eq(write_row),
                ram.i_write_data.eq(payload[column]),
                ram.i_read_enable.eq(self.i_read),
                ram.i_read_address.eq(read_row),
            ]
            rows.append(ram.o_read_data)
        m.d.comb += self.o_row.eq(Cat(rows))
        return m
