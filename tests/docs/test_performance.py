"""Figures on docs/performance.md are those of the pages that they come from, and causes those of the engines."""

import re
from pathlib import Path

import pytest

from tensorloom.run.explain import explain_layers
from tensorloom.run.registry import Design, engines, find_preset
from tensorloom.run.sweep.points import make_points
from tensorloom.run.sweep.sweep import run_sweep
from tensorloom.sim.workloads.layers import LayerShape

from .pages import PAGES, number, table


def find(name: str, *cells: str) -> list[str]:
    """The row of another page's table that has these cells, in this order, at its beginning."""
    (row,) = (row for row in table(name) if tuple(row[: len(cells)]) == cells)
    return row


def test_figures_are_those_of_their_pages() -> None:
    product, ratio = (
        find("bench", name)[1] for name in ("cycles of 4096 x 1024 x 1024", "the same / (MACs / multipliers)")
    )
    expected = [(product, f"{1 / float(ratio):.3f}", "cycle model")]
    for layer, density in (
        ("vgg16/conv3_2 (3x3, 56 wide)", "0.38/0.52"),
        ("vgg16/conv3_2 (3x3, 56 wide)", "0.1/0.1"),
        ("resnet50/fc1000 (FC)", "0.38/0.52"),
    ):
        (row,) = (row for row in table("snap-bench") if row[0] == layer and row[2] == density)
        expected.append((row[3], row[4], "Verilog"))
    for density in ("0.38/0.52", "1/1"):
        row = find("chip-frames", "snap-chip", density)
        expected.append((f"{row[2]} M", row[4], "cycle model"))
    for network in ("MLP0", "CNN0"):
        row = find("tpu-apps", network, "tpu-v1", "cycle model")
        expected.append((row[3], f"{float(row[5].rstrip('%')) / 100:.3f}", "cycle model"))
    rows = table("performance")
    assert [tuple(row[2:5]) for row in rows] == expected
    for row, (share, *_) in zip(rows, expected, strict=True):
        assert 0 < number(share.removesuffix(" M")) and 0 < float(row[3]) <= 1


def test_causes_are_those_of_the_engines() -> None:
    expected = [[e.name, name, text] for e in engines().values() for name, text in e.causes.items()]
    assert table("causes") == expected


def test_explained_fields_are_those_of_the_command(tmp_path: Path) -> None:
    design = find_preset("snap-core")
    assert design
    layer = LayerShape(name="layer", height=14, width=14, channels=64, rows=3, columns=3, kernels=32)
    report = explain_layers(design, [(layer, 1)], (0.38, 0.52), folder=tmp_path)
    expected = [
        [one["field"], str(one["value"]), str(one["doubled"]), f"{one['cycles']:,}", f"{one['saved']:+.1%}"]
        for one in report["fields"]
        if "refused" not in one
    ]
    assert table("explained") == expected
    both = design.config.replace(aim_entries=64, weight_entries=256)
    points = make_points(Design(engine=design.engine, name="both", config=both), {}, [(layer, 1)], [(0.38, 0.52)])
    (row,) = run_sweep(points, folder=tmp_path)
    assert f"with `weight_entries` doubled too it takes {row['cycles']:,} cycles" in PAGES["docs/performance.md"]


@pytest.mark.parametrize("engine", [engine for engine in engines().values() if engine.causes], ids=lambda e: e.name)
def test_advice_is_about_causes_and_fields(engine) -> None:
    """What helps names causes that there are, and fields that the engine has."""
    text = PAGES["docs/performance.md"].partition("## What helps")[2]
    rows = [line for line in text.splitlines() if f"of `{engine.name}`" in line]
    assert rows
    for line in rows:
        waits, advice = line.split("|")[1:3]
        names = set(re.findall(r"`([a-z_-]+)`", waits)) - {engine.name}
        assert names <= set(engine.causes), line
        assert set(re.findall(r"`(\w+)`", advice)) <= set(engine.config_class.field_types()), line
