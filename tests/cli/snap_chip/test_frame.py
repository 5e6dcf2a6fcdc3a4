"""``tensorloom frame``: a small network on the smallest chip, as a user calls it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tensorloom.run.mutation import records
from tensorloom.run.snap_chip.engine import SnapChipEngine

MINI = ("frame", "resnet-mini", "--engine", "snap-chip-tiny")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("frame", "resnet-51"), "network must be one of resnet-50, vgg-16, alexnet, resnet-mini, not 'resnet-51'"),
        (("frame", "resnet-50", "--engine", "tiny"), "engine must be one that runs whole networks (snap-chip), not"),
        ((*MINI, "--layers", "res2a,conv2"), "layers must be of conv1, res2a, res2b, res3a, fc1000, not 'conv2'"),
        ((*MINI, "--scheduler", "tcp://127.0.0.1:1"), "no scheduler answers at tcp://127.0.0.1:1"),
        ((*MINI, "--record", "--model-only"), "--record keeps whole networks that ran, not --layers or --model-only"),
        ((*MINI, "--workers", "0"), "Invalid value for '--workers'"),
        ((*MINI, "--output", ""), "a path must not be empty"),
    ],
)
def test_wrong_options(fails: Callable, arguments: tuple[str, ...], message: str) -> None:
    assert message in fails(*arguments, code=2)


def _interrupted(arguments: list[str]) -> tuple[int, str]:
    """Exit code and errors of a command that is interrupted once it runs."""
    command = [sys.executable, "-m", "tensorloom.cli.main", *arguments]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in the background
    ) as process:  # fmt: skip
        assert process.stderr
        for line in process.stderr:
            if line.startswith("Running"):
                break
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    return process.returncode, errors


def test_an_interrupted_frame_goes_on(run: Callable, tmp_path: Path) -> None:
    """What is finished stays, whole; the same command needs only the rest."""
    folder, code, errors = tmp_path, 0, ""
    for attempt in range(9):  # it may be at the end before the signal comes, or nothing may be finished yet
        folder = tmp_path / f"kept{attempt}"
        code, errors = _interrupted([*MINI, "--model-only", "--workers", "1", "-o", str(folder)])
        if code and list(folder.glob("*.json")):
            break
    assert code == 130 and errors.splitlines()[-1] == "error: interrupted", errors
    assert "Traceback" not in errors
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    assert 1 <= len(kept) < 11 and all(path.suffix == ".json" for path in kept)
    result = run(*MINI, "--model-only", "--workers", 1, "--resume", folder, "--json")
    assert result.exit_code == 0, result.output
    assert all(path.read_bytes() == text for path, text in kept.items())
    figures = json.loads(result.stdout)
    assert [unit["source"] for unit in figures["units"]] == ["model"] * 5 and figures["bit_exact"] is None
    _text(run, folder, figures)


def _text(run: Callable, folder: Path, figures: dict[str, Any]) -> None:
    """The same figures as tables."""
    result = run(*MINI, "--model-only", "-o", folder)
    assert result.exit_code == 0, result.output
    for unit in figures["units"]:
        assert f"{unit['cycles']:,}" in result.stdout
    assert "resnet-mini on snap-chip-tiny" in result.stdout and f"{figures['cycles']:,}" in result.stdout


def test_records(run: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the digest of the design, and without this machine's folders."""
    figures = {"design": "snap-chip-tiny", "network": "resnet-mini", "cycles": 5, "kept_in": "/somewhere"}
    monkeypatch.setattr(SnapChipEngine, "run_frame", lambda self, *arguments, **options: figures)
    monkeypatch.setattr(SnapChipEngine, "folder", tmp_path)
    monkeypatch.setattr(SnapChipEngine, "component", lambda self, config: None)  # the digest takes long
    monkeypatch.setattr("tensorloom.tb.mutation.mutants.design_digest", lambda component: "d" * 64)
    assert run(*MINI, "--record", "--json").exit_code == 0
    (record,) = records.read_records(tmp_path / "recorded/resnet-mini")
    assert record.keys() == {"design", "network", "cycles", "digest"} and record["digest"] == "d" * 64
    assert not records.is_stale(record) and records.is_stale(record | {"digest": "0" * 64})
