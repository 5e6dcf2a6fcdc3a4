"""Configurations that the whole TPU is tested with."""

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import PRESETS, TpuConfig

__all__ = ["CONFIGS", "TINY"]

TINY = PRESETS["tpu-tiny"]
"""A row of two granules is a beat, two beats are an instruction."""

NARROW = TpuConfig(
    matrix=SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=32),
    ub_rows=40, ub_banks=2, bus_bytes=4, address_bits=32, parameter_sets=1,
    weight_buffer_bytes=1 << 10, host_buffer_bytes=1 << 10,
)  # fmt: skip
"""Rows of one granule, in two banks whose size is no power of two; room for one parameter set."""

CONFIGS = {"tiny": TINY, "narrow": NARROW}
