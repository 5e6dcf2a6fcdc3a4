"""Configurations that the activation unit is tested with: small, and each with a shape that the others don't have."""

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import PRESETS, TpuConfig

__all__ = ["PARTS"]

TINY = PRESETS["tpu-tiny"]
"""A group of eight lanes, each with its parameters in a beat."""

NARROW = TpuConfig(
    matrix=SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=32),
    ub_rows=64, ub_banks=2, bus_bytes=4, weight_buffer_bytes=1 << 10, host_buffer_bytes=1 << 10,
)  # fmt: skip
"""A granule a row, two beats for the parameters of a lane."""

WIDE = TpuConfig(
    matrix=SystolicConfig(rows=32, columns=32, accumulator_rows=64),
    ub_rows=96, bus_bytes=32, weight_buffer_bytes=1 << 10, host_buffer_bytes=1 << 10,
)  # fmt: skip
"""Two groups of lanes, a beat for the parameters of four, and rows of the unified buffer that are no power of two."""

PARTS = {
    "activation_unit": {
        "activation_unit_tiny": TINY,
        "activation_unit_narrow": NARROW,
        "activation_unit_wide": WIDE,
    }
}
"""Configurations by name of the part, by component."""
