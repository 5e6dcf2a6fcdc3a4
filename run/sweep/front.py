"""Which configurations of a sweep nothing beats: the Pareto front of area and work, and a picture of it."""

import math
from collections.abc import Sequence
from typing import Any

from ...hw.errors import UsageError
from ..svg import Picture

__all__ = ["MOST_NUMBERS", "draw_front", "find_front", "mark_front"]

COLOURS = ("#205493", "#c05a2b", "#2e8540", "#9b6fb0")

PALE = "#b8c4d0"

MOST_NUMBERS = 30
"""Configurations of a front that a picture can name."""

LEFT, TOP, WIDTH, HEIGHT, LEGEND, LINE = 70, 50, 520, 400, 470, 17

_Pair = tuple[float, float]


def find_front(totals: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """For each pair of densities, the configurations on the front, the smallest first.

    A configuration is on it if none of those with the same densities does as much useful work a cycle with less area,
    or more with as much.

    Parameters
    ----------
    totals
        By `sweep.totals`; those without ``useful_per_mnand2`` (no area, or layers that were refused) don't count.
    """
    fronts = []
    for densities in dict.fromkeys(map(_densities, totals)):
        able = [row for row in totals if _densities(row) == densities and "useful_per_mnand2" in row]
        front: list[dict[str, Any]] = []
        for row in sorted(able, key=lambda row: (row["area"], -_work(row))):
            if not front or _work(row) > _work(front[-1]):
                front.append(row)
        fronts.append(front)
    return fronts


def mark_front(totals: Sequence[dict[str, Any]]) -> None:
    """Write into each configuration with an area, as ``on_front``, whether it is on a front."""
    best = {id(row) for front in find_front(totals) for row in front}
    for row in totals:
        if "useful_per_mnand2" in row:
            row["on_front"] = id(row) in best


def draw_front(totals: Sequence[dict[str, Any]]) -> str:
    """SVG text: area across and useful operations a cycle upwards, a line for the front of each pair of densities.

    Points of the fronts have numbers, and a legend says their fields. Dashed lines join equal work for an area.

    Raises
    ------
    UsageError
        If nothing has an area, or there are more densities than colours or more numbers than a legend holds.
    """
    fronts = find_front(totals)
    numbered = [row for front in fronts for row in front]
    if not numbered:
        raise UsageError("a front must have a configuration at least whose layers all fit and whose area is known")
    if len(fronts) > len(COLOURS) or len(numbered) > MOST_NUMBERS:
        text = f"a picture has at most {len(COLOURS)} densities and {MOST_NUMBERS} configurations on their fronts"
        raise UsageError(f"{text}, not {len(fronts)} and {len(numbered)}", "sweep less, or read the JSON")
    able = [row for row in totals if "useful_per_mnand2" in row]
    x_ticks, y_ticks = _ticks([row["area"] / 1e6 for row in able]), _ticks([_work(row) for row in able])

    def place(row: dict[str, Any]) -> _Pair:
        return _scale(row["area"] / 1e6, x_ticks, LEFT, WIDTH), _scale(_work(row), y_ticks, TOP + HEIGHT, -HEIGHT)

    title = "Area, and useful operations a cycle"
    height = max(TOP + HEIGHT + 60, TOP + LINE * (len(numbered) + len(fronts) + 1))
    picture = Picture(LEFT + WIDTH + LEGEND, height, title)
    picture.text(16, 24, title, kind="title")
    for tick in x_ticks:
        x = _scale(tick, x_ticks, LEFT, WIDTH)
        picture.line([(x, TOP), (x, TOP + HEIGHT)], color="#e3e8ee", width=1)
        picture.text(x, TOP + HEIGHT + 18, f"{tick:g}", kind="small", anchor="middle")
    for tick in y_ticks:
        y = _scale(tick, y_ticks, TOP + HEIGHT, -HEIGHT)
        picture.line([(LEFT, y), (LEFT + WIDTH, y)], color="#e3e8ee", width=1)
        picture.text(LEFT - 8, y + 4, f"{tick:g}", kind="small", anchor="end")
    picture.text(LEFT + WIDTH / 2, TOP + HEIGHT + 42, "million NAND2-equivalents", anchor="middle")
    _rays(picture, x_ticks, y_ticks)
    for row in able:
        x, y = place(row)
        picture.box(x - 2, y - 2, 4, 4, fill=PALE, line=PALE)
    varied = [name for name in numbered[0]["fields"] if len({row["fields"][name] for row in numbered}) > 1]
    number, y = 0, TOP + 8
    for colour, front in zip(COLOURS, fronts, strict=False):
        if not front:
            continue
        picture.line([place(row) for row in front], color=colour, width=1.5)
        picture.box(LEFT + WIDTH + 16, y - 8, 10, 10, fill=colour, line=colour)
        text = f"density {_densities(front[0])}: fields that differ; operations a cycle for a million NAND2"
        picture.text(LEFT + WIDTH + 32, y + 1, text, kind="small")
        for row in front:
            number, y = number + 1, y + LINE
            at = place(row)
            picture.box(at[0] - 3, at[1] - 3, 6, 6, fill=colour, line=colour)
            picture.text(at[0] - 5, at[1] - 6, str(number), kind="small", anchor="end")
            fields = ", ".join(f"{name} {row['fields'][name]}" for name in varied)
            picture.text(LEFT + WIDTH + 16, y + 1, f"{number}: {fields}; {row['useful_per_mnand2']:g}", kind="small")
        y += LINE
    return str(picture)


def _densities(row: dict[str, Any]) -> str:
    return f"{row['activation_density']:g}/{row['weight_density']:g}"


def _work(row: dict[str, Any]) -> float:
    return row["macs"] / row["cycles"]


def _ticks(values: Sequence[float]) -> list[float]:
    """Round numbers, four to nine of them, from below all values to above them."""
    low, high = min(values), max(values)
    high = high if high > low else low + 1
    power = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(factor * power for factor in (1, 2, 5, 10) if (high - low) / (factor * power) <= 6)
    first = math.floor(low / step)
    return [round(step * number, 10) for number in range(first, math.ceil(high / step) + 1)]


def _scale(value: float, ticks: Sequence[float], begin: float, length: float) -> float:
    return round(begin + length * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)


def _rays(picture: Picture, x_ticks: Sequence[float], y_ticks: Sequence[float]) -> None:
    """Lines of equal work for an area, as far as they cross the picture, named at their right end."""
    ratios = [y_ticks[0] / x_ticks[-1], y_ticks[-1] / max(x_ticks[0], x_ticks[-1] / 100)]
    for ratio in _ticks(ratios)[1:]:
        low, high = max(x_ticks[0], y_ticks[0] / ratio), min(x_ticks[-1], y_ticks[-1] / ratio)
        if low >= high:
            continue
        ends = [
            (_scale(x, x_ticks, LEFT, WIDTH), _scale(x * ratio, y_ticks, TOP + HEIGHT, -HEIGHT)) for x in (low, high)
        ]
        picture.line(ends, color=PALE, width=1, dashed=True)
        picture.text(ends[1][0] - 4, ends[1][1] + 12, f"{ratio:g}", kind="small", anchor="end")
