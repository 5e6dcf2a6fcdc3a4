"""A few SVG shapes as text: the same bytes for the same picture, on every machine."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

__all__ = ["Picture"]

STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:12px;fill:#1c2733}"
    ".small{font-size:10.5px;fill:#4a5866}.name{font-weight:bold}.title{font-size:15px;font-weight:bold}"
)
INK = "#3b4a59"


class Picture:
    """A white sheet to draw on; coordinates in pixels from the top left.

    Parameters
    ----------
    width, height
        Size of the sheet.
    title
        What it shows, for readers who can't see it.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
                f' viewBox="0 0 {width} {height}" role="img">'
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            (
                f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9"'
                f' markerHeight="9" markerUnits="userSpaceOnUse"'
                f' orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{INK}"/></marker></defs>'
            ),
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "#ffffff",
        line: str = INK,
        round_: int = 3,
    ) -> None:
        """A rectangle."""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_}" fill="{fill}"'
            f' stroke="{line}"/>'
        )

    def text(self, x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> None:
        """A line of text; `y` is its base line, `kind` a class of the style sheet."""
        chosen = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{chosen}>{escape(text)}</text>')

    def line(
        self,
        points: Sequence[tuple[float, float]],
        *,
        color: str = INK,
        width: float = 1.2,
        fill: str = "none",
        dashed: bool = False,
        tips: str = "",
    ) -> None:
        """A line through points; `tips` names the ends with an arrow head: ``end`` or ``both``."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        extra = ' stroke-dasharray="3 3"' if dashed else ""
        extra += ' marker-end="url(#tip)"' if tips else ""
        extra += ' marker-start="url(#tip)"' if tips == "both" else ""
        self._parts.append(
            f'<polyline points="{path}" fill="{fill}" stroke="{color}" stroke-width="{width:g}"{extra}/>'
        )

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return str(self)

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>", ""])
