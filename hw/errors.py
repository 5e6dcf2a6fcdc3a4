"""Base of every error that a user can cause or has to know of."""

import difflib
from collections.abc import Iterable

__all__ = [
    "FAILURE",
    "INTERRUPTED",
    "USAGE",
    "ConfigError",
    "Error",
    "FailureError",
    "PathError",
    "UsageError",
    "WrongTypeError",
    "did_you_mean",
    "wrong_type",
]

FAILURE = 1
"""Exit code of a mismatch, a lint warning, a failed build or a missing tool."""

USAGE = 2
"""Exit code of a wrong option, configuration, tensor or path."""

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""


class Error(Exception):
    """An error whose message is enough: it says what is wrong and where.

    Parameters
    ----------
    message
        What is wrong, in the user's words.
    hint
        What to do about it.

    Attributes
    ----------
    exit_code
        Of a command that ends with it.
    """

    exit_code = FAILURE

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class FailureError(Error, RuntimeError):
    """Something did not work out: a mismatch, a build, a missing tool or package."""


class UsageError(Error):
    """A wrong option, configuration, tensor or path."""

    exit_code = USAGE


class ConfigError(UsageError, ValueError):
    """A value that breaks a rule: ``<field> must be <rule>, not <value>``.

    Parameters
    ----------
    message, hint
        As of `Error`.
    field, value
        What the message begins with and what it ends with, for those who call or write them otherwise.
    """

    def __init__(self, message: str = "", hint: str = "", *, field: str = "", value: object = None) -> None:
        super().__init__(message, hint)
        self.field, self.value = field, value


class WrongTypeError(ConfigError, TypeError):
    """A value of a wrong type."""


class PathError(UsageError, OSError):
    """A file or folder that can't be read or written."""


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """A hint that has the nearest of `names`; empty if none is near."""
    near = difflib.get_close_matches(str(name), list(names), 1)
    return f"did you mean {near[0]}?" if near else ""


def wrong_type(field: str, rule: str, value: object) -> WrongTypeError:
    """The error that says what a value must be and what it is."""
    return WrongTypeError(f"{field} must be {rule}, not {value!r:.80}", field=field, value=value)
