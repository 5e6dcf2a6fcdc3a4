"""Errors of Yosys."""

import subprocess

import pytest

from tensorloom.hw.emit import yosys
from tensorloom.hw.emit.yosys import YosysError, run_yosys


def test_an_error_is_quoted() -> None:
    with pytest.raises(YosysError, match=r"^ERROR: No such command: nonsense"):
        run_yosys("nonsense", files={})


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"Traceback\n  line\nPermissionError: '/sys/YoWASP'\n", "PermissionError: '/sys/YoWASP'$"), (b"", "no reason$")],
)
def test_a_start_that_fails_gives_its_reason(said: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one would compile Yosys for minutes before it finds that it can't keep it."""
    failed = subprocess.CompletedProcess([], 1, b"", said)
    monkeypatch.setattr(yosys.subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(YosysError, match=rf"^Yosys failed with exit code 1: {reason}"):
        run_yosys("", files={})
