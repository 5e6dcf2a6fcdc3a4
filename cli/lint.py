"""``tensorloom lint``: check a design's Verilog with every warning on."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.errors import FAILURE, UsageError
from ..run.emission import emit_design
from ..run.registry import find_preset, preset_names
from .errors import usage_errors
from .options import Assignments, ConfigFile, Json, choose_design, examples, unknown
from .output import Stages, print_json, say

__all__ = ["EXAMPLES", "lint"]

EXAMPLES = examples("lint", "tensorloom lint --config my.toml --set rows=64", "tensorloom lint build")


def lint(
    target: Annotated[
        str | None, typer.Argument(metavar="PRESET|DIR", help="A preset, or a folder that tensorloom verilog wrote.")
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Lint a design's Verilog; exit code 1 if there is any warning that its waivers don't name."""
    stages = Stages()
    if target and find_preset(target) and Path(target).is_dir():
        raise UsageError(f"{target} is both a preset and a folder here", f"for the folder, say ./{target}")
    if target and find_preset(target) is None:
        if not os.path.exists(target):  # False for a text that is no path at all
            raise unknown("preset or folder", target, preset_names())
        if config_file or assignments:
            raise UsageError("--config and --set choose a design; a folder has one already")
        source, name = Path(target), target
    else:
        design = choose_design(target, config_file, assignments)
        name = design.name
        with stages(f"Emitting {name}") as update:
            source = emit_design(design, progress=update)
    messages = run_lint(source, name, stages)
    if as_json:
        print_json({"design": name, "clean": not messages, "messages": messages})
    else:
        for message in messages:
            say(message)
        say(f"{name}: {len(messages) or 'no'} warning{'' if len(messages) == 1 else 's'}")
    if messages:
        raise typer.Exit(FAILURE)


def run_lint(source: Any, name: str, stages: Stages) -> list[str]:
    """Lint an emission or a folder; a folder without a design is a `UsageError`."""
    from ..tb import lint as linter
    from ..tb.sources import Sources

    with usage_errors():
        try:
            sources = Sources.load(source)
        except OSError as error:
            raise UsageError(str(error)) from error
    with stages(f"Linting {name}"):
        return linter.lint(sources)
