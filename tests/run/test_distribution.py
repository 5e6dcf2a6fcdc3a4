"""Tasks on processes: results, errors, a process that dies, schedulers that are not there."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tensorloom.hw.errors import ConfigError, FailureError, UsageError
from tensorloom.run import distribution
from tensorloom.run.distribution import Pool, Task, connect


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers."""
    with connect(workers=2) as client:
        yield client.scheduler.addr  # type: ignore[union-attr]


def tasks(*functions) -> list[Task]:
    """Tasks with nothing but a function, which processes get by value."""
    return [Task(name=f.__name__, function=f, arguments=(), work=1.0) for f in functions]


def results(address: str, *functions, told: list | None = None) -> dict:
    with connect(address) as client:
        pool = Pool(client)
        for task in tasks(*functions):
            pool.submit(task)
        return dict(pool.results(lambda *shown: told.append(shown) if told is not None else None))


def test_results_and_shares(address: str) -> None:
    def quick(tell) -> int:
        return 7

    def slow(tell) -> str:
        time.sleep(1.1)
        tell(0.5)
        time.sleep(1.2)
        return "done"

    told: list = []
    assert results(address, quick, slow, told=told) == {"quick": 7, "slow": "done"}
    assert ("1 of 2 done, 75.0% of the work", 0.75) in told and told[-1] == ("2 of 2 done, 100.0% of the work", 1.0)


def test_a_process_that_dies_runs_its_task_again(address: str, tmp_path: Path) -> None:
    marker = str(tmp_path / "died")

    def dies(tell) -> int:
        with open(marker, "a") as file:
            file.write("x")
        if os.path.getsize(marker) < 2:
            os._exit(9)
        return 5

    def other(tell) -> int:
        return 6

    assert results(address, dies, other) == {"dies": 5, "other": 6}
    assert Path(marker).read_text() == "xx"


def test_nothing_waits_behind_a_long_task(address: str, tmp_path: Path) -> None:
    """Tasks begin in order wherever a process is free, but for the first: the scheduler gives out two a process."""
    ended = str(tmp_path / "ended")

    def make(name: str, seconds: float):
        def work(tell) -> None:
            time.sleep(seconds)
            with open(ended, "a") as file:
                file.write(name)

        work.__name__ = name
        return work

    quick = [make(name, 0.1) for name in "abcdefghijkl"]
    results(address, make("Z", 5.0), *quick)
    order = Path(ended).read_text()
    assert sorted(order) == sorted("Zabcdefghijkl") and order[-1] == "Z"
    assert "".join(name for name in order if name in "defghijkl") == "defghijkl"


def test_errors_come_as_they_are(address: str) -> None:
    def wrong(tell) -> None:
        from tensorloom.hw.errors import ConfigError

        raise ConfigError("size must be 1, not 2", "take 1", field="size", value=2)

    with pytest.raises(ConfigError, match="^size must be 1, not 2$") as caught:
        results(address, wrong)
    assert (caught.value.hint, caught.value.field, caught.value.exit_code) == ("take 1", "size", 2)


def test_a_task_that_kills_all_its_processes(address: str) -> None:
    def deadly(tell) -> None:
        os._exit(9)

    with pytest.raises(FailureError, match="^deadly: its process died again and again$"):
        results(address, deadly)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "no://where:1"])
def test_schedulers_that_are_not_there(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "CONNECT_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(UsageError, match=f"^no scheduler answers at {address}$"), connect(address):
        pass
    assert time.monotonic() - start < 30


def test_somebody_who_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the connection and says nothing."""
    monkeypatch.setattr(distribution, "CONNECT_SECONDS", 0.5)
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: taken.append(server.accept()[0]), daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError, match="^no scheduler answers at "), connect(address):
            pass
    assert taken
    taken[0].close()


def test_a_scheduler_without_workers() -> None:
    from distributed import LocalCluster

    cluster: Any = LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0")
    with cluster:
        address = cluster.scheduler_address
        with pytest.raises(UsageError, match="has no workers$") as caught, connect(address):
            pass
    assert caught.value.hint == f"dask worker {address} adds one"
