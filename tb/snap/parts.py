"""Configurations under test: small, and each with a shape that the others don't have."""

from ...hw.snap.config import PRESETS

__all__ = ["CONFIGS", "NARROW", "ONE", "PARTS", "SPLIT", "TINY", "TWO", "WIDE"]

TINY = PRESETS["snap-tiny"]
"""Three multipliers, 8 AIM entries, two entries a beat."""

ONE = PRESETS["snap-tiny-1"]
"""One multiplier, 4 AIM entries (a quarter tile is one entry), a queue of two lists, rings as short as can be."""

TWO = TINY.replace(pe_multipliers=2, weight_entries=16, activation_entries=8, list_depth=8, aim="table")
"""Two multipliers, rings of one window and one tile, a long queue."""

WIDE = TINY.replace(pe_multipliers=4, aim_entries=16, beat_entries=4, weight_entries=64, list_depth=3, psum_slots=4)
"""Four multipliers, four entries a beat, a queue whose depth is no power of two."""

SPLIT = TINY.replace(core_rows=4, pipelined=True, split_psums=True)
"""For FPGAs: more registers, a psum register file for each multiplier."""

NARROW = {
    "narrow": WIDE.replace(data_bits=4, psum_bits=8),
    "narrow_split": SPLIT.replace(core_rows=2, data_bits=4, psum_bits=8),
}
"""Cores whose psums two products fill."""

CONFIGS = {"tiny": TINY, "one": ONE, "two": TWO, "wide": WIDE}

PARTS = (
    {
        "aim": {f"aim_{name}": config for name, config in CONFIGS.items()} | {"aim_table": ONE.replace(aim="table")},
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in CONFIGS.items()}
        for kind in ("list_queue", "reduction_selector")
    }
    | {
        "sequence_decoder": {f"sequence_decoder_{name}": c for name, c in (CONFIGS | {"split": SPLIT}).items()},
    }
    | {
        "ring": {
            "ring_wide": (16, 4, 5, 2, False),
            "ring_short": (4, 8, 1, 1, False),
            "ring_one_long": (8, 2, 3, 3, False),
            "ring_late": (8, 4, 2, 2, True),
        },
        "psum_file": {
            "psum_file_tiny": TINY,
            "psum_file_narrow": TINY.replace(pe_multipliers=4, data_bits=4, psum_bits=8),
            "psum_file_one": ONE.replace(psum_bits=8),
            "psum_file_split": TINY.replace(data_bits=4, psum_bits=8, split_psums=True),
            "psum_file_pipelined": TINY.replace(data_bits=4, psum_bits=8, split_psums=True, pipelined=True),
        },
        "core_reducer": {f"core_reducer_{name}": config for name, config in CONFIGS.items() if name in ("tiny", "one")}
        | {
            "core_reducer_column": TINY.replace(core_columns=1),
            "core_reducer_row": TINY.replace(core_rows=1),
            "core_reducer_split": SPLIT,
        },
        "job_signature": {"job_signature_only": ()},
        "pe": {f"pe_{n}": c.replace(core_rows=1, core_columns=1) for n, c in (CONFIGS | {"split": SPLIT}).items()},
        "core": {"core_tiny": TINY, "core_two": TWO.replace(core_rows=2)},
    }
)
"""Configurations by name of the part, by component."""
