"""A cycle model that is compiled at its first run: who waits is told, and the time is not the model's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tensorloom.run.execution import predict
from tensorloom.run.jobs import Job
from tensorloom.run.registry import find_preset
from tensorloom.sim import compilation

DESIGN = find_preset("tiny")
JOB = Job(name="p", a=np.ones((2, 2), np.int8), b=np.ones((2, 2), np.int8))


@pytest.mark.parametrize("kept", [True, False])
def test_compilation_is_told_and_not_counted(kept, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DESIGN is not None
    engine, told = DESIGN.engine, []

    @contextmanager
    def stages(title: str, /) -> Iterator[Any]:
        told.append(title)
        yield lambda *_: None
        told.append("end")

    counters = engine.predict(DESIGN.config, engine.map(DESIGN.config, JOB))

    def compiles(*_: object) -> Any:
        for watcher in compilation.WATCHERS:
            watcher.starts(kept)
            watcher.starts(kept)  # a part of it
        time.sleep(0.3)
        for watcher in compilation.WATCHERS:
            watcher.ends()
            watcher.ends()
        return counters

    monkeypatch.setattr(type(engine), "predict", compiles)
    outcome = predict(DESIGN, JOB, stages=stages)
    why = "once" if kept else "anew each time, as the cache can't be written"
    assert told == ["Predicting p", f"Compiling the cycle model, {why}", "end", "end"]
    assert outcome.seconds < 0.3 and outcome.counters == counters and not compilation.WATCHERS
    monkeypatch.setattr(type(engine), "predict", lambda *_: counters)
    told.clear()
    predict(DESIGN, JOB, stages=stages)
    assert told == ["Predicting p", "end"]
