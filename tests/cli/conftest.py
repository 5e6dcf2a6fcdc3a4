"""Ways to run the command line: inside the test, and as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tensorloom.cli.main import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a command inside the test; the result has exit_code, stdout and stderr."""
    monkeypatch.delenv("TENSORLOOM_DEBUG", raising=False)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def program() -> Callable:
    """Run a command as a user does."""

    def call(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tensorloom.cli.main", *map(str, args)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | environment, stdin=subprocess.DEVNULL
        )

    return call


@pytest.fixture
def fails(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a command that must fail with one error line and leave nothing behind; gives the line."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object, code: int) -> str:
        before = sorted(tmp_path.rglob("*"))
        result = run(*args)
        assert result.exit_code == code, result.output
        errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, result.stderr
        assert result.stdout == ""
        assert "Traceback" not in result.output
        assert sorted(tmp_path.rglob("*")) == before
        return errors[0].removeprefix("error: ")

    return call
