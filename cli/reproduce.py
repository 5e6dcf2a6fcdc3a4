"""``tensorloom reproduce``: figures of papers, the paper's values beside ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..run.registry import engines
from .options import Json, examples, unknown
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    from ..run.papers import PaperFigure

__all__ = ["EXAMPLES", "reproduce"]

EXAMPLES = examples("reproduce", "tensorloom reproduce --list")


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Figures (see --list); without any, all.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the figures, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Reproduce figures of the papers behind the engines, by the models: the paper's values beside ours.

    Each comes with a word on why ours differ. All together take ten minutes or so.
    """
    known = {name: engine for engine in engines().values() for name in engine.paper_figures}
    for name in names or []:
        if name not in known:
            raise unknown("figure", name, list(known))
    chosen = list(dict.fromkeys(names or known))
    figures = {name: known[name].paper_figures[name] for name in chosen}
    if listed:
        _list(figures, as_json=as_json)
        return
    stages = Stages()
    results = []
    for name, figure in figures.items():
        rows = _compare(figure, known[name].reproduce(name, stages))
        results.append({"name": name, "title": figure.title, "paper": figure.paper, "values": rows, "why": figure.why})
        if not as_json:
            _print(results[-1])
    if as_json:
        print_json(results)


def _list(figures: Mapping[str, "PaperFigure"], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "title": one.title, "paper": one.paper} for name, one in figures.items()])
        return
    rows = [[name, one.title, _minutes(one.minutes), one.paper] for name, one in figures.items()]
    print_table(["figure", "what", "takes about", "of"], rows)


def _minutes(minutes: float) -> str:
    return f"{minutes:g} min" if minutes >= 1 else f"{round(60 * minutes)} s"


def _compare(figure: "PaperFigure", ours: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values that were published, then those that are ours alone."""
    published = figure.published
    return [
        {
            "what": what,
            "paper": published[what].value if what in published else None,
            "where": published[what].where if what in published else None,
            "ours": ours[what],
        }
        for what in [*published, *(what for what in ours if what not in published)]
    ]


def _print(result: Mapping[str, Any]) -> None:
    rows = [[row["what"], _text(row["paper"]), _text(row["ours"]), row["where"] or ""] for row in result["values"]]
    print_table(["", "paper", "ours", "where"], rows, title=f"{result['name']}: {result['title']}")
    say(f"of {result['paper']}")
    say(result["why"])
    say()


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
