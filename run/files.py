"""Writing what the user asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..hw.errors import UsageError

__all__ = ["writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of writing `path` into `UsageError`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or path}: {error.strerror or error}") from error
