"""``tensorloom registers``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.run.registry import engines

KINDS = (".rdl", ".md", ".h", ".xml", "_html/index.html")


@pytest.fixture(autouse=True)
def _packages() -> None:
    for package in ("cheader", "html", "ipxact", "markdown"):
        pytest.importorskip(f"peakrdl_{package}")


@pytest.fixture(
    params=[name for name, engine in engines().items() if engine.registers(next(iter(engine.presets.values())))]
)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_files_and_json(run: Callable, tmp_path: Path, engine: str) -> None:
    result = run("registers", engine, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    written = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {Path(file["path"]) for file in report["files"]} == written
    assert all(file["bytes"] == Path(file["path"]).stat().st_size for file in report["files"])
    assert {tmp_path / "out" / f"{report['name']}{kind}" for kind in KINDS} <= written
    described = engines()[engine].registers(next(iter(engines()[engine].presets.values())))
    assert described is not None
    assert {name: one["offset"] for name, one in report["registers"].items()} == {
        register.name: register.offset for register in described.registers
    }


def test_equal_files_are_left_untouched(run: Callable, tmp_path: Path, engine: str) -> None:
    shown = run("registers", engine, "-o", tmp_path).stdout
    assert all(kind in shown for kind in KINDS) and "/fonts/" not in shown
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert run("registers", engine, "-o", tmp_path).exit_code == 0
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


@pytest.mark.parametrize("name", [engine.name for engine in engines().values()])
def test_engine_without_registers(fails: Callable, run: Callable, name: str, tmp_path: Path) -> None:
    found = engines()[name]
    if found.registers(next(iter(found.presets.values()))) is None:
        having = [one.name for one in engines().values() if one.registers(next(iter(one.presets.values())))]
        error = fails("registers", name, "-o", "out", code=2)
        assert error == f"engine must be one with registers ({', '.join(having)}), not {name!r}"
    else:
        assert run("registers", name, "-o", tmp_path).exit_code == 0


@pytest.mark.parametrize("kind", ["md", "html"])
def test_all_files_or_none(fails: Callable, tmp_path: Path, kind: str) -> None:
    if kind == "md":
        (tmp_path / "out/snap_chip.md").mkdir(parents=True)
        message = "cannot write out/snap_chip.md: it is not a regular file"
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/snap_chip_html").touch()
        message = "cannot write out/snap_chip_html: File exists"
    assert fails("registers", "snap-chip", "-o", "out", code=2) == message


def test_missing_package(fails: Callable, run: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "peakrdl_ipxact", None)
    assert fails("registers", "snap-chip", "-o", "out", code=1) == "the Python package peakrdl_ipxact is missing"
    assert "hint: scripts/setup, or pip install '.[registers]'" in run("registers", "snap-chip", "-o", "out").stderr


def test_wrong_design(fails: Callable) -> None:
    assert fails("registers", "snap-chip", "--set", "cores=0", "-o", "out", code=2) == (
        "cores must be an integer from 1 to 8, not 0"
    )
    assert fails("registers", "snap-chip", "-o", "", code=2).endswith("a path must not be empty")
