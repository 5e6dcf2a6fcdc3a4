"""What a user sees when something goes wrong: one line, a hint, an exit code."""

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from ..hw.errors import FAILURE, INTERRUPTED, USAGE, Error, UsageError

__all__ = ["explain", "report", "usage_errors"]


@contextmanager
def usage_errors(subject: object = "", options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn errors about values into `UsageError`.

    Parameters
    ----------
    subject
        The file that the values come from, put before the message.
    options
        What fields are called on the command line.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        text, field = str(error), getattr(error, "field", "")
        if options and field in options:
            text = options[field] + text.removeprefix(field)
        raise UsageError(f"{subject}: {text}" if subject else text, getattr(error, "hint", "")) from error


def explain(error: BaseException) -> tuple[str, str, int]:
    """Message, hint and exit code for any exception."""
    if isinstance(error, Error):
        return str(error), error.hint, error.exit_code
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return "interrupted", "", INTERRUPTED
    if format_message := getattr(error, "format_message", None):  # the option parser's; its class moves with versions
        context = getattr(error, "ctx", None)
        hint = f"see {context.command_path} --help" if context else ""
        return format_message(), hint, getattr(error, "exit_code", USAGE)
    if isinstance(error, MemoryError):
        return f"out of memory ({error})" if str(error) else "out of memory", "choose smaller sizes", USAGE
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error), "", FAILURE
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
