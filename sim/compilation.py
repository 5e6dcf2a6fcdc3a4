"""Tells who waits for a cycle model that it is being compiled, which its first run does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Compilation", "watch_compilation"]


class Compilation:
    """What is compiled while somebody watches.

    Parameters
    ----------
    begin
        Called when the first function is about to be compiled: with whether machine code is kept for the next time.

    Attributes
    ----------
    seconds
        That were spent on it.
    """

    def __init__(self, begin: Callable[[bool], object]) -> None:
        self.seconds = 0.0
        self._begin, self._depth, self._start, self._told = begin, 0, 0.0, False

    def starts(self, kept: bool) -> None:
        """A function is about to be compiled; the functions that it calls come in between."""
        self._depth += 1
        if self._depth == 1:
            self._start = time.perf_counter()
            if not self._told:
                self._told = True
                self._begin(kept)

    def ends(self) -> None:
        """A function was compiled."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._start


WATCHERS: list[Compilation] = []
"""Who is told."""


@contextmanager
def watch_compilation(begin: Callable[[bool], object]) -> Iterator[Compilation]:
    """Context in which `begin` is called once if something is compiled."""
    watcher = Compilation(begin)
    WATCHERS.append(watcher)
    try:
        yield watcher
    finally:
        WATCHERS.remove(watcher)
