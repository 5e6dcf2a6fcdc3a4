"""Configurations of the units that move data: small, and each with a shape that the others don't have."""

from typing import Any

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import TpuConfig

__all__ = ["PARTS"]


def _config(size: int, bus_bytes: int, parameter_sets: int) -> TpuConfig:
    matrix = SystolicConfig(rows=size, columns=size, tile_rows=4, tile_columns=4, accumulator_rows=2 * size)
    return TpuConfig(
        matrix=matrix, ub_rows=64, ub_banks=2, bus_bytes=bus_bytes, address_bits=32, parameter_sets=parameter_sets
    )


CONFIGS = {"one": _config(16, 16, 1), "two": _config(16, 8, 3), "four": _config(32, 8, 2), "single": _config(16, 4, 2)}
"""A row is a beat; two beats; four; four beats of one granule."""

PARTS: dict[str, dict[str, Any]] = {
    kind: {f"{kind}_{name}": CONFIGS[name] for name in names}
    for kind, names in {
        "weight_unit": ("one", "two", "single"),
        "parameter_unit": ("one", "four"),
        "host_in": tuple(CONFIGS),
        "host_out": tuple(CONFIGS),
    }.items()
} | {
    "entry_queue": {
        f"entry_queue_{unit}": (CONFIGS[name], unit)
        for unit, name in (("weights", "one"), ("parameters", "two"), ("host_in", "single"), ("host_out", "four"))
    }
}
"""Configurations by name of the part, by component."""
