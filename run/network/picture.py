"""Pictures of networks on machines, as SVG text."""

from collections.abc import Sequence

from ..svg import Picture
from .plan import LayerFigures

__all__ = ["draw_layers"]

USEFUL, TIME = "#205493", "#cfdcec"
LEFT, BAR, HEIGHT, STEP, TOP, RIGHT = 250, 520, 16, 24, 58, 220


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
        picture.text(LEFT - 8, y + 12, f"{layer.name} ({layer.operator})", anchor="end")
        picture.box(LEFT, y, round(length, 1), HEIGHT, fill=TIME, line=TIME)
        picture.box(LEFT, y, round(length * layer.utilisation, 1), HEIGHT, fill=USEFUL, line=USEFUL)
        text = f"{layer.cycles:,}, {layer.utilisation:.1%}, {layer.bound}"
        picture.text(LEFT + length + 8, y + 12, text, kind="small")
    return str(picture)
