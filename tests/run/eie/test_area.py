"""Areas of a cluster's parts, of a report with known numbers."""

import pytest

from tensorloom.run.eie.area import PAPER_UM2, cluster_areas, cluster_shares
from tensorloom.tb.area import AreaReport, ModuleArea

TOTALS = {"column_queue": 5, "pointer_unit": 20, "column_reader": 75, "multiplier": 9, "entry_decoder": 6}
TOTALS |= {"finisher": 3, "cluster_counters": 7, "source": 80}


def module(name: str, total: float, own: float = 0, instances: int = 4) -> ModuleArea:
    return ModuleArea(
        module=name, instances=instances, own=own, total=total, gates=total, memory_bits=0, buffer_bits=0, depth=0
    )  # fmt: skip


@pytest.fixture
def report() -> AreaReport:
    """Four clusters of two lanes, of which each has an adder of 4, a multiplier, and sums of 17."""
    modules = {name: module(name, total) for name, total in TOTALS.items()}
    modules["lane"] = module("lane", 30, own=4, instances=8)
    modules["cluster"] = module("cluster", 200)
    return AreaReport(top="cluster", unit="NAND2", modules=modules)


def test_parts_are_the_whole_cluster(report: AreaReport) -> None:
    areas = cluster_areas(report)
    assert areas == {
        "activation_queue": 5, "pointer_read": 20, "matrix_read": 70, "arithmetic": 6 + 2 * 13, "sums": 2 * 17 + 3,
        "counters": 7, "rest": 29,
    }  # fmt: skip
    shares = cluster_shares(report)
    assert shares.pop("source") == 80 / 800
    assert shares == {name: area / 200 for name, area in areas.items()}


def test_the_papers_parts_are_its_whole_pe() -> None:
    assert sum(PAPER_UM2.values()) == 638_024
