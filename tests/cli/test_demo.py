"""``tensorloom demo`` on the smallest presets: the same stages, a few seconds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.cli import demo
from tensorloom.run.snap import demo as demo_snap


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
    assert {Path(file["path"]).suffix for file in report["files"]} >= {".v", ".vlt", ".json", ".core", ".sv"}
    assert all(Path(file["path"]).exists() for file in report["files"])


def test_both_engines(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a preset; on small ones. Every layer of the convolutional network, on the Verilog."""
    monkeypatch.setattr(demo, "demo_presets", lambda: ["tiny", "snap-tiny"])
    monkeypatch.setattr(demo_snap, "IMAGES", 2)
    result = run("demo", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["design"] == "tiny" and report["passed"] and len(report["layers"]) == 4
    snap = report["snap"]
    assert snap["design"] == "snap-tiny" and snap["passed"] and snap["lint"] == []
    assert snap["images"] == 2 and snap["accuracy"] == 1
    names = ["digits 3x3", "digits 3x3 stride 2", "digits 1x1", "digits FC"]
    assert [layer["name"] for layer in snap["layers"]] == names
    for layer in snap["layers"]:
        assert layer["bit_exact"] and layer["equals_cycle_model"] and layer["cycles"] == layer["predicted_cycles"]
        assert 0 < layer["utilisation"] < 1 and layer["w_density"] <= 0.5 and 0 < layer["ia_density"] < 1
        assert layer["speedup_over_dense"] == round(layer["dense_cycles"] / layer["cycles"], 2) > 1
    assert (tmp_path / "out/matrix_unit.v").exists() and (tmp_path / "out/snap/snap_core.v").exists()


def test_table_of_a_core(run: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_snap, "IMAGES", 1)
    result = run("demo", "snap-tiny", "-o", folder)
    assert result.exit_code == 0, result.output
    assert "digits 3x3 stride 2" in result.stdout and "speed-up" in result.stdout
    assert "100.00% of 1 held-out images" in result.stdout and "\npassed in " in result.stdout


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
