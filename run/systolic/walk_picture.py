"""Drawing of a product's way through a small matrix unit: a panel a step, numbers from samples alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..svg import Picture

__all__ = ["draw_walk"]

WIDTH, MARGIN = 1160, 20
PE_WIDTH, PE_HEIGHT, CHIP = 52, 34, 26
LINE = 16
QUEUE = 2
"""Activations that are shown in front of each row."""

ROWS = "#d3e3f6", "#dff0df", "#fbe8cf", "#f3dcec", "#fbf5c4", "#d6f1f0", "#ecdfd3", "#e4e0f7"
"""Fills of what belongs to an activation row."""

TILES = "#ffffff", "#c9d1da"
"""Fills of weights, one tile after the other."""

EMPTY, PALE, EDGE = "#f6f7f9", "#d5dbe1", "#8fa3b7"

EXPLANATION = (
    "In a step, a PE multiplies its weight (left) by its activation (right), and adds the sum that the PE above had.",
    "Activations have a colour for each row. Weights are white or grey, tile by tile; in brackets, they still wait.",
)


def draw_walk(figures: Mapping[str, Any]) -> str:
    """SVG text of what `run.systolic.walk.walk` gave."""
    return str(_Walk(figures).draw())


class _Walk:
    """Places and parts of the picture."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures, self._steps, self._beats = figures, figures["steps"], figures["beats"]
        self._rows, self._columns = figures["rows"], figures["columns"]
        self._addresses = sorted({held["address"] for step in self._steps for held in step["accumulators"]})
        self._left = QUEUE * CHIP + 8
        self._panel_width = self._left + self._columns * PE_WIDTH + 16
        self._across = max(1, (WIDTH - 2 * MARGIN + 16) // self._panel_width)
        self._panel_height = 22 + self._rows * PE_HEIGHT + 24 + LINE * (len(self._addresses) + 1) + 26
        m, k, _ = figures["shape"]
        self._top = 118 + LINE * max(m, k)
        self._picture: Picture

    def draw(self) -> Picture:
        """All of it."""
        m, k, n = self._figures["shape"]
        title = f"{m} x {k} activations by {k} x {n} weights on {self._rows} x {self._columns} PEs"
        matrices = 2 * MARGIN + CHIP * (k + n) + PE_WIDTH * n + 120
        panels = min(self._across, len(self._steps)) * self._panel_width + 2 * MARGIN - 16
        lines = -(-len(self._steps) // self._across)
        self._picture = Picture(
            max(matrices, panels, 780), self._top + lines * self._panel_height, f"Step by step: {title}"
        )
        self._picture.text(MARGIN, 28, title, kind="title")
        for index, line in enumerate(EXPLANATION):
            self._picture.text(MARGIN, 50 + 16 * index, line, kind="small")
        self._matrices(k, n)
        for index, step in enumerate(self._steps):
            down, across = divmod(index, self._across)
            x, y = MARGIN + across * self._panel_width, self._top + down * self._panel_height
            self._panel(x, y, index, step)
        return self._picture

    def _chip(self, x: float, y: float, width: float, value: object, fill: str, line: str = EDGE) -> None:
        self._picture.box(x, y, width, LINE, fill=fill, line=line, round_=0)
        self._picture.text(x + width / 2, y + 12, str(value), kind="small", anchor="middle")

    def _row_fill(self, beat: int) -> str:
        return ROWS[self._beats[beat]["row"] % len(ROWS)]

    def _matrices(self, k: int, n: int) -> None:
        """The operands and the product."""
        figures, y = self._figures, 92
        x = float(MARGIN)
        tiles = {(tile["row"], tile["column"]): index for index, tile in enumerate(figures["tiles"])}

        def tile_fill(row: int, column: int) -> str:
            place = row - row % self._rows, column - column % self._columns
            return TILES[tiles[place] % len(TILES)]

        def row_fill(row: int, column: int) -> str:
            return ROWS[row % len(ROWS)]

        for name, columns, width, fill in (
            ("activations", k, CHIP, row_fill),
            ("weights", n, CHIP, tile_fill),
            ("product", n, PE_WIDTH, row_fill),
        ):
            self._picture.text(x, y - 5, name, kind="small")
            for row, values in enumerate(figures[name]):
                for column, value in enumerate(values):
                    self._chip(x + width * column, y + LINE * row, width, value, fill(row, column))
            x += max(columns * width, 60) + 30

    def _panel(self, x: float, y: float, index: int, step: Mapping[str, Any]) -> None:
        """A step."""
        self._picture.text(x, y + 14, f"step {index + 1}", kind="name")
        self._picture.text(x + 56, y + 14, f"cycle {step['cycle']}", kind="small")
        left, top = x + self._left, y + 22
        for row, pes in enumerate(step["pes"]):
            self._queue(left - 8, top + PE_HEIGHT * row + (PE_HEIGHT - LINE) / 2, index, row)
            for column, pe in enumerate(pes):
                self._pe(left + PE_WIDTH * column, top + PE_HEIGHT * row, pe)
        bottom = top + PE_HEIGHT * self._rows
        for column, pe in enumerate(step["pes"][-1]):
            if pe["psum"] is not None:
                middle = left + PE_WIDTH * (column + 0.5)
                self._picture.line([(middle, bottom), (middle, bottom + 8)], tips="end")
        self._sums(x, bottom + 10, step)

    def _queue(self, right: float, y: float, index: int, row: int) -> None:
        """What enters a row in this step and in those after it."""
        steps: Sequence[Mapping[str, Any]] = self._steps[index : index + QUEUE]
        for place, step in enumerate(steps, 1):
            if entering := step["entering"][row]:
                self._chip(right - CHIP * place, y, CHIP, entering["activation"], self._row_fill(entering["beat"]))

    def _pe(self, x: float, y: float, pe: Mapping[str, Any]) -> None:
        """A PE with its numbers."""
        works = pe["beat"] is not None
        self._picture.box(x, y, PE_WIDTH, PE_HEIGHT, fill=self._row_fill(pe["beat"]) if works else EMPTY, round_=0)
        if pe["weight"] is not None:
            self._chip(x, y, CHIP, pe["weight"], TILES[pe["tile"] % len(TILES)])
        elif pe["next"] is not None:
            self._chip(x, y, CHIP, f"({pe['next']})", EMPTY, PALE)
        if works:
            self._picture.text(x + CHIP * 1.5, y + 12, str(pe["activation"]), kind="small", anchor="middle")
            self._picture.text(x + PE_WIDTH / 2, y + 29, str(pe["psum"]), anchor="middle")

    def _sums(self, x: float, y: float, step: Mapping[str, Any]) -> None:
        """Accumulators and what leaves them."""
        left = x + self._left
        held = {row["address"]: row for row in step["accumulators"]}
        lines = [(f"acc. {address}", held.get(address)) for address in self._addresses]
        for line, (name, row) in enumerate([*lines, ("out", step["leaving"])]):
            top = y + LINE * line + (6 if name == "out" else 0)
            self._picture.text(left - 8, top + 12, name, kind="small", anchor="end")
            for column in range(self._columns):
                value, fill = (row["sums"][column], self._row_fill(row["beat"])) if row else ("", EMPTY)
                self._chip(left + PE_WIDTH * column, top, PE_WIDTH, value, fill, EDGE if row else PALE)
