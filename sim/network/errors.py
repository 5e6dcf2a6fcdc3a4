"""What is wrong with a model."""

from ...hw.errors import UsageError

__all__ = ["ModelError", "RefusedError"]


class ModelError(UsageError, ValueError):
    """A model that can't be read, or has what isn't supported.

    Parameters
    ----------
    message, hint
        As of `tensorloom.hw.errors.Error`.
    refused
        Of each node that isn't supported its name, operator and reason.
    """

    def __init__(self, message: str = "", hint: str = "", refused: tuple[tuple[str, str, str], ...] = ()) -> None:
        super().__init__(message, hint)
        self.refused = refused


class RefusedError(Exception):
    """Why one node isn't supported; all of a model's become one `ModelError`."""
