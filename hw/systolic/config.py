"""Configuration of the weight-stationary systolic matrix unit."""

import dataclasses
from math import ceil, log2

from ..config import PORT_BITS, Config, check, check_int

__all__ = ["PRESETS", "SystolicConfig"]

LARGEST_TILE = 64
"""PEs of a tile down or across at most."""

MANY_TILES = 1024
"""From more tiles on, a user should know that they take their time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SystolicConfig(Config):
    """Parameters of the matrix unit (TPU v1: 256 x 256 PEs, 4096 accumulators a column).

    Parameters
    ----------
    rows, columns
        PEs down (the reduction dimension K) and across (the output dimension N).
    tile_rows, tile_columns
        PEs of one tile, the module that is emitted once and instantiated.
    accumulator_rows
        Rows of accumulators; each holds `columns` sums. A power of two.
    accumulator_bits
        Width of one accumulator. Sums wrap modulo 2**accumulator_bits.
    weight_fifo_tiles
        Weight tiles (rows x columns) that the weight FIFO stages.
    drain_queue
        Commands that may wait for their sums to drain. A power of two.
    multiplier_registers
        Pipeline registers in each multiplier; each is a cycle of latency.
    """

    rows: int = 256
    columns: int = 256
    tile_rows: int = 16
    tile_columns: int = 16
    accumulator_rows: int = 4096
    accumulator_bits: int = 32
    weight_fifo_tiles: int = 4
    drain_queue: int = 8
    multiplier_registers: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("tile_rows", self.tile_rows, 1, LARGEST_TILE)
        check_int("tile_columns", self.tile_columns, 1, LARGEST_TILE)
        check_int("rows", self.rows, 1, 4096)
        check_int("columns", self.columns, 1, 4096)
        check("rows", self.rows % self.tile_rows == 0, f"a multiple of tile_rows ({self.tile_rows})", self.rows)
        check(
            "columns",
            self.columns % self.tile_columns == 0,
            f"a multiple of tile_columns ({self.tile_columns})",
            self.columns,
        )
        check_int("accumulator_rows", self.accumulator_rows, 4, 1 << 16)
        check(
            "accumulator_rows",
            self.accumulator_rows & (self.accumulator_rows - 1) == 0,
            "a power of two",
            self.accumulator_rows,
        )
        check_int("accumulator_bits", self.accumulator_bits, self.psum_bits, 64)
        most = PORT_BITS // self.accumulator_bits
        rule = f"at most {most} with accumulator_bits of {self.accumulator_bits}, as a port may have {PORT_BITS:,} bits"
        check("columns", self.columns <= most, rule, self.columns)
        check_int("weight_fifo_tiles", self.weight_fifo_tiles, 2, 64)
        check_int("drain_queue", self.drain_queue, 2, 64)
        check("drain_queue", self.drain_queue & (self.drain_queue - 1) == 0, "a power of two", self.drain_queue)
        check_int("multiplier_registers", self.multiplier_registers, 0, 3)

    def warnings(self) -> list[str]:
        """See `Config.warnings`: very many tiles."""
        down, across = self.tile_grid
        if down * across <= MANY_TILES:
            return []
        tiles = f"{down:,} x {across:,} = {down * across:,} tiles of {self.tile_rows} x {self.tile_columns} PEs"
        enlarge = min(self.tile_rows, self.tile_columns) < LARGEST_TILE
        advice = ": enlarge tile_rows and tile_columns" if enlarge else ""
        return [f"{tiles} take much time and memory to emit and compile{advice}"]

    @property
    def data_bits(self) -> int:
        """Width of one operand byte plane; 16-bit operands are two planes."""
        return 8

    @property
    def operand_bits(self) -> int:
        """Width of an operand inside the array: a plane and the sign that makes it signed or unsigned."""
        return self.data_bits + 1

    @property
    def psum_bits(self) -> int:
        """Width of the partial sums that travel down the array: the sum of `rows` products never overflows."""
        return 2 * self.operand_bits - 1 + ceil(log2(self.rows))

    @property
    def tile_grid(self) -> tuple[int, int]:
        """Tiles down and across."""
        return self.rows // self.tile_rows, self.columns // self.tile_columns

    @property
    def block_tiles(self) -> tuple[int, int]:
        """Tiles down and across of one block: at most 2 each."""
        down, across = (2 - size % 2 for size in self.tile_grid)
        return down, across

    @property
    def multipliers(self) -> int:
        """PEs of the array, one multiplier each."""
        return self.rows * self.columns

    @property
    def flight_cycles(self) -> int:
        """Cycles from a row's entry until the accumulators learn its address; its psums come two cycles later."""
        return self.rows + self.columns - 2 + self.multiplier_registers

    @property
    def half_rows(self) -> int:
        """Accumulator rows of one half: one half drains while the other fills."""
        return self.accumulator_rows // 2


PRESETS: dict[str, SystolicConfig] = {
    "systolic-256": SystolicConfig(),
    "systolic-128": SystolicConfig(rows=128, columns=128, accumulator_rows=2048),
    "systolic-64": SystolicConfig(rows=64, columns=64, accumulator_rows=1024),
    "systolic-32": SystolicConfig(rows=32, columns=32, accumulator_rows=512),
    "systolic-16": SystolicConfig(rows=16, columns=16, accumulator_rows=256),
    "tiny": SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=32),
}
