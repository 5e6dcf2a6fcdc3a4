"""``tensorloom bench``: measure an engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import check_file, writing
from ..run.registry import engines, find_preset
from ..tb.tools import check_tools
from .options import Json, choose_engine, examples, to_path
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = examples("bench")


def bench(
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="What to measure: an engine, or its first preset.")],
    quick: Annotated[bool, typer.Option("--quick", help="Smaller arrays, for a first look; not the real figures.")] = (
        False
    ),
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=to_path, help="Draw the figures, if the engine has a plot (SVG)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure an engine: emission, Verilator build, simulation speed, utilisation.

    Compiled simulations are built anew, so this takes minutes.
    """
    preset = find_preset(engine)
    if preset and preset.name != next(iter(preset.engine.presets)):
        hint = f"tensorloom bench {preset.engine.name} measures the engine of this preset, in several sizes"
        raise UsageError(f"engine must be one of {', '.join(engines())}, not the preset {engine!r}", hint)
    chosen = preset.engine if preset else choose_engine(engine)
    check_tools()
    if plot:
        if not chosen.plots:
            raise UsageError(f"engine must be one with a plot, not {chosen.name!r}")
        check_file(plot)
    figures = chosen.benchmark(Stages(), quick=quick)
    if plot:
        with writing(plot):
            write_files(plot.parent, {plot.name: chosen.plot(figures)})
    if as_json:
        print_json(figures)
        return
    for table in chosen.tables(figures):
        print_table(table.columns, table.rows, title=table.title)
        say()
    if not chosen.tables(figures):
        print_table(["figure", "value"], [[name, _text(value)] for name, value in _flatten(figures)])


def _flatten(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested values, each named by its path."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in items:
        name = f"{prefix}{key}"
        if isinstance(value, (dict, list)):
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
