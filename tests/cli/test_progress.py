"""What a user sees while work goes on."""

import re

import pytest

from tensorloom.cli import output
from tensorloom.cli.output import Stages


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets."""
    now = [0.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(output.time, "perf_counter", lambda: now[0])
    return now


def test_work_of_known_length(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with Stages()("Simulating") as update:
        for second in range(1, 21):
            clock[0] = second
            update(f"cycle {1000 * second:,}", second / 80)
    assert capsys.readouterr().err.splitlines() == [
        "Simulating ...",
        "  cycle 5,000, 6%, 1 min 15 s left",
        "  cycle 10,000, 12%, 1 min 10 s left",
        "  cycle 15,000, 19%, 1 min 5 s left",
        "  cycle 20,000, 25%, 1 min 0 s left",
        "Simulating: 20.0 s",
    ]


def test_work_that_has_not_begun(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with Stages()("Simulating") as update:
        clock[0] = 5
        update("cycle 0", 0.0)
    assert "  cycle 0, 0%\n" in capsys.readouterr().err


def test_a_detail_that_stays_is_told_once(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with Stages()("Emitting") as update:
        for second in range(1, 60):
            clock[0] = second
            update("preparing Yosys" if second < 30 else "writing")
    assert capsys.readouterr().err.splitlines()[1:-1] == ["  preparing Yosys", "  writing"]


def test_live_progress(clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    with Stages()("Simulating") as update:
        clock[0] = 4
        update("cycle 7", 0.25)
    text = re.sub(r"\x1b\[[\d;?]*\w", "", capsys.readouterr().err)
    assert "Simulating: cycle 7, 25%, 12.0 s left" in text


def test_a_stage_within_another(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Only the outer one is live; then the next one is again."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(output, "_live", lambda title: output._plain(f"live {title}"))
    stages = Stages()
    with stages("Predicting"), stages("Compiling"):
        clock[0] = 2
    with pytest.raises(ValueError), stages("Predicting"):
        raise ValueError
    with stages("Simulating"):
        pass
    expected = ["live Predicting ...", "Compiling ...", "Compiling: 2.0 s", "Predicting: 2.0 s"]
    found = capsys.readouterr().err.splitlines()
    assert found == [*expected, "live Predicting ...", "live Simulating ...", "Simulating: 0.0 s"]
