"""``tensorloom demo`` on the smallest preset: the same stages, a few seconds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorloom.cli import demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_report(run: Callable, folder: Path) -> None:
    result = run("demo", "tiny", "-o", folder, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["passed"] and report["lint"] == []
    assert report["images"] == 360 and report["accuracy"] >= 0.96
    assert [layer["name"] for layer in report["layers"]] == [
        "digits layer 1", "digits layer 2", "digits layer 3", "photograph"
    ]  # fmt: skip
    for layer in report["layers"]:
        assert layer["bit_exact"] and layer["cycles"] == layer["predicted_cycles"]
        assert 0 < layer["utilisation"] <= layer["utilisation_limit"] <= 1
    assert {Path(file["path"]).suffix for file in report["files"]} == {".v", ".vlt", ".json"}
    assert all(Path(file["path"]).exists() for file in report["files"])


def test_poor_accuracy_is_a_failure(run: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LEAST_ACCURACY", 1.01)
    result = run("demo", "tiny", "-o", folder)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout and "lint: no warnings" in result.stdout


def test_lint_warning_is_a_failure(run: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "run_lint", lambda *_: ["matrix_unit.v:1:1: made up [WIDTH]"])
    result = run("demo", "tiny", "-o", folder)
    assert result.exit_code == 1
    assert "made up" in result.stdout


def test_missing_package_of_the_images(run: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    result = run("demo", "tiny", "-o", folder)
    assert result.exit_code == 1
    assert "error: the demo's images need the package" in result.stderr and "hint: " in result.stderr
