"""A pool of processes that ends with all that it began, however the command ends."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from typing import Any

__all__ = ["processors", "workers"]


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def workers(start: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()) -> Iterator[ProcessPoolExecutor]:
    """A pool with a process for each processor.

    Each is a group of its own with the programs that it calls, and is killed with them when this process ends or the
    block is left by an exception.

    Parameters
    ----------
    start, arguments
        What makes a process ready.
    """
    with ProcessPoolExecutor(processors(), get_context("spawn"), _start, (start, arguments)) as pool:
        try:
            yield pool
        except BaseException:
            for child in active_children():  # or the pool would wait for what they are at
                assert child.pid
                with contextlib.suppress(OSError):  # it has no group yet, or has ended
                    os.killpg(child.pid, signal.SIGKILL)
                child.kill()
            raise


def _start(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    os.setpgrp()
    threading.Thread(target=_follow, daemon=True).start()
    if start:
        start(*arguments)


def _follow() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)
