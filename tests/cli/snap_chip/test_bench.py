"""``tensorloom bench snap-chip`` on the smallest chip."""

import json
import re
from collections.abc import Callable

import pytest

from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.run.snap_chip.benchmark import LAYERS, QUICK
from tensorloom.run.snap_chip.frames import DENSE, MEAN
from tensorloom.sim.snap_chip.cycles import WENT
from tensorloom.sim.workloads.layers import find_layer


def test_layers_are_known() -> None:
    assert all(find_layer(name) for name, _ in LAYERS + QUICK) and len(LAYERS) == 8


def test_a_preset_is_no_engine(fails: Callable, run: Callable) -> None:
    assert fails("bench", "snap-chip-8b", code=2).endswith("not the preset 'snap-chip-8b'")
    assert "tensorloom bench snap-chip measures the engine" in run("bench", "snap-chip-8b").stderr.replace("\n", "")


@pytest.mark.slow
def test_quick_bench(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("bench", "snap-chip", "--quick", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["preset"] == "snap-chip-tiny" and found["area"] == [] and "goals" not in found
    assert found["build_seconds"] > 0 and found["cycles_per_second"] > 0
    sparse, dense = found["frames"]
    assert (sparse["densities"], dense["densities"]) == (MEAN, DENSE)
    assert found["cycles_per_frame"] == sparse["cycles"] and sparse["layers_run"] == len(QUICK)
    assert found["speedup_over_dense"] == round(dense["cycles"] / sparse["cycles"], 3) > 1
    rtl, model = found["layers"][: len(QUICK)], found["layers"][len(QUICK) :]
    for layers in (rtl, model):
        assert [layer["name"] for layer in layers] == [name for name, _ in QUICK]
    for layer in rtl:
        assert layer["source"] == "rtl" and layer["bit_exact"] and layer["equals_cycle_model"]
        assert layer["dense_cycles"] > layer["cycles"] > 0
    for layer in model:
        assert layer["source"] == "model" and layer["bit_exact"] is None
    for layer in (*found["layers"], sparse, dense):
        assert tuple(layer["where_cycles_went"]) == WENT
        assert layer["weight_bytes"] > 0 and sum(layer["where_cycles_went"].values()) == pytest.approx(1, abs=1e-3)
        assert 0 < layer["utilisation"] <= layer["where_cycles_went"]["compute"] < 1
    before = sparse["cycles"] - sum(layer["cycles"] for layer in model)
    assert 0 < before < 200 and sparse["sums_per_output"] == 1  # the first command
    for kind in ("input", "output", "residual"):
        assert sparse[f"{kind}_bytes"] == sum(layer[f"{kind}_bytes"] for layer in model)
    # a 3x3 kernel meets 7 + 2 * 6 pixels of a line of seven with padding 1, and a tensor without zeros has no others
    assert dense["products"] == 19 * 19 * 24 * 16 + 36 * 32 * 16 + 128 * 32
    assert dense["ideal_cycles"] == -(-dense["products"] // PRESETS["snap-chip-tiny"].multipliers)
    assert dense["utilisation"] == pytest.approx(dense["products"] / dense["cycles"] / 36, abs=1e-6)
    (core,) = found["cores"]
    assert 0 < core["core_utilisation"] < 1 and core["cycles"] > 4 * model[0]["cycles"]  # of five draws
    assert core["sharing_loss"] == round(core["cycles"] / core["cycles_alone"] - 1, 4) <= core["worst_sharing_loss"]
    both = core["sharing_loss"] + core["imbalance_loss"]
    assert both == pytest.approx(core["cycles"] / core["cycles_mean"] - 1, abs=2e-4)
    ways = found["ways"]
    assert len(ways) == 8 and [way["way"] for way in ways] == ["row taps", "diagonal"] * 4
    for rows, diagonal in zip(ways[::2], ways[1::2], strict=True):
        assert rows["chosen"] != diagonal["chosen"] and rows["cycles"] != diagonal["cycles"]
        # cores of three rows and two columns, a line of seven pixels: nine sums of rows, twelve of diagonals
        assert (rows["sums_per_output"], rows["carried_per_output"]) == (round(9 / 7, 4), 0)
        assert (diagonal["sums_per_output"], diagonal["carried_per_output"]) == (round(12 / 7, 4), round(3 / 7, 4))
    _text(run, found, monkeypatch)


def _text(run: Callable, found: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same figures as text."""
    monkeypatch.setattr("tensorloom.run.snap_chip.benchmark.benchmark", lambda stages, quick: found)
    result = run("bench", "snap-chip", "--quick")
    assert result.exit_code == 0, result.output
    assert re.search(rf"snap-chip-tiny +0.38/0.52 +{found['cycles_per_frame']:,} +", result.stdout)
    for layer in found["layers"]:
        assert f"{layer['cycles']:,}" in result.stdout
    assert "loss by sharing" in result.stdout and "Goals" not in result.stdout
