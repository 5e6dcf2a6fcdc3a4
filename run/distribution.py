"""Tasks spread over processes, on this machine or others, by ``dask.distributed``."""

import asyncio
import contextlib
import dataclasses
import logging
import queue
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..hw.errors import FailureError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["INSTALL", "Pool", "Task", "connect"]

INSTALL = "scripts/setup, or pip install '.[distributed]', in a clone of tensorloom"
"""How to get the package."""

CONNECT_SECONDS = 5
"""After which a scheduler that doesn't answer is given up."""

TOPIC = "tensorloom"
"""Of the events by which tasks tell how far they are."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """What a process is to do.

    Parameters
    ----------
    name
        What it is called, different for each.
    function
        Called with `arguments`, and then with a function that takes the share of the task that is done.
    arguments
        What goes to the process.
    work
        How long it takes, in any unit.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    work: float


@contextlib.contextmanager
def connect(scheduler: str | None = None, workers: int = 2) -> "Iterator[Client]":
    """Context of a cluster: that of a scheduler, or one of so many processes of this machine, which end with it.

    Raises
    ------
    UsageError
        If the scheduler's address is none, if nobody answers there, or if it has no workers.
    FailureError
        If the package is missing.
    """
    try:
        import dask.config
        from distributed import Client, LocalCluster
        from distributed.gc import disable_gc_diagnosis
    except ModuleNotFoundError as error:
        raise FailureError(f"the Python package {error.name} is missing", INSTALL) from error
    for name in ("distributed", "tornado"):  # that a worker or a scheduler is gone is said by us
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.worker.profile.enabled": False}))  # takes 2 % of the time
        if scheduler is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            address = stack.enter_context(
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, local_directory=folder,
                    dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
                )
            )  # fmt: skip
        else:
            address = scheduler
            _check_scheduler(scheduler)
        client = stack.enter_context(Client(address, timeout=CONNECT_SECONDS))
        disable_gc_diagnosis(force=True)  # its callback swallows an interrupt that comes while garbage is collected
        if scheduler is not None and not client.scheduler_info(n_workers=-1)["workers"]:
            raise UsageError(f"the scheduler at {scheduler} has no workers", f"dask worker {scheduler} adds one")
        yield client


def _check_scheduler(address: str) -> None:
    """Refuse an address where no scheduler says who it is; a client would wait for somebody else for ever."""
    from distributed.core import rpc

    async def ask() -> Any:
        async with rpc(address, timeout=CONNECT_SECONDS) as scheduler:
            answer: Any = await scheduler.identity()
            return answer["type"]

    try:
        kind = asyncio.run(asyncio.wait_for(ask(), CONNECT_SECONDS))
    except (OSError, ValueError, TypeError, KeyError):
        kind = None
    if kind != "Scheduler":
        hint = "dask scheduler starts one and prints its address, tcp://HOST:PORT"
        raise UsageError(f"no scheduler answers at {address}", hint)


class Pool:
    """Tasks at work on a cluster.

    A task whose process dies runs again on another.

    Parameters
    ----------
    client
        Of the cluster.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._tasks: dict[str, Task] = {}
        self._shares: dict[str, float] = {}
        self._done: queue.SimpleQueue[tuple[str, Future]] = queue.SimpleQueue()
        self._futures: list[Future] = []
        client.subscribe_topic(TOPIC, self._hear)

    def submit(self, task: Task) -> None:
        """Give a task to the cluster, in the order in which they are to begin."""
        self._tasks[task.name] = task
        # Keys of one group: else the scheduler gives each task to a process at once, and others wait behind long ones.
        future = self._client.submit(
            _work, task.name, task.function, task.arguments, key=("work", task.name, id(self)), pure=False,
            priority=-len(self._tasks),
        )  # fmt: skip
        self._futures.append(future)
        future.add_done_callback(lambda future, name=task.name: self._done.put((name, future)))

    def results(self, update: Callable[[str, float], None]) -> Iterator[tuple[str, Any]]:
        """Names and results as tasks end; raises what a task raised.

        Parameters
        ----------
        update
            Called about once a second with what is done, and its share of all work.

        Raises
        ------
        FailureError
            If the processes of a task die again and again, or the scheduler is lost.
        """
        waiting, whole = set(self._tasks), sum(task.work for task in self._tasks.values())
        while waiting:
            with contextlib.suppress(queue.Empty):
                name, future = self._done.get(timeout=1)
                yield name, self._result(name, future)
                waiting.discard(name)
                self._shares[name] = 1.0
            ended = len(self._tasks) - len(waiting)
            share = sum(self._shares.get(name, 0.0) * task.work for name, task in self._tasks.items()) / whole
            update(f"{ended} of {len(self._tasks)} done, {share:.1%} of the work", share)

    def _result(self, name: str, future: "Future") -> Any:
        from distributed.scheduler import KilledWorker

        if future.status not in ("finished", "error"):
            raise FailureError(f"{name}: the scheduler is gone", "what was finished is kept; the same command goes on")
        try:
            return future.result()
        except KilledWorker as error:
            raise FailureError(f"{name}: its process died again and again", "is there enough memory?") from error

    def _hear(self, event: Any) -> None:
        _, (name, share) = event
        self._shares[name] = max(share, self._shares.get(name, 0.0))


def _work(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """In a worker's process."""
    from distributed import get_worker

    worker, told = get_worker(), time.monotonic()

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            worker.log_event(TOPIC, (name, share))

    return function(*arguments, tell)
