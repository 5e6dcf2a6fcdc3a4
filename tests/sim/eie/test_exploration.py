"""The exploration that redraws the paper's figures, on small layers."""

import numpy as np
import pytest

from tensorloom.sim.eie import exploration
from tensorloom.sim.eie.exploration import balance, fillers, published, queue_depths
from tensorloom.sim.workloads.compressed import CompressedLayer

SPARSE = CompressedLayer(name="sparse", inputs=700, outputs=4096, w_density=0.04, ia_density=0.5, actual_us=2.0)
WIDE = CompressedLayer(name="wide", inputs=600, outputs=600, w_density=0.1, ia_density=1.0, actual_us=1.0)
LAYERS = [SPARSE, WIDE]


def test_published() -> None:
    told: list[str] = []
    found = published(LAYERS, told.append)
    assert told == ["sparse on eie-64", "sparse on eie-16x4", "wide on eie-64", "wide on eie-16x4"]
    for paper, ours in zip(found["eie-64"], found["eie-16x4"], strict=True):
        assert ours["over_ideal"] < paper["over_ideal"] and ours["fillers"] == 0
        assert ours["scan_over_ideal"] < ours["over_ideal"]
        assert ours["us"] == ours["cycles"] / 800
        assert sum(ours[name] for name in ours if name not in ("cycles", "us", "over_ideal", "scan_over_ideal")) == (
            pytest.approx(1)
        )
    assert found["paper"][0] == {"us": 2.0, "over_ideal": SPARSE.actual_over_ideal}
    means = [np.sqrt(np.prod([row["over_ideal"] for row in found[name]])) for name in ("paper", "eie-64", "eie-16x4")]
    assert list(found["means"].values()) == pytest.approx(means)


def test_deeper_queues_keep_pes_busier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "DEPTHS", (1, 4, 16))
    found = queue_depths(LAYERS)
    assert found["depths"] == [1, 4, 16] and found["layers"] == ["sparse", "wide"]
    for row in found["efficiency"]:
        assert row[0] < row[1] < row[2] < 1


def test_more_pes_have_fewer_fillers_and_less_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "PES", (16, 128))
    found = balance(LAYERS)
    for row in found["efficiency"]:
        assert row[0] > row[1]
    for row in fillers([SPARSE])["real"]:
        assert row == sorted(row) and row[-1] == 1
        assert row[0] == pytest.approx(0.48, abs=0.02)  # as of every layer with 4 % of its weights
