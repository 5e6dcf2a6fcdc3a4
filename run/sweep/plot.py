"""Picture of a sweep: cycles of all layers together against what was swept, a line for each of the rest."""

from collections.abc import Sequence
from typing import Any

from ...hw.errors import UsageError
from ..svg import Picture
from .sweep import totals

__all__ = ["MOST_LINES", "draw_sweep"]

COLOURS = ("#205493", "#c05a2b", "#2e8540", "#9b6fb0", "#8a6d3b", "#d64f8b", "#4aa3a2", "#6b7785")

MOST_LINES = len(COLOURS)

LEFT, TOP, WIDTH, HEIGHT, LEGEND = 90, 50, 480, 300, 280


def draw_sweep(rows: Sequence[dict[str, Any]]) -> str:
    """SVG text: the field (or densities) with the most values across, cycles upwards.

    Raises
    ------
    UsageError
        If that needs more than `MOST_LINES` lines.
    """
    whole = totals(rows)
    axes: dict[str, list[Any]] = {}
    for row in whole:
        for name, value in _places(row).items():
            axes.setdefault(name, [])
            if value not in axes[name]:
                axes[name].append(value)
    across = max(axes, key=lambda name: len(axes[name]))
    lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in whole:
        places = _places(row)
        rest = ", ".join(f"{name} {value}" for name, value in places.items() if name != across and len(axes[name]) > 1)
        if row["cycles"] is not None:
            lines.setdefault(rest, []).append((axes[across].index(places[across]), row))
    if len(lines) > MOST_LINES:
        raise UsageError(f"a plot has at most {MOST_LINES} lines, not {len(lines)}", "sweep less, or plot the CSV file")
    return _draw(across, axes[across], lines)


def _places(row: dict[str, Any]) -> dict[str, Any]:
    """Where a row lies on each axis."""
    return {**row["fields"], "density": f"{row['activation_density']:g}/{row['weight_density']:g}"}


def _draw(across: str, values: list[Any], lines: dict[str, list[tuple[int, dict[str, Any]]]]) -> str:
    title = f"Cycles by {across}"
    picture = Picture(LEFT + WIDTH + LEGEND, TOP + HEIGHT + 60, title)
    picture.text(16, 24, title, kind="title")
    most = max((row["cycles"] for line in lines.values() for _, row in line), default=1)
    step = _step(most)
    top = step * -(-most // step)

    def place(index: int, cycles: float) -> tuple[float, float]:
        return round(LEFT + WIDTH * (index + 0.5) / len(values), 1), round(TOP + HEIGHT * (1 - cycles / top), 1)

    for cycles in range(0, top + 1, step):
        _, y = place(0, cycles)
        picture.line([(LEFT, y), (LEFT + WIDTH, y)], color="#e3e8ee", width=1)
        picture.text(LEFT - 8, y + 4, f"{cycles:,}", kind="small", anchor="end")
    for index, value in enumerate(values):
        picture.text(place(index, 0)[0], TOP + HEIGHT + 18, str(value), kind="small", anchor="middle")
    picture.text(LEFT + WIDTH / 2, TOP + HEIGHT + 42, across, anchor="middle")
    for number, (name, line) in enumerate(lines.items()):
        points = [place(index, row["cycles"]) for index, row in sorted(line, key=lambda one: one[0])]
        if len(points) > 1:
            picture.line(points, color=COLOURS[number], width=2)
        for x, y in points:
            picture.box(x - 3, y - 3, 6, 6, fill=COLOURS[number], line=COLOURS[number])
        if name:
            y = TOP + 10 + 20 * number
            picture.box(LEFT + WIDTH + 16, y - 8, 10, 10, fill=COLOURS[number], line=COLOURS[number])
            picture.text(LEFT + WIDTH + 32, y + 1, name, kind="small")
    return str(picture)


def _step(most: int) -> int:
    """1, 2 or 5 times a power of ten, of which three to eight make `most`."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if most <= 8 * factor * power:
                return factor * power
        power *= 10
