"""Base of every error that a user can cause or has to know of."""

__all__ = ["FAILURE", "INTERRUPTED", "USAGE", "Error", "FailureError", "UsageError"]

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
