"""Configurations under test: small, and each with a shape that the others don't have."""

from typing import Any

from amaranth.hdl import signed
from amaranth.lib import data

from ...hw.snap.config import PRESETS
from ...hw.snap.list_layouts import weight_lane

__all__ = ["CONFIGS", "NARROW", "ONE", "PARTS", "PIPELINED", "TINY", "TWO", "WIDE"]

TINY = PRESETS["snap-tiny"]
"""Three multipliers, 8 AIM entries, two entries a beat."""

ONE = PRESETS["snap-tiny-1"]
"""One multiplier, 4 AIM entries (a quarter tile is one entry), a queue of two lists, rings as short as can be."""

TWO = TINY.replace(pe_multipliers=2, weight_entries=16, activation_entries=8, list_depth=8, aim="table")
"""Two multipliers, rings of one window and one tile, a long queue."""

WIDE = TINY.replace(pe_multipliers=4, aim_entries=16, beat_entries=4, weight_entries=64, list_depth=3, psum_slots=4)
"""Four multipliers, four entries a beat, a queue whose depth is no power of two."""

PIPELINED = TINY.replace(core_rows=4, pipelined=True)
"""For a faster clock: more registers."""

NARROW = {
    "narrow": WIDE.replace(data_bits=4, psum_bits=8),
    "narrow_pipelined": PIPELINED.replace(core_rows=2, data_bits=4, psum_bits=8),
}
"""Cores whose psums two products fill."""

CONFIGS = {"tiny": TINY, "one": ONE, "two": TWO, "wide": WIDE}

PARTS: dict[str, dict[str, Any]] = (
    {
        "aim": {f"aim_{name}": config for name, config in CONFIGS.items()} | {"aim_table": ONE.replace(aim="table")},
    }
    | {
        kind: {f"{kind}_{name}": config for name, config in CONFIGS.items()}
        for kind in ("reduction_selector", "requester", "aim_port", "weight_check", "activation_check")
    }
    | {
        "list_queue": {f"list_queue_{name}": config for name, config in CONFIGS.items()}
        | {"list_queue_six": TINY.replace(list_depth=5)},  # places of the ring that are no power of two
        "sequence_decoder": {f"sequence_decoder_{name}": c for name, c in (CONFIGS | {"pipelined": PIPELINED}).items()},
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
            "psum_file_pipelined": TINY.replace(data_bits=4, psum_bits=8, pipelined=True),
        },
        "core_reducer": {f"core_reducer_{name}": config for name, config in CONFIGS.items() if name in ("tiny", "one")}
        | {
            "core_reducer_column": TINY.replace(core_columns=1),
            "core_reducer_row": TINY.replace(core_rows=1),
            "core_reducer_pipelined": PIPELINED,
        },
        "job_signature": {"job_signature_only": ()},
        "index_file": {
            "index_file_wide": (16, 4, data.ArrayLayout(weight_lane(WIDE), 4)),
            "index_file_once": (4, 4, 5),  # as long as an item
            "index_file_pair": (8, 2, data.StructLayout({"valid": 1, "index": 2})),
        },
        "entry_file": {
            "entry_file_wide": (16, 4, data.StructLayout({"value": signed(8), "slot": 3}), 4),
            "entry_file_narrow": (8, 1, signed(4), 1),
            "entry_file_pair": (4, 2, signed(5), 3),
        },
        "multiply_add": {
            f"multiply_add_{name}": config for name, config in (CONFIGS | {"pipelined": PIPELINED}).items()
        }
        | {
            "multiply_add_narrow": WIDE.replace(data_bits=4, psum_bits=8),
            "multiply_add_few": PIPELINED.replace(data_bits=4, psum_bits=8, psum_slots=2),
        },
        "row": {
            "row_tiny": TINY,
            "row_one": ONE.replace(psum_bits=8),
            "row_single": TWO.replace(core_columns=1),
            "row_pipelined": PIPELINED.replace(core_columns=3),
        },
        "pe": {
            f"pe_{n}": c.replace(core_rows=1, core_columns=1) for n, c in (CONFIGS | {"pipelined": PIPELINED}).items()
        },
        "narrow_core": {f"{name}_core": config for name, config in NARROW.items()},
        "core": {"core_tiny": TINY, "core_two": TWO.replace(core_rows=2)},
    }
)
"""Configurations by name of the part, by component."""
