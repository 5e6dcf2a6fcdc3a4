"""Configurations under test: small, and each with a shape that the others don't have."""

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import TpuConfig

__all__ = ["CONFIGS", "PARTS"]

SMALL = TpuConfig(
    matrix=SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=16),
    ub_rows=6, ub_banks=2, bus_bytes=4,
)  # fmt: skip
"""Rows of one granule, a bank for each half of the buffer."""

MIDDLE = TpuConfig(
    matrix=SystolicConfig(rows=8, columns=8, tile_rows=4, tile_columns=4, accumulator_rows=16),
    ub_rows=32, ub_banks=4, bus_bytes=8,
)  # fmt: skip
"""Rows of two granules."""

WIDE = TpuConfig(
    matrix=SystolicConfig(rows=32, columns=32, tile_rows=16, tile_columns=16, accumulator_rows=16),
    ub_rows=48, ub_banks=16, bus_bytes=32,
)  # fmt: skip
"""Rows of eight granules, many banks of three rows each."""

CONFIGS = {"small": SMALL, "middle": MIDDLE, "wide": WIDE}

PARTS = {
    "unified_buffer": {f"unified_buffer_{name}": config for name, config in CONFIGS.items()},
    "window_bounds": {f"window_bounds_{name}": config for name, config in CONFIGS.items()},
    "window_address": {f"window_address_{name}": config for name, config in CONFIGS.items()},
    "feeder": {f"feeder_{name}": config for name, config in CONFIGS.items()},
    "fed_matrix": {"fed_matrix_middle": MIDDLE},
}
"""Configurations by name of the part, by component."""
