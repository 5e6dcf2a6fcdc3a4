"""Configurations that clusters and their blocks are tested with: small, and each with a shape of its own."""

from ...hw.eie.config import PRESETS

__all__ = ["PARTS", "TINY", "WAITS"]

TINY = PRESETS["eie-tiny"]
"""Two lanes, lines of four entries, four of them, a queue of four columns."""

PAPER = TINY.replace(
    lanes=1, index="relative", index_bits=2, skip_empty=False, readout_rows=1, clusters=4, line_entries=2,
    line_buffer=2, rows=7, entries=100,
)  # fmt: skip
"""A lane, relative rows, places for empty columns; numbers that are no powers of two."""

WIDE = TINY.replace(
    lanes=4, queue_depth=12, line_entries=8, rows=24, index_bits=5, readout_rows=4, psum_bits=24, entries=1024, codes=8,
    pointers=100,
)  # fmt: skip
"""Four lanes, so that two columns are used up in a cycle."""

WAITS = TINY.replace(skip_empty=False, line_buffer=2, queue_depth=6, rows=12, index_bits=4)
"""Empty columns take a place beside columns that share a line; as few lines as can be."""

ONE = TINY.replace(lanes=1, queue_depth=1, line_buffer=2, rows=1, readout_rows=1, data_bits=2, psum_bits=4)
"""A queue of one column, a cluster of one row, which every product goes to."""

LONG = TINY.replace(readout_rows=8, data_bits=6, psum_bits=13)
"""All rows are read out at once, from memories of one row."""

CLUSTERS = {"tiny": TINY, "paper": PAPER, "wide": WIDE, "waits": WAITS, "one": ONE, "long": LONG}

PARTS = {
    kind: {f"{kind}_{name}": config for name, config in CLUSTERS.items() if name in names}
    for kind, names in {
        "pointer_unit": ("paper", "one"),
        "column_reader": ("tiny", "waits", "one"),
        "entry_decoder": ("paper", "wide"),
        "lane": ("paper", "long"),
        "finisher": ("one", "wide"),
        "cluster": ("tiny", "paper", "wide", "one"),
    }.items()
}
"""By name of the part, by component."""
