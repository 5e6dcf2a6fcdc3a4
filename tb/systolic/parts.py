"""Configurations under test: small, and each with a shape that the others don't have."""

from typing import Any

from ...hw.systolic.config import SystolicConfig

__all__ = ["ARRAYS", "DELAYS", "ONE", "PARTS", "SQUARE", "TALL", "TRIANGLES", "WIDE"]

SQUARE = SystolicConfig(
    rows=4,
    columns=4,
    tile_rows=2,
    tile_columns=2,
    accumulator_rows=16,
    accumulator_bits=19,  # just what four products need
    weight_fifo_tiles=2,
    drain_queue=2,
)
"""One block of four tiles; sums wrap soon."""

TALL = SystolicConfig(
    rows=6,
    columns=2,
    tile_rows=1,
    tile_columns=2,
    accumulator_rows=8,
    accumulator_bits=40,
    weight_fifo_tiles=3,
    drain_queue=4,
    multiplier_registers=1,
)
"""Two blocks of three tiles, a FIFO whose depth is no power of two, multipliers with registers."""

WIDE = SystolicConfig(
    rows=3,
    columns=10,
    tile_rows=3,
    tile_columns=2,
    accumulator_rows=4,
    weight_fifo_tiles=2,
    drain_queue=2,
    multiplier_registers=3,
)
"""Five blocks of one tile, the smallest accumulators."""

ONE = SystolicConfig(
    rows=1,
    columns=1,
    tile_rows=1,
    tile_columns=1,
    accumulator_rows=4,
    weight_fifo_tiles=2,
    drain_queue=2,
)
"""A single PE, with the shortest latency."""

ARRAYS = {"square": SQUARE, "tall": TALL, "wide": WIDE, "one": ONE}

DELAYS = {f"delay_line_{cycles}": (5, cycles) for cycles in (1, 3, 4, 9)}
"""Width and cycles of delay lines: shift registers and memories."""

TRIANGLES = {"triangle_forward": (3, 5, False), "triangle_reverse": (4, 3, True)}
"""Lanes, width and direction of skews."""

PARTS: dict[str, dict[str, Any]] = {
    "delay_line": DELAYS,
    "triangle": TRIANGLES,
} | {
    kind: {f"{kind}_{name}": ARRAYS[name] for name in names}
    for kind, names in {
        "pe": ("square", "tall"),
        "tile": ("square", "wide"),
        "mesh": tuple(ARRAYS),
        "left_edge": ("square", "wide"),
        "accumulators": ("square", "tall", "one"),
        "accumulator_column": ("square", "tall", "one"),
        "drain": ("square", "tall", "one"),
        "weight_fifo": ("square", "tall", "one"),
        "weight_loader": ("square", "tall", "one"),
        "sequencer": ("square",),
        "matrix_unit": tuple(ARRAYS),
    }.items()
}
"""Configurations by name of the part, by component."""
