"""``tensorloom reproduce`` on figures of the SNAP core that take no time."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.run.snap import figures
from tensorloom.run.snap.papers import FIGURES

ROOT = Path(__file__).parents[3]


def test_bundles(run: Callable) -> None:
    (result,) = json.loads(run("reproduce", "snap-fig5", "--json").stdout)
    rows = {row["what"]: row for row in result["values"]}
    assert list(rows)[:3] == list(FIGURES["snap-fig5"].published)
    assert all(row["paper"] == row["ours"] and row["where"] for row in list(rows.values())[:3])
    # 16 bits of value, 5 of index, and a little for pointers.
    assert 21 < rows["bits a weight that is stored, 0.52"]["ours"] < 22
    assert rows["bits a weight that is stored, 0.52"]["paper"] is None


def test_table(run: Callable) -> None:
    result = run("reproduce", "snap-fig5")
    assert result.exit_code == 0 and "0, 3    0, 3    section III-A, Fig. 5(c)" in result.stdout
    assert FIGURES["snap-fig5"].why in result.stdout


def test_efficiency_rises_as_densities_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a smaller layer than the figure's."""
    from tensorloom.run.progress import silent

    monkeypatch.setattr(figures, "WIDE", ("vgg16/conv3_2", (6, 14, 64, 8)))
    found = figures.efficiency(silent)
    assert set(FIGURES["snap-fig14b"].published) <= set(found)
    dense, medium, sparse = (found[f"{density}, at 45 nm and 0.9 V"] for density in ("1/1", "0.4/0.4", "0.1/0.1"))
    # No more than the work that is left out, and no less than if nothing were.
    assert 1 < medium / dense < 1 / 0.16 and medium < sparse < dense / 0.01
    assert found["1/1"] == pytest.approx(figures.SCALE * dense, rel=0.02)
    assert found["0.4/0.4 over 1/1"] == pytest.approx(medium / dense, rel=0.02)


def test_what_was_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the recorded exploration, and the smallest layer that writes back."""
    from tensorloom.run.progress import silent

    recorded = json.loads((ROOT / "docs" / "snap_exploration.json").read_text())
    monkeypatch.setattr(figures, "aim_sizes", lambda update: recorded["aim_sizes"])
    monkeypatch.setattr(figures, "dataflows", lambda update: dict(recorded["dataflows"]))
    monkeypatch.setattr(figures, "LAYERS", [("vgg16/conv3_2", (6, 14, 64, 8))])
    aims, flows = figures.compare_aims(silent), figures.compare_dataflows(silent)
    assert set(FIGURES["snap-fig9"].published) <= set(aims)
    assert set(FIGURES["snap-fig7"].published) <= set(flows)
    sizes = recorded["aim_sizes"]["utilisation"]["N = 32, one a row, prefetch"]
    assert aims["utilisation, N = 32 with prefetching"] == pytest.approx(sum(sizes) / len(sizes), abs=1e-3)
    # Machines of 63 and of 64 multipliers: per multiplier, cycles are the inverse of the utilisation.
    assert flows["latency, times better"] == pytest.approx(flows["utilisation, times better"], rel=0.02)
    assert flows["latency, times better"] > flows["latency, times better, peer with queues"] > 1
    assert flows["writeback traffic, times less"] == pytest.approx(63 / flows["OA updates a cycle"], rel=0.02)
