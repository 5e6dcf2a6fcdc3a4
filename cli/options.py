"""Options that several commands share, and the design that they choose."""

import datetime
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.config import ConfigError, parse_assignments, parse_toml
from ..hw.errors import PathError, UsageError, did_you_mean
from ..run import files
from ..run.contract import Engine
from ..run.registry import Design, design_name, engines, find_preset, preset_names
from .errors import usage_errors

__all__ = [
    "Assignments",
    "ConfigFile",
    "Json",
    "Preset",
    "choose_design",
    "choose_engine",
    "examples",
    "existing_file",
    "parse_changes",
    "read_text",
    "to_int",
    "to_number",
    "to_path",
    "unknown",
]


def _complete(incomplete: str) -> list[str]:
    return [name for name in preset_names() if name.startswith(incomplete)]


def to_path(text: str | Path) -> Path:
    """Parser of an option that names a file or folder: an empty text would be the current folder."""
    try:
        return files.to_path(text)
    except PathError as error:
        raise typer.BadParameter(str(error)) from error


def to_int(text: str) -> int:
    """Parser of an integer of at least 0, in the digits 0 to 9 alone."""
    if not re.fullmatch("[0-9]{1,4000}", str(text)):
        raise typer.BadParameter(f"{text!r} is not an integer of at least 0")
    return int(text)


def to_number(text: str) -> float:
    """Parser of a number, in the digits 0 to 9 alone."""
    try:
        return float(str(text) if str(text).isascii() else "")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


def existing_file(text: str) -> Path:
    """Parser of an option that names a file to read."""
    path = to_path(text)
    if not path.exists():
        raise typer.BadParameter(f"file {text!r} does not exist")
    if path.is_dir():
        raise typer.BadParameter(f"file {text!r} is a directory")
    if not os.access(path, os.R_OK):
        raise typer.BadParameter(f"file {text!r} is not readable")
    return path


Preset = Annotated[
    str | None,
    typer.Argument(
        metavar="PRESET|ENGINE",
        help="A preset (see tensorloom list), or an engine for its first preset.",
        autocompletion=_complete,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        parser=existing_file,
        help="TOML file with one field = value a line, and preset = NAME or engine = NAME to start from.",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="FIELD=VALUE", help="Change one field; can be given several times."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def examples(command: str, *lines: str) -> str:
    """Text for the end of a command's help: what the engines show of it, and further lines."""
    shown = [line for engine in engines().values() for line in engine.examples.get(command, ())]
    return "\n\n".join(["[bold]Examples[/bold]", *shown, *lines])


def unknown(kind: str, name: str, names: Sequence[str]) -> UsageError:
    """Error for a name that isn't in a list, with the nearest one as a hint."""
    return UsageError(f"{kind} must be one of {', '.join(names)}, not {name!r}", did_you_mean(name, names))


def choose_design(preset: str | None, config_file: Path | None, assignments: list[str] | None) -> Design:
    """The design of a preset or a configuration file, with fields changed.

    Raises
    ------
    UsageError
        If neither or both are given, or for anything wrong in them.
    """
    if preset is None and config_file is None:
        raise UsageError(f"a preset ({', '.join(preset_names())}) or --config FILE is needed")
    if preset is not None and config_file is not None:
        raise UsageError("give a preset or --config, not both", "a configuration file can hold preset = NAME")
    design = _from_preset(preset) if config_file is None else _from_file(config_file)
    with usage_errors():
        changes = parse_changes(design.engine, assignments)
        config = design.config.replace(**changes)
    for warning in config.warnings():
        typer.echo(f"{typer.style('warning:', fg='yellow', bold=True)} {warning}", err=True)
    return Design(engine=design.engine, name=design_name(design.name, changes), config=config)


def choose_engine(name: str) -> Engine[Any, Any, Any]:
    """The engine of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in engines():
        raise unknown("engine", name, list(engines()))
    return engines()[name]


def parse_changes(engine: Engine[Any, Any, Any], assignments: list[str] | None) -> dict[str, Any]:
    """What ``--set`` changes."""
    with usage_errors(options={"assignment": "--set"}):
        return parse_assignments(engine.config_class, assignments or [])


def read_text(path: Path) -> str:
    """Text of a file.

    Raises
    ------
    UsageError
        If it can't be read or isn't text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: file must be UTF-8 text, not what byte {error.start} begins") from error


def _from_preset(name: str | None) -> Design:
    design = find_preset(str(name))
    if design is None:
        raise unknown("preset", str(name), preset_names())
    return design


def _from_file(path: Path) -> Design:
    with usage_errors(path):
        values = parse_toml(read_text(path))
    preset, engine = values.pop("preset", None), values.pop("engine", None)
    if preset is None and engine is None:
        hint = f'such as preset = "{preset_names()[0]}", which gives the values to start from'
        raise UsageError(f"{path}: configuration must have a preset or an engine", hint)
    try:
        if preset is None:
            chosen = choose_engine(str(engine))
            config = chosen.config_class.from_dict(values)
        else:
            design = _from_preset(preset)
            chosen = design.engine
            if engine not in (None, chosen.name):
                raise UsageError(f"engine must be {chosen.name}, the preset's, not {engine!r}")
            config = design.config.replace(**values)
    except (UsageError, ValueError) as error:
        text, value = str(error), error.value if isinstance(error, ConfigError) else None
        if isinstance(value, bool | datetime.date | datetime.time):  # as it is in the file
            text = text.removesuffix(repr(value)) + str(value).lower()
        raise UsageError(f"{path}: {text}", getattr(error, "hint", "")) from error
    return Design(engine=chosen, name=path.stem, config=config)
