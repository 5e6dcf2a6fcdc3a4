"""How work that takes long tells what it is doing, without knowing who listens."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Stages", "Update", "silent"]


class Update(Protocol):
    """Shows what a stage is at."""

    def __call__(self, detail: str, fraction: float | None = None, /) -> None:
        """Show a detail and, where it is known, which fraction of the work is done."""
        ...


class Stages(Protocol):
    """Shows work in stages: ``with stages("Compiling") as update: ...``."""

    def __call__(self, title: str, /) -> AbstractContextManager[Update]:
        """Context of a stage; gives a function that shows details."""
        ...


@contextmanager
def silent(title: str, /) -> Iterator[Update]:
    """Stages that nobody listens to."""
    yield lambda detail, fraction=None, /: None
