"""Configurations that decoder, scoreboard and fetch are tested with: small, and each with a shape of its own."""

from ...hw.systolic.config import SystolicConfig
from ...hw.tpu.config import PRESETS, TpuConfig

__all__ = ["NARROW", "PARTS"]

TINY = PRESETS["tpu-tiny"]
"""Two beats an instruction, a chunk a row."""

NARROW = TpuConfig(
    matrix=SystolicConfig(rows=4, columns=4, tile_rows=2, tile_columns=2, accumulator_rows=32, weight_fifo_tiles=2),
    ub_rows=12, ub_banks=2, bus_bytes=4, parameter_sets=1, weight_buffer_bytes=1 << 10, host_buffer_bytes=1 << 10,
)  # fmt: skip
"""A granule a row and a beat, four beats an instruction, room for one parameter set, rows that are no power of two."""

WIDE = TpuConfig(
    matrix=SystolicConfig(rows=256, columns=256, accumulator_rows=4096), ub_rows=1 << 17, address_bits=64, bus_bytes=64
)
"""The largest: all fields as wide as they can be, four instructions a beat."""

MIDDLE = PRESETS["tpu-16"]
"""A beat an instruction and a row."""

BROAD = MIDDLE.replace(matrix=WIDE.matrix, bus_bytes=128, weight_buffer_bytes=1 << 13, host_buffer_bytes=1 << 11)
"""Eight instructions a beat."""

SEVERAL = {"tiny": TINY, "narrow": NARROW, "wide": WIDE}

PARTS = {
    "scoreboard": {"scoreboard_tiny": TINY, "scoreboard_wide": WIDE},
    "decoder": {f"decoder_{name}": config for name, config in SEVERAL.items()},
    "fetch": {f"fetch_{name}": config for name, config in (SEVERAL | {"middle": MIDDLE, "broad": BROAD}).items()},
}
"""By name of the part, by component."""
