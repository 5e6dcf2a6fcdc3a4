"""The exploration that redraws the paper's figures, on fewer densities."""

import pytest

from tensorloom.sim.snap import exploration
from tensorloom.sim.snap.exploration import AIMS, aim_sizes, dataflows


def test_aim_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "DENSITIES", (0.2, 0.5))
    told: list[str] = []
    found = aim_sizes(told.append)
    assert found["densities"] == [0.2, 0.5]
    assert list(found["utilisation"]) == list(AIMS)
    assert told[0] == "N = 16, one a row, density 0.2" and len(told) == 2 * len(AIMS)
    for at in range(2):
        by_size = [found["utilisation"][f"N = {size}, one a row, prefetch"][at] for size in (16, 32, 64)]
        alone = found["utilisation"]["N = 32, one a PE, prefetch"][at]
        assert by_size[0] < by_size[1] < by_size[2] + 0.02 and by_size[1] < alone + 0.02
        for size in (16, 32, 64):
            names = f"N = {size}, one a row", f"N = {size}, one a row, prefetch"
            assert found["utilisation"][names[0]][at] < found["utilisation"][names[1]][at]


def test_dataflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploration, "DENSITIES", (0.1, 0.5))
    machines = dataflows()["machines"]
    ours = machines.pop("SNAP")
    for figures in machines.values():
        assert all(a > b for a, b in zip(ours["utilisation"], figures["utilisation"], strict=True))
        assert all(a < b for a, b in zip(ours["cycles_per_mac"], figures["cycles_per_mac"], strict=True))
        assert figures["writebacks_per_mac"] == [1, 1]
    assert ours["writebacks_per_mac"][1] < 1 / 22
