"""SCALE-Sim as it was published, beside the formula and the cycle model."""

import sys

import pytest

from tensorloom.hw.errors import FailureError
from tensorloom.hw.systolic.config import PRESETS
from tensorloom.run.progress import silent
from tensorloom.run.registry import find_preset
from tensorloom.run.systolic.beside import figures_beside
from tensorloom.run.systolic.scale_sim import run_scale_sim
from tensorloom.sim.systolic.scale_sim import scale_sim_cycles
from tensorloom.sim.workloads.layers import LayerShape

PADDED = LayerShape(name="a/padded", height=5, width=4, channels=3, rows=3, columns=3, kernels=6, padding=1)
GROUPED = LayerShape(
    name="a/grouped", height=7, width=8, channels=4, rows=2, columns=3, kernels=10, stride=2, padding=1, groups=2
)
FULL = LayerShape(name="a/full", height=1, width=1, channels=9, rows=1, columns=1, kernels=7)


@pytest.mark.parametrize("layer", [PADDED, GROUPED, FULL], ids=lambda layer: layer.name)
def test_it_keeps_to_its_formula(layer: LayerShape) -> None:
    """The last cycle has the number of the formula, from 0 on; tiles and elements follow from sizes."""
    config = PRESETS["tiny"]
    found = run_scale_sim(config, layer)
    (x, y), groups = layer.geometry.output, layer.groups
    m, k, n = x * y, layer.rows * layer.columns * layer.channels // groups, layer.kernels // groups
    down, across = -(-k // config.rows), -(-n // config.columns)
    assert found.cycles == scale_sim_cycles(config.rows, config.columns, m, k, n) - 1
    assert (found.macs, found.tiles) == (m * k * n, down * across)
    assert found.mapping == pytest.approx(k * n / (down * across * config.multipliers))
    assert (found.activations, found.weights, found.sums) == (m * k * across, k * n, m * n * down)
    assert found.memory_writes == found.sums  # unfinished ones are written, too
    assert found.memory_reads >= k * n


def test_figures_of_both() -> None:
    design = find_preset("tiny")
    assert design
    found = figures_beside(design, [PADDED, GROUPED, PADDED], silent)
    padded, grouped = found["layers"]
    assert [(row["name"], row["layers"], row["groups"]) for row in found["layers"]] == [
        ("a/padded", 2, 1), ("a/grouped", 1, 2),
    ]  # fmt: skip
    total = found["total"]
    for name in ("macs", "cycles", "sums", "weights"):
        for who in ("ours", "scale_sim"):
            assert total[who][name] == 2 * padded[who][name] + 2 * grouped[who][name]
    assert total["ours"]["macs"] == 2 * PADDED.macs + GROUPED.macs
    for name in ("macs", "tiles", "mapping", "activations"):
        assert total["ours"][name] == total["scale_sim"][name], name
        assert found["alike"][name].endswith(": equal.")
    ratio = total["scale_sim"]["cycles"] / total["ours"]["cycles"]
    assert ratio > 1 and f"{ratio:.2f} times as many" in found["alike"]["cycles"]
    assert total["scale_sim"]["sums"] > total["ours"]["sums"]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scalesim.scale_sim", None)
    with pytest.raises(FailureError, match="the Python package scalesim") as caught:
        run_scale_sim(PRESETS["tiny"], FULL)
    assert "pip install '.[scale-sim]'" in caught.value.hint
