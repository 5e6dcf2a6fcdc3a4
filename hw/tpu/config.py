"""Configuration of the TPU: the matrix unit and what surrounds it."""

import dataclasses

from ..bus.config import PortConfig
from ..config import Config, check, check_int
from ..systolic.config import SystolicConfig

__all__ = ["GRANULE_BYTES", "INSTRUCTION_BYTES", "PRESETS", "QUEUES", "SET_ENTRY_BYTES", "TpuConfig"]

GRANULE_BYTES = 4
"""Addresses of the unified buffer count so many bytes."""

INSTRUCTION_BYTES = 16
"""Of every instruction, whatever the configuration."""

SET_ENTRY_BYTES = 8
"""Of a column in a parameter set: an int32 bias, then a float32 factor."""

QUEUES = {"host_in": 4, "host_out": 4, "weights": 8, "parameters": 4, "matrix": 8, "activation": 8, "vector": 4}
"""Units that execute instructions side by side, and how many each has dispatched and not completed at most."""

MOST_BUS_BYTES = 128


def _square(size: int, **fields: int) -> SystolicConfig:
    return SystolicConfig(rows=size, columns=size, accumulator_rows=16 * size, **fields)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TpuConfig(Config):
    """Parameters of a TPU (v1: 256 x 256 PEs, 24 MiB of unified buffer, 34 GB/s of weight memory at 700 MHz).

    Parameters
    ----------
    matrix
        The matrix unit: as many rows as columns, a power of two, with 32-bit accumulators.
    ub_rows
        Rows of the unified buffer, each as wide as the matrix unit, so 256 bytes in v1.
    ub_banks
        Banks of the unified buffer: neighbouring rows lie in different ones. A power of two.
    bus_bytes
        Bytes of a beat of both memory ports. A power of two, no more than a row has.
    address_bits
        Width of the memory ports' addresses.
    parameter_sets
        Parameter sets that wait for their instructions.
    weight_buffer_bytes
        Bytes of weights that may be under way from memory: what memory sends in the time that it takes to answer.
    host_buffer_bytes
        The same for the host's memory.
    """

    matrix: SystolicConfig = dataclasses.field(default_factory=SystolicConfig)
    ub_rows: int = 24 * 4096
    ub_banks: int = 8
    bus_bytes: int = 64
    address_bits: int = 40
    parameter_sets: int = 4
    weight_buffer_bytes: int = 1 << 15
    host_buffer_bytes: int = 1 << 12

    def __post_init__(self) -> None:
        super().__post_init__()
        matrix = self.matrix
        check("matrix.rows", matrix.rows.bit_count() == 1 and matrix.rows >= 4, "a power of two from 4 on", matrix.rows)
        check("matrix.rows", matrix.rows <= 256, "at most 256", matrix.rows)
        check("matrix.columns", matrix.columns == matrix.rows, f"matrix.rows, {matrix.rows}", matrix.columns)
        check("matrix.accumulator_bits", matrix.accumulator_bits == 32, "32", matrix.accumulator_bits)
        check("matrix.accumulator_rows", matrix.accumulator_rows <= 4096, "at most 4096", matrix.accumulator_rows)
        check_int("ub_banks", self.ub_banks, 2, 64)
        check("ub_banks", self.ub_banks.bit_count() == 1, "a power of two", self.ub_banks)
        check_int("ub_rows", self.ub_rows, 2 * self.ub_banks, 1 << 17)
        check("ub_rows", self.ub_rows % self.ub_banks == 0, f"a multiple of ub_banks ({self.ub_banks})", self.ub_rows)
        check_int("bus_bytes", self.bus_bytes, GRANULE_BYTES, min(MOST_BUS_BYTES, self.row_bytes))
        check("bus_bytes", self.bus_bytes.bit_count() == 1, "a power of two", self.bus_bytes)
        check_int("address_bits", self.address_bits, 16, 64)
        check_int("parameter_sets", self.parameter_sets, 1, 64)
        for field in ("weight_buffer_bytes", "host_buffer_bytes"):
            beats = check_int(field, getattr(self, field), self.bus_bytes, 1 << 20) // self.bus_bytes
            rule = f"at least a burst, {self.max_burst * self.bus_bytes} bytes"
            check(field, beats >= self.max_burst, rule, getattr(self, field))

    @property
    def multipliers(self) -> int:
        """Those of the matrix unit."""
        return self.matrix.multipliers

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the unified buffer: an activation row, and a row of results."""
        return self.matrix.rows

    @property
    def row_granules(self) -> int:
        """Granules of a row of the unified buffer."""
        return self.row_bytes // GRANULE_BYTES

    @property
    def ub_granules(self) -> int:
        """Granules of the unified buffer: its first address that is none."""
        return self.ub_rows * self.row_granules

    @property
    def ub_bytes(self) -> int:
        """Bytes of the unified buffer."""
        return self.ub_rows * self.row_bytes

    @property
    def row_chunks(self) -> int:
        """Beats of a row of the unified buffer, and of a row of weights."""
        return self.row_bytes // self.bus_bytes

    @property
    def bus_granules(self) -> int:
        """Granules of a beat."""
        return self.bus_bytes // GRANULE_BYTES

    @property
    def set_beats(self) -> int:
        """Beats of a parameter set."""
        return self.matrix.columns * SET_ENTRY_BYTES // self.bus_bytes

    @property
    def tiles_ahead(self) -> int:
        """Weight tiles that can have been read and not used: those of the FIFO, and the one in the shadow registers."""
        return self.matrix.weight_fifo_tiles + 1

    @property
    def max_burst(self) -> int:
        """Beats of a burst at most: 1 KiB, or what AXI allows."""
        return min(256, 1024 // self.bus_bytes)

    @property
    def bus(self) -> PortConfig:
        """Both memory ports."""
        return PortConfig(
            data_bits=8 * self.bus_bytes, address_bits=self.address_bits, beats_bits=32, max_burst=self.max_burst,
            outstanding=32, fifo_depth=max(self.weight_buffer_bytes, self.host_buffer_bytes) // self.bus_bytes,
            strobes=True,
        )  # fmt: skip


PRESETS: dict[str, TpuConfig] = {
    "tpu-v1": TpuConfig(),
    "tpu-64": TpuConfig(matrix=_square(64), ub_rows=24 * 1024),
    "tpu-16": TpuConfig(
        matrix=_square(16), ub_rows=48 * 256, bus_bytes=16, weight_buffer_bytes=1 << 13, host_buffer_bytes=1 << 11
    ),
    "tpu-tiny": TpuConfig(
        matrix=_square(8, tile_rows=4, tile_columns=4), ub_rows=1024, bus_bytes=8, address_bits=32,
        weight_buffer_bytes=1 << 12, host_buffer_bytes=1 << 11,
    ),
}  # fmt: skip
