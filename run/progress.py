"""How work that takes long tells what it is doing, without knowing who listens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Stages", "Update", "silent"]

Update = Callable[[str], None]
"""Shows a detail of the present stage."""


class Stages(Protocol):
    """Shows work in stages: ``with stages("Compiling") as update: ...``."""

    def __call__(self, title: str, /) -> AbstractContextManager[Update]:
        """Context of a stage; gives a function that shows details."""
        ...


@contextmanager
def silent(title: str, /) -> Iterator[Update]:
    """Stages that nobody listens to."""
    yield lambda detail: None
