"""Printing: JSON and tables on standard output, progress on standard error."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from ..run.progress import Update

__all__ = ["Stages", "bytes_text", "print_json", "print_table", "say", "seconds_text"]

PLAIN_INTERVAL_SECONDS = 5
"""Where progress is not read live, details come no faster than this."""


def say(text: str = "") -> None:
    """Print a line of the result."""
    typer.echo(text)


def print_json(values: Any) -> None:
    """Print values as JSON; numpy numbers become plain ones."""
    typer.echo(json.dumps(values, indent=2, default=lambda value: value.item()))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print a table; numbers are right-aligned and grouped by thousands. It is never cut where it isn't read live."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        numbers = all(isinstance(row[index], (int, float, type(None))) for row in cells)
        table.add_column(column, justify="right" if numbers else "left", no_wrap=numbers or index == 0)
    for row in cells:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console() if sys.stdout and sys.stdout.isatty() else Console(width=200)
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value)


def bytes_text(size: float) -> str:
    """``3.2 MB``."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.3g} GB"


def seconds_text(seconds: float) -> str:
    """``12.3 s``, ``2 min 5 s``."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


class Stages:
    """Progress of work in stages: a line with a spinner on a terminal, plain lines in a file or a pipe.

    Attributes
    ----------
    seconds
        Time that each stage took, by title.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open = 0

    @contextmanager
    def __call__(self, title: str) -> Iterator[Update]:
        """Show `title` while the block runs, and then how long it took; gives a function that shows details.

        A stage within another one has plain lines.
        """
        start = time.perf_counter()
        self._open += 1
        try:
            with (_live if sys.stderr and sys.stderr.isatty() and self._open == 1 else _plain)(title) as update:
                yield update
        finally:
            self._open -= 1
        self.seconds[title] = time.perf_counter() - start
        typer.echo(f"{title}: {seconds_text(self.seconds[title])}", err=True)


@contextmanager
def _live(title: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        start = time.monotonic()

        def update(detail: str, fraction: float | None = None) -> None:
            progress.update(task, description=f"{title}: {detail}{_left(fraction, time.monotonic() - start)}")

        yield update


@contextmanager
def _plain(title: str) -> Iterator[Update]:
    typer.echo(f"{title} ...", err=True)
    start = last = time.monotonic()
    shown = ""

    def update(detail: str, fraction: float | None = None) -> None:
        nonlocal last, shown
        now = time.monotonic()
        if now - last >= PLAIN_INTERVAL_SECONDS and detail != shown:
            last, shown = now, detail
            typer.echo(f"  {detail}{_left(fraction, now - start)}", err=True)

    yield update


def _left(fraction: float | None, elapsed: float) -> str:
    """``, 25 %, 12.0 s left`` of work whose length is known; the time is that of the rest at the speed so far."""
    if fraction is None:
        return ""
    left = f", {seconds_text(elapsed * (1 - fraction) / fraction)} left" if fraction > 0 else ""
    return f", {fraction:.0%}{left}"
