"""``tensorloom bench``: measure an engine."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from .options import Json, choose_engine, examples
from .output import Stages, print_json, print_table

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = examples("tensorloom bench systolic", "tensorloom bench systolic --json > bench.json")


def bench(
    engine: Annotated[str, typer.Argument(metavar="ENGINE", help="What to measure: systolic.")],
    quick: Annotated[bool, typer.Option("--quick", help="Smaller arrays, for a first look; not the real figures.")] = (
        False
    ),
    as_json: Json = False,
) -> None:
    """Measure an engine: emission, Verilator build, simulation speed, utilisation.

    Compiled simulations are built anew, so this takes minutes.
    """
    figures = choose_engine(engine).benchmark(Stages(), quick=quick)
    if as_json:
        print_json(figures)
        return
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
