"""Configurations that what is around the clusters is tested with: small, and each with a shape of its own."""

from ...hw.eie.config import PRESETS

__all__ = ["NARROW", "PARTS", "RELATIVE", "TINY", "WHOLE", "WIDE"]

TINY = PRESETS["eie-tiny"]
"""Two clusters, lines of four activations."""

NARROW = TINY.replace(
    clusters=1, readout_rows=2, lanes=1, index="relative", index_bits=2, queue_depth=1, skip_empty=False, data_bits=4,
    psum_bits=12, codebooks=1, activation_lines=16, pointers=24, jobs=3,
)  # fmt: skip
"""One cluster, lines of two activations, a queue of one column."""

WIDE = TINY.replace(
    clusters=16, readout_rows=2, pointers=200, data_bits=6, psum_bits=17, queue_depth=6, codebooks=3, jobs=5,
    activation_lines=20,
)  # fmt: skip
"""Lines of 32 activations in several parts, a tree of three levels, the last of them not full."""

SEVERAL = {"tiny": TINY, "narrow": NARROW, "wide": WIDE}

PARTS = {
    "lowest_flag": {f"lowest_flag_{size}": (size,) for size in (2, 4, 8, 32)},
    "source": {f"source_{name}": config for name, config in SEVERAL.items()},
    **{
        kind: {f"{kind}_{name}": config for name, config in SEVERAL.items()}
        for kind in ("credits", "command_decoder", "control", "activation_memory", "codebooks", "line_port")
    },
    "machine_counters": {"machine_counters_tiny": TINY},
}
"""By name of the part, by component: what machines are made of."""

RELATIVE = TINY.replace(
    clusters=4, lanes=1, index="relative", index_bits=2, line_entries=2, line_buffer=2, readout_rows=1,
    queue_depth=3, skip_empty=False, jobs=5, codebooks=3, load_clusters=2,
)  # fmt: skip
"""As the paper's: single lanes, entries that count zeros, empty columns in the queue."""

WHOLE = {"eie": {"eie_tiny": TINY, "eie_relative": RELATIVE}}
"""Whole machines."""
