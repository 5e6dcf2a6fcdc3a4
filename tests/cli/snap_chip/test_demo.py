"""Digits on the chip by ``tensorloom demo``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.run.snap_chip import demo as demo_chip


def test_all_layers_by_one_start(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_chip, "IMAGES", 2)
    result = run("demo", "snap-chip-tiny", "-o", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["design"] == "snap-chip-tiny" and report["passed"] and report["lint"] == []
    assert report["images"] == 2 and report["accuracy"] == 1
    *layers, whole = report["layers"]
    assert [layer["name"] for layer in layers] == ["digits 3x3", "digits 3x3 stride 2", "digits 1x1", "digits FC"]
    assert all(layer["bit_exact"] and 0 < layer["ia_density"] < 1 and layer["w_density"] <= 0.5 for layer in layers)
    assert whole["size"] == "8 layers" and whole["bit_exact"] and whole["equals_cycle_model"]
    assert whole["wrong_bytes"] == 0 and whole["predicted_cycles"] == whole["cycles"]
    assert whole["macs"] == sum(layer["macs"] for layer in layers) and 0 < whole["utilisation"] < 1
    assert (tmp_path / "snap_chip.v").exists()


def test_a_wrong_layer_is_a_failure(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_chip, "IMAGES", 1)
    real = demo_chip._Reference

    class Wrong(real):
        def __init__(self, *args) -> None:
            super().__init__(*args)
            self.inputs[1] = self.inputs[1] ^ 1

    monkeypatch.setattr(demo_chip, "_Reference", Wrong)
    result = run("demo", "snap-chip-tiny", "-o", tmp_path)
    assert result.exit_code == 1
    assert "digits 3x3           8x8x1 to 16          no" in result.stdout and "FAILED" in result.stdout
