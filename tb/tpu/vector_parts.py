"""Configurations that the vector unit is tested with: small, and each with a shape that the others don't have."""

from typing import Any

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import TpuConfig

__all__ = ["PARTS"]


def _config(size: int, ub_rows: int) -> TpuConfig:
    matrix = SystolicConfig(rows=size, columns=size, tile_rows=4, tile_columns=4, accumulator_rows=2 * size)
    return TpuConfig(matrix=matrix, ub_rows=ub_rows, ub_banks=2, bus_bytes=4)


CONFIGS = {"narrow": _config(4, 150), "tiny": _config(8, 128), "wide": _config(16, 54)}
"""Rows of one granule and one lane, of two, of four."""

PARTS: dict[str, dict[str, Any]] = {
    "vector_unit": {f"vector_unit_{name}": config for name, config in CONFIGS.items()},
    "tap_rows": {f"tap_rows_{name}": config for name, config in CONFIGS.items()},
    "tap_walk": {f"tap_walk_{bits}": (bits,) for bits in (12, 17)},
    "granule_reducer": {"granule_reducer": ()},
    "vector_lane": {"vector_lane": ()},
}
"""Configurations, widths of numbers of windows; by name of the part, by component."""
