"""``tensorloom lint``: check a design's Verilog with every warning on."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..hw.errors import FAILURE, UsageError
from ..run.emission import emit_design
from ..run.registry import find_preset, preset_names
from ..tb.tools import check_tools
from .errors import usage_errors
from .options import Assignments, ConfigFile, Json, choose_design, examples, unknown
from .output import Stages, print_json, say

if TYPE_CHECKING:
    from ..tb.sources import Sources

__all__ = ["EXAMPLES", "lint"]

EXAMPLES = examples("lint", "tensorloom lint --config my.toml --set rows=64", "tensorloom lint build")


def lint(
    target: Annotated[
        str | None,
        typer.Argument(metavar="PRESET|DIR", help="A preset or engine, or a folder that tensorloom verilog wrote."),
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Lint a design's Verilog; exit code 1 if there is any warning that its waivers don't name.

    A folder whose files were changed after they were written is linted as it is, and said to be changed.
    """
    stages = Stages()
    check_tools("perl")
    if target and find_preset(target) and Path(target).is_dir():
        raise UsageError(f"{target} is both a preset and a folder here", f"for the folder, say ./{target}")
    if target and find_preset(target) is None:
        if not os.path.exists(target):  # False for a text that is no path at all
            raise unknown("preset or folder", target, preset_names())
        if config_file or assignments:
            raise UsageError("--config and --set choose a design; a folder has one already")
        name, source = target, _read(Path(target))
        if not source.intact:
            typer.echo(
                f"note: the files in {name} are not as they were written: the manifest has another hash", err=True
            )
    else:
        design = choose_design(target, config_file, assignments)
        name = design.name
        from ..tb.sources import Sources

        with stages(f"Emitting {name}") as update:
            source = Sources.load(emit_design(design, progress=update))
    messages = run_lint(source, name, stages)
    if as_json:
        print_json({"design": name, "clean": not messages, "changed": not source.intact, "messages": messages})
    else:
        for message in messages:
            say(message)
        say(f"{name}: {len(messages) or 'no'} warning{'' if len(messages) == 1 else 's'}")
    if messages:
        raise typer.Exit(FAILURE)


def run_lint(source: Any, name: str, stages: Stages) -> list[str]:
    """Lint an emission, or what was read from a folder."""
    from ..tb import lint as linter

    with stages(f"Linting {name}"):
        return linter.lint(source)


def _read(folder: Path) -> "Sources":
    """The design in a folder; a `UsageError` if there is none."""
    from ..tb.sources import Sources

    with usage_errors():
        return Sources.load(folder)
