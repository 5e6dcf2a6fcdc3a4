"""``tensorloom area`` on the smallest presets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.hw.snap.config import PRESETS

CELLS = Path(__file__).parent.parent / "cells.lib"


def test_snap(run: Callable) -> None:
    result = run("area", "snap-tiny-1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    config, modules = PRESETS["snap-tiny-1"], {module["module"]: module for module in found["modules"]}
    assert (found["design"], found["engine"], found["top"], found["unit"]) == (
        "snap-tiny-1",
        "snap",
        "snap_core",
        "NAND2",
    )
    assert modules["snap_core"]["area"] == found["area"] > 0 and modules["snap_core"]["share"] == 1
    assert {name: modules[name]["instances"] for name in ("snap_row", "aim", "pe")} == {
        "snap_row": config.core_rows, "aim": config.core_rows, "pe": config.pes,
    }  # fmt: skip
    assert sum(module["own_share"] for module in modules.values()) == pytest.approx(1, abs=0.01)
    assert found["shares"]["aim"] == modules["aim"]["share"] < found["shares"]["aim_and_index_files"] < 1
    assert found["gates"] + found["macro_area"] == found["area"]
    assert found["macro_area"] == 1.5 * found["memory_bits"]
    assert found["depth"] == modules["snap_core"]["depth"] >= modules["pe"]["depth"] > modules["aim"]["depth"] > 5
    assert modules["ram"]["depth"] == 0


def test_table_with_a_library(run: Callable) -> None:
    result = run("area", "tiny", "--set", "columns=2", "--set", "rows=2", "--liberty", CELLS)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["module", "instances"] and lines[1].split()[:2] == ["matrix_unit", "1"]
    assert any(line.split()[:2] == ["pe", "4"] for line in lines)
    text = " ".join(lines[-4:])
    assert f"units of area of {CELLS}" in text and "memory macros of" in text and " 0 bits" not in text
    assert lines[-1] == "assumed of macros: no area; --macro-bit gives them one"


def test_a_price_for_macros(run: Callable, fails: Callable) -> None:
    args = "area", "tiny", "--set", "columns=2", "--set", "rows=2", "--macro-bit", 4, "--json"
    found = json.loads(run(*args).stdout)
    assert found["macro_area"] == 4 * found["memory_bits"] > 0
    assert found["area"] == found["gates"] + found["macro_area"]
    for value in ("-1", "1e+308", "nan"):
        text = f"--macro-bit must be a number from 0 to 1,000,000, not {value}"
        assert fails("area", "tiny", "--macro-bit", value, code=2) == text


def test_wrong_library(fails: Callable, tmp_path: Path) -> None:
    assert "none.lib" in fails("area", "tiny", "--liberty", "none.lib", code=2)
    (tmp_path / "bad.lib").write_text(CELLS.read_text()[:700])
    error = fails("area", "tiny", "--liberty", "bad.lib", code=2)
    assert error.startswith("bad.lib: not a Liberty library to map to: Syntax error in liberty file")
    (tmp_path / "bytes.lib").write_bytes(b"\xff\xfe")
    assert fails("area", "tiny", "--liberty", "bytes.lib", code=2).startswith("bytes.lib: ")


def test_wrong_design(fails: Callable) -> None:
    assert fails("area", "tinny", code=2).startswith("preset must be one of ")
    assert "preset (" in fails("area", code=2)
