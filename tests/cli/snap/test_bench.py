"""``tensorloom bench snap``: its figures on small layers, its goals and its picture."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.snap.config import PRESETS
from tensorloom.hw.snap.core import SnapCore
from tensorloom.run.progress import silent
from tensorloom.run.snap import area
from tensorloom.run.snap import benchmark as bench_snap
from tensorloom.run.snap.benchmark import GOALS, ROWS
from tensorloom.run.snap.plot import plot_rows
from tensorloom.sim.snap.cycles import WAITS
from tensorloom.sim.workloads.layers import find_layer, sample

FIGURES = {
    "layer", "kind", "part", "ia_density", "w_density", "dense_macs", "bit_exact", "mismatches", "cycles",
    "predicted_cycles", "equals_cycle_model", "macs", "utilisation", "oa_updates_per_cycle", "where_cycles_went",
    "seconds", "cycles_per_second", "ia_bits_per_non_zero", "w_size_against_dense",
}  # fmt: skip


@pytest.mark.slow
def test_quick_bench(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_snap, "PRESET", "snap-tiny-1")
    result = run("bench", "snap-core", "--quick", "--json", "--plot", tmp_path / "cycles.svg")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"rows", *bench_snap.AREA_FIGURES, "emit_seconds", "build_seconds", "cycles_per_second"} <= set(found)
    assert found["emit_seconds"] > 0 and found["build_seconds"] > 0 and found["cycles_per_second"] > 0
    assert len(found["rows"]) == 4
    for row in found["rows"]:
        assert set(row) >= FIGURES
        assert row["bit_exact"] and row["equals_cycle_model"] and 0 < row["utilisation"] <= 1
        assert row["macs"] <= row["dense_macs"]
    fully_connected = found["rows"][-1]
    assert fully_connected["utilisation"] <= fully_connected["bandwidth_bound"] * 1.2
    assert 0.8 < fully_connected["weight_streams_busy"] <= 1
    picture = ElementTree.parse(tmp_path / "cycles.svg").getroot()
    assert picture.tag.endswith("svg")


def row(kind: str, density: str, layer: str = "net/conv", **figures: float) -> dict:
    activations, weights = map(float, density.split("/"))
    waits = dict.fromkeys(WAITS, 0.0) | {"busy": 0.9, "wait_aim": 0.1}
    plain = {"layer": layer, "part": None, "utilisation": 0.85, "oa_updates_per_cycle": 0.5}
    return plain | {
        "kind": kind, "ia_density": activations, "w_density": weights, "where_cycles_went": waits,
    } | figures  # fmt: skip


def test_goals_take_the_worst_row() -> None:
    rows = [row(kind, density) for kind, density, *_ in GOALS] + [row("1x1", "0.38/0.52", utilisation=0.99)]
    figures = {
        "rows": rows, "aim_area_fraction": {"16": 0.07, "8": 0.2}, "emit_seconds": 3, "build_seconds": 61,
        "useful_per_mnand2": {"16": 23.1, "8": 28.2},
        "cycles_per_second": 10_000, "cycle_model": {"ratio": 42.3},
    }  # fmt: skip
    found = {goal["name"]: (goal["value"], goal["met"]) for goal in bench_snap._goals(figures)}
    assert found["utilisation of 1x1 at 0.38/0.52"] == (0.85, False)
    assert found["utilisation of 3x3, 56 wide at 0.2/0.3"] == (0.85, True)
    assert found["oa_updates_per_cycle of 3x3, 56 wide at 0.38/0.52"] == (0.5, True)
    assert found["aim_area_fraction, 8 bits"] == (0.2, False)
    assert found["useful products a cycle per M NAND2, 16 bits"] == (23.1, False)
    assert found["useful products a cycle per M NAND2, 8 bits"] == (28.2, False)
    assert found["cycle_model ratio"] == (42.3, True)
    assert found["build_seconds"] == (61, False) and found["cycles_per_second"] == (10_000, True)


@pytest.mark.slow
def test_area_and_the_work_that_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both widths; macros cost what is assumed of them."""
    monkeypatch.setattr(bench_snap, "PRESET", "snap-tiny-1")
    monkeypatch.setattr(area, "WORK", [("vgg16/conv3_2", (3, 7, 16, 4)), ("resnet50/res4b_branch2a", (4, 4, 16, 8))])
    config = PRESETS["snap-tiny-1"]
    found = bench_snap._area(silent, emit(SnapCore(config)))
    assert set(found) == set(bench_snap.AREA_FIGURES)
    useful = area.useful_products(config)
    assert 0 < useful < config.multipliers
    for bits in ("16", "8"):
        assert 0 < found["aim_area_fraction"][bits] < 1
        assert found["depth"][bits] >= found["pe_depth"][bits] > 20
        assert found["useful_per_mnand2"][bits] == pytest.approx(useful / found["area"][bits] * 1e6, rel=0.01)
    assert found["area"]["8"] < found["area"]["16"]


def test_rows_are_as_large_as_asked_for() -> None:
    """3x3, 256 channels, at least 64 kernels and 196 pixels, wherever a goal is set."""
    for kind, name, sizes, _ in ROWS:
        layer = find_layer(name)
        assert layer is not None
        if kind == "3x3, 56 wide":
            assert sizes is not None
            part = sample(layer, *sizes)
            assert (part.rows, part.columns, part.channels, part.padding, part.stride) == (3, 3, 256, 1, 1)
            assert part.kernels >= 64 and part.height * part.width >= 196


def test_picture() -> None:
    rows = [row("1x1", "0.5/0.25", layer="a<b", utilisation=0.75), row("FC", "1/1")]
    root = ElementTree.fromstring(plot_rows({"preset": "snap-core", "rows": rows}))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert "a<b  0.5/0.25" in texts and "75.0%" in texts
    titles = [element.text for element in root.iter() if element.tag.endswith("title")]
    assert titles[:2] == ["useful 75.0%", "lanes idle 15.0%"]
    widths = [
        float(bar.attrib["width"]) for bar in root.iter() if bar.find("{http://www.w3.org/2000/svg}title") is not None
    ]
    assert sum(widths) == pytest.approx(2 * 520, abs=1)
    legend = [text for text in texts if text in ("useful", "lanes idle", "wait weights", "wait psum", "wait aim")]
    (note,) = (text for text in texts if text and text.startswith("Less than 0.05% everywhere"))
    assert "useful" in legend
    for name in ("wait weights", "wait psum", "wait aim"):
        largest = max(one["where_cycles_went"][name.replace(" ", "_")] for one in rows)
        assert (name in legend, name in note) == (largest >= 0.0005, largest < 0.0005), name


def test_no_plot_for_other_engines(fails: Callable) -> None:
    assert fails("bench", "systolic", "--plot", "x.svg", code=2) == "engine must be one with a plot, not 'systolic'"
    assert "engine must be one of" in fails("bench", "snap-tiny", code=2)


def test_wrong_results_stop_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = SimpleNamespace(passed=False, complaint="3 of 9 results differ")
    simulator = SimpleNamespace(run=lambda job, program=None: outcome)
    with pytest.raises(bench_snap.FailureError, match="vgg16/conv1_1 .*: 3 of 9 results differ"):
        bench_snap._row(simulator, "1x1", "vgg16/conv1_1", (3, 3, 3, 1), "1/1")  # pyrefly: ignore[bad-argument-type]  # a stand-in
