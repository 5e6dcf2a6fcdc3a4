"""Tables of recorded mutation runs, from ``run/mutation/recorded``."""

from collections.abc import Iterable
from typing import Any

__all__ = ["mutation_tables"]


def mutation_tables(records: Iterable[dict[str, Any]], stale: Iterable[bool]) -> dict[str, list[list[str]]]:
    """Rows of the table of designs, and of that of blocks."""
    designs, blocks = [], []
    for record, old in zip(records, stale, strict=True):
        for name, row in record["blocks"].items():
            cells = [str(row[key]) for key in ("mutants", "equivalent", "programs", "benches", "proofs", "survived")]
            score = f"{row['score']:.1%}"
            if name == "all":
                designs.append(
                    [f"`{record['design']}`", *cells, score, "an earlier design" if old else "the present one"]
                )
            else:
                blocks.append([f"`{record['design']}`", f"`{name}`", *cells, score])
    return {"mutation": designs, "mutation-blocks": blocks}
