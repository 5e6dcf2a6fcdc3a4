"""Configurations that what is around the clusters is tested with: small, and each with a shape of its own."""

from ...hw.eie.config import PRESETS

__all__ = ["NARROW", "PARTS", "TINY", "WIDE"]

TINY = PRESETS["eie-tiny"]
"""Two clusters, lines of four activations."""

NARROW = TINY.replace(
    clusters=1, readout_rows=2, lanes=1, index="relative", index_bits=2, queue_depth=1, skip_empty=False, data_bits=4,
    psum_bits=12, codebooks=1, activation_lines=16, pointers=24, jobs=3,
)  # fmt: skip
"""One cluster, lines of two activations, a queue of one column."""

WIDE = TINY.replace(clusters=16, readout_rows=2, pointers=200, data_bits=6, queue_depth=6, jobs=5, activation_lines=20)
"""Lines of 32 activations: a tree of three levels, the last of them not full."""

SEVERAL = {"tiny": TINY, "narrow": NARROW, "wide": WIDE}

PARTS = {
    "lowest_flag": {f"lowest_flag_{size}": (size,) for size in (2, 4, 8, 32)},
    "source": {f"source_{name}": config for name, config in SEVERAL.items()},
    "credits": {f"credits_{name}": config for name, config in SEVERAL.items()},
}
"""By name of the part, by component."""
