"""Pictures of networks on machines, as SVG text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..svg import Picture
from .plan import LayerFigures

__all__ = ["draw_layers", "draw_map"]

USEFUL, TIME = "#205493", "#cfdcec"
LEFT, BAR, HEIGHT, STEP, TOP, RIGHT = 250, 520, 16, 24, 58, 220

LETTERS = 38
"""Of a name that there is room for; of longer ones the end is shown."""

COLOURS = ("#8fc1a9", "#cfdcec", "#e8c48a", "#d9a5b3", "#b9b3d9", "#c9c9c9")
"""Of designs."""

MAP_LEFT, MAP_TOP, CELL, CELL_HEIGHT = 60, 80, 86, 44


def draw_layers(title: str, layers: Sequence[LayerFigures]) -> str:
    """A bar for each node: as long as its cycles, and filled as far as multipliers were useful."""
    picture = Picture(LEFT + BAR + RIGHT, TOP + STEP * len(layers) + 10, f"Cycles of {title}")
    picture.text(10, 20, f"Cycles of {title}", kind="title")
    for at, (colour, what) in enumerate(((USEFUL, "multipliers useful"), (TIME, "not"))):
        picture.box(10 + 150 * at, 30, 12, 12, fill=colour, line=colour)
        picture.text(28 + 150 * at, 40, what, kind="small")
    most = max((layer.cycles for layer in layers), default=1) or 1
    for number, layer in enumerate(layers):
        y, length = TOP + STEP * number, BAR * layer.cycles / most
        name = f"{layer.name} ({layer.operator})"
        picture.text(LEFT - 8, y + 12, name if len(name) <= LETTERS else f"...{name[3 - LETTERS :]}", anchor="end")
        picture.box(LEFT, y, round(length, 1), HEIGHT, fill=TIME, line=TIME)
        picture.box(LEFT, y, round(length * layer.utilisation, 1), HEIGHT, fill=USEFUL, line=USEFUL)
        text = f"{layer.cycles:,}, {layer.utilisation:.1%}, {layer.bound}"
        picture.text(LEFT + length + 8, y + 12, text, kind="small")
    return str(picture)


def draw_map(title: str, figures: Mapping[str, Any]) -> str:
    """Which design is cheaper where: what `compare` gave, a cell for each pair of densities.

    In each cell is by how much the second cheapest takes more.
    """
    densities, rows = figures["densities"], figures["designs"]
    count = len(densities)
    top = MAP_TOP + 18 * max(0, len(rows) - 2)
    end = top + CELL_HEIGHT * count
    picture = Picture(max(MAP_LEFT + CELL * count + 30, 640), end + 66, title)
    picture.text(10, 20, title, kind="title")
    for number, row in enumerate(rows):
        colour = COLOURS[number % len(COLOURS)]
        picture.box(10, 32 + 18 * number, 12, 12, fill=colour, line=colour)
        text = f"{row['design']} is cheaper: {row['cycles']:,} cycles x {row['size']:,.0f} {figures['unit']}"
        picture.text(28, 42 + 18 * number, text, kind="small")
    names = [row["design"] for row in rows]
    for w in range(count):
        y = top + CELL_HEIGHT * (count - 1 - w)
        picture.text(MAP_LEFT - 8, y + 26, f"{densities[w]:g}", anchor="end")
        for a in range(count):
            winner, x = figures["cheapest"][w][a], MAP_LEFT + CELL * a
            colour = COLOURS[names.index(winner) % len(COLOURS)] if winner else "#ffffff"
            picture.box(x, y, CELL, CELL_HEIGHT, fill=colour, line="#ffffff", round_=0)
            costs = sorted(row["grid"][w][a] * row["size"] for row in rows if row["grid"][w][a] is not None)
            if len(costs) > 1:
                picture.text(x + CELL / 2, y + 26, f"{costs[1] / costs[0]:.2f} x", anchor="middle")
    for a in range(count):
        picture.text(MAP_LEFT + CELL * (a + 0.5), end + 16, f"{densities[a]:g}", anchor="middle")
    own = figures["activation_density"], figures["weight_density"]
    across, down = (_place(one, densities) for one in own)
    x, y = MAP_LEFT + CELL * across, end - CELL_HEIGHT * down
    picture.line([(x - 7, y), (x + 7, y)], width=2)
    picture.line([(x, y - 7), (x, y + 7)], width=2)
    picture.text(MAP_LEFT, end + 36, "across: share of activations that aren't zero; up: of weights", kind="small")
    picture.text(MAP_LEFT, end + 52, f"cross: the network itself, {own[0]:.2f} and {own[1]:.2f}", kind="small")
    return str(picture)


def _place(density: float, densities: Sequence[float]) -> float:
    """Where a density is among the middles of cells, in cells."""
    return float(np.interp(density, densities, np.arange(len(densities)) + 0.5))
