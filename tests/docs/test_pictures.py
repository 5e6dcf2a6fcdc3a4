"""The pictures of the pages are those that scripts/pictures draws now."""

import json
import re
import runpy
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tensorloom.fpga.records import read_records
from tensorloom.hw.snap.config import PRESETS

from .pages import table

DOCS = Path(__file__).parent.parent.parent / "docs"
HINT = "run scripts/pictures"
WALKS = "walk_matrix.svg", "walk_tiles.svg", "walk_vector.svg"
OWN = "matrix_unit.svg", "snap_chip.svg", "snap_front.svg", "timing.svg", "tpu.svg", *WALKS


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with all pictures, drawn anew."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, str(DOCS / "draw"), "-o", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_picture_is_committed(drawn: Path) -> None:
    committed = {path.name for path in DOCS.glob("*.svg")}
    measured = {"snap_aim.svg", "snap_dataflow.svg", "snap_cycles.svg"}  # by scripts/explore_snap.py and the benchmark
    assert {path.name for path in drawn.iterdir()} == committed - measured


@pytest.mark.parametrize("name", OWN)
def test_own_pictures_are_equal(drawn: Path, name: str) -> None:
    assert (drawn / name).read_bytes() == (DOCS / name).read_bytes(), HINT


def test_plot_is_made_from_the_same_figures(drawn: Path) -> None:
    committed, new = (figures(folder / "utilisation.svg") for folder in (DOCS, drawn))
    assert committed == new, HINT
    assert len(new["m"]) == len(new["matrix_unit"]) > 20
    for ours, theirs, bound in zip(new["matrix_unit"], new["scale_sim"], new["bound"], strict=True):
        assert 0 < theirs < ours <= bound


def test_roofline_is_made_from_the_table(drawn: Path) -> None:
    committed, new = (figures(folder / "tpu_roofline.svg") for folder in (DOCS, drawn))
    assert committed == new, HINT
    for points in new["points"].values():
        assert set(points) == {"MLP0", "MLP1", "LSTM0", "LSTM1", "CNN0", "CNN1"}
        for uses, tops in points.values():
            assert 0 < tops <= min(uses * new["slope"], new["height"]) * 1.001


@pytest.mark.parametrize(("name", "part"), [("snap_aim.svg", "aim_sizes"), ("snap_dataflow.svg", "dataflows")])
def test_exploration_is_drawn_from_what_is_recorded(name: str, part: str) -> None:
    recorded = json.loads((DOCS / "snap_exploration.json").read_text(encoding="utf-8"))
    assert figures(DOCS / name) == recorded[part], "run scripts/explore_snap.py --recorded docs/snap_exploration.json"


def test_where_cycles_went_is_that_of_the_table() -> None:
    """Bars are those of the rows of docs/snap.md, and of each the shares make the whole."""
    text = (DOCS / "snap_cycles.svg").read_text(encoding="utf-8")
    rows = table("snap-bench")
    useful = [float(share) for share in re.findall(r"<title>useful ([\d.]+)%", text)]
    assert useful == pytest.approx([100 * float(row[4]) for row in rows], abs=0.1)
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="16"', text)]
    assert sum(widths) == pytest.approx(520 * len(rows), abs=0.05 * len(widths))


def figures(path: Path) -> dict[str, Any]:
    """What the plot's description says that it is made from; other bytes depend on matplotlib's version."""
    description = re.search(r"<dc:description>(.*?)</dc:description>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert description
    return json.loads(unescape(description[1]))


def test_drawing_twice_gives_the_same_bytes(drawn: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "draw"), "-o", str(tmp_path)], capture_output=True, check=True)
    for path in drawn.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert not re.search(r"20\d\d-\d\d-\d\d", path.read_text(encoding="utf-8"))


@pytest.fixture
def tables() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "draw/tables.py"))


@pytest.fixture
def snap_tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(DOCS / "draw"))
    return runpy.run_path(str(DOCS / "draw/snap_tables.py"))


def test_tables_are_replaced(tables: dict[str, Any]) -> None:
    text = "a\n\n<!-- table: one (x) -->\n\n| h | i |\n|---|---|\n| old | 1 |\n| old | 2 |\n\nb\n"
    new = tables["replace_tables"](text, {"one": [["new", "3"]]})
    assert new == "a\n\n<!-- table: one (x) -->\n\n| h | i |\n|---|---|\n| new | 3 |\n\nb\n"
    with pytest.raises(ValueError, match="must have one table two, not 0"):
        tables["replace_tables"](text, {"two": []})


def test_rows_are_kept(tables: dict[str, Any], snap_tables: dict[str, Any]) -> None:
    head = "<!-- table: snap-area (x) -->\n\n| h | i | j | k | l | m |\n|---|---|---|---|---|---|\n"
    text = head + "| `a` | 1 | 2 | 3 | 4 | 5 |\n| `b` | 1 | 2 | 3 | 4 | 5 |\n"
    for design in ("b", "c"):
        rows = snap_tables["area_tables"](
            {"design": design, "area": 4321.6, "macro_area": 99.7, "shares": {"aim": 0.05, "more": 0.123}, "depth": 7}
        )
        text = tables["replace_tables"](text, rows, keep=True)
    row = "4,322 | 100 | 5.0% | 12.3% | 7 |"
    assert text.splitlines()[4:] == ["| `a` | 1 | 2 | 3 | 4 | 5 |", f"| `b` | {row}", f"| `c` | {row}"]


def test_tables_of_fpga_builds(monkeypatch: pytest.MonkeyPatch, tables: dict[str, Any]) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "draw"))
    fpga_tables = runpy.run_path(str(DOCS / "draw/fpga_tables.py"))["fpga_tables"]
    text = (DOCS / "fpga.md").read_text(encoding="utf-8")
    assert tables["replace_tables"](text, fpga_tables(read_records())) == text, HINT
    path = {"from": "self_test.engine.a", "to": "self_test.engine.b", "logic_ns": 1.25, "routing_ns": 12, "cells": 9}
    record = {"board": "ulx3s-85f", "engine": "snap", "config": PRESETS["snap-fpga"].to_dict(), "fmax_hz": 60123456}
    record |= {"frequency_hz": 60_000_000}
    record |= {"lut": 54321, "ff": 9876, "dsp": 42, "ram": 7, "gmac_per_s": 2.5252, "gmac_per_s_per_klut": 0.0465}
    assert fpga_tables([record | {"build_seconds": 1234.5, "critical_path": path}]) == {
        "fpga": [
            ["`ulx3s-85f`", "`snap`", "7 x 3 PEs of 2 multipliers, 8 bits, AIMs of 8 x 8 comparators"]
            + ["60", "60.1", "54,321", "9,876", "42", "7", "2.53", "0.046", "1,234"]
        ],
        "fpga-paths": [["`ulx3s-85f`", "`snap`", "`engine.a`", "`engine.b`", "1.2", "12.0", "9"]],
    }
    assert fpga_tables([record | {"build_seconds": 1, "critical_path": {}}])["fpga-paths"] == []


def test_tables_of_the_core(snap_tables: dict[str, Any]) -> None:
    row = {"layer": "net/conv", "kind": "3x3", "part": None, "ia_density": 0.5, "w_density": 1.0, "cycles": 1234}
    goals = [
        {"name": "aim_share", "value": 0.0503, "goal": "<= 0.08"},
        {"name": "speed", "value": 24318, "goal": ">= 10000"},
        {"name": "seconds", "value": 5.55, "goal": "<= 10"},
    ]
    rows = [row | {"utilisation": 0.98765, "oa_updates_per_cycle": 0.125}]
    assert snap_tables["bench_tables"]({"rows": rows, "goals": goals}) == {
        "snap-bench": [["net/conv (3x3)", "whole", "0.5/1", "1,234", "0.988", "0.12"]],
        "snap-goals": [
            ["aim share", "0.050", "at most 0.08"],
            ["speed", "24,318", "at least 10,000"],
            ["seconds", "5.5", "at most 10"],
        ],
    }
    layer = {"name": "digits FC", "size": "8 to 2", "ia_density": 0.54, "w_density": 0.2, "cycles": 1692}
    layer |= {"predicted_cycles": 1692, "utilisation": 0.0934, "speedup_over_dense": 4.31}
    assert snap_tables["demo_tables"]({"layers": [layer]}) == {
        "snap-demo": [["digits FC: 8 to 2", "0.54/0.20", "1,692", "1,692", "0.093", "4.31"]]
    }
