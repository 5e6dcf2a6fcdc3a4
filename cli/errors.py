"""What a user sees when something goes wrong: one line, a hint, an exit code."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from ..hw.config import ConfigError

__all__ = [
    "FAILURE",
    "INTERRUPTED",
    "USAGE",
    "CommandError",
    "UsageError",
    "explain",
    "report",
    "usage_errors",
    "writing",
]

FAILURE = 1
"""Exit code of a mismatch, a lint warning, a failed build or a missing tool."""

USAGE = 2
"""Exit code of a wrong option, configuration, tensor or path."""

INTERRUPTED = 130

EXPECTED = {
    "tensorloom.hw.emit.emitter.EmitError",
    "tensorloom.hw.emit.yosys.YosysError",
    "tensorloom.tb.tools.ToolError",
    "tensorloom.tb.build_log.BuildError",
    "tensorloom.tb.bulk.model.SimulationError",
}
"""Failures whose message is enough, by name: their modules import what most commands can start without."""


class CommandError(Exception):
    """A failure with a message for the user.

    Parameters
    ----------
    message
        What is wrong.
    hint
        What to do about it.
    """

    exit_code = FAILURE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CommandError):
    """A wrong option, configuration, tensor or path."""

    exit_code = USAGE


@contextmanager
def usage_errors(subject: object = "") -> Iterator[None]:
    """Turn errors about values into `UsageError`, prefixed with the file or option that they come from."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UsageError(f"{subject}: {error}" if subject else str(error)) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of writing `path` into `UsageError`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or path}: {error.strerror or error}") from error


def explain(error: BaseException) -> tuple[str, str, int]:
    """Message, hint and exit code for any exception."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if isinstance(error, CommandError):
        return str(error), error.hint, error.exit_code
    if isinstance(error, ConfigError):
        return str(error), "", USAGE
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return "interrupted", "", INTERRUPTED
    if format_message := getattr(error, "format_message", None):  # the option parser's; its class moves with versions
        context = getattr(error, "ctx", None)
        hint = f"see {context.command_path} --help" if context else ""
        return format_message(), hint, getattr(error, "exit_code", USAGE)
    if isinstance(error, MemoryError):
        return f"out of memory ({error})" if str(error) else "out of memory", "choose smaller sizes", USAGE
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", "", FAILURE
    if isinstance(error, OSError) or names & EXPECTED:
        return str(error), "", FAILURE
    hint = "this should not happen; --debug shows where it did"
    return f"{type(error).__name__}: {error}", hint, FAILURE


def report(error: BaseException) -> int:
    """Print an error and return the exit code."""
    if hdl := sys.modules.get("amaranth.hdl"):
        warnings.simplefilter("ignore", hdl.UnusedElaboratable)  # that the rest of the design was not used is no news
    message, hint, code = explain(error)
    if not message.strip():  # the option parser has shown the help
        return code
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {message.strip()}", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)
    sys.stderr.flush()
    return code
