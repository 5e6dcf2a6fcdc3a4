"""Area and work of SNAP cores of many sizes: the picture and table of what ``tensorloom sweep`` printed."""

import json
from pathlib import Path
from typing import Any

from tensorloom.run.sweep.front import draw_front, find_front

__all__ = ["RECORD", "draw", "front_tables"]

RECORD = Path(__file__).parent.parent / "snap_front.json"
"""``totals`` of the command on docs/snap.md."""


def draw() -> str:
    """SVG text."""
    return draw_front(totals())


def totals() -> list[dict[str, Any]]:
    """One for each configuration and densities."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def front_tables() -> dict[str, list[list[str]]]:
    """All configurations, those on the front of their densities with a star."""
    found = totals()
    best = {id(row) for front in find_front(found) for row in front}
    first = min(row["activation_density"] for row in found)
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(found, key=lambda row: (row["area"], -row["activation_density"])):
        pairs.setdefault(" ".join(f"{name}={value}" for name, value in row["fields"].items()), []).append(row)
    rows = []
    for fields, (usual, empty) in pairs.items():
        assert empty["activation_density"] == first
        cells = [f"{usual['area'] / 1e6:.2f}"]
        for row in (usual, empty):
            cells += [f"{row['utilisation']:.3f}", f"{row['useful_per_mnand2']:.1f}{' *' * (id(row) in best)}"]
        rows.append([f"`{fields}`", *cells])
    return {"snap-front": rows}
