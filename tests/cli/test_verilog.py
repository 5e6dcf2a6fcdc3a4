"""``tensorloom verilog`` and ``tensorloom lint``."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorloom.hw.emit import emitter
from tensorloom.hw.emit.yosys import YosysError
from tensorloom.run import emission as emission_module
from tensorloom.run.registry import find_preset


@pytest.fixture
def written(run: Callable, tmp_path: Path) -> dict:
    result = run("verilog", "tiny", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_json(written: dict, tmp_path: Path) -> None:
    assert written["design"] == "tiny" and written["engine"] == "systolic" and written["top"] == "matrix_unit"
    assert {Path(file["path"]).name for file in written["files"]} == {
        "matrix_unit.v",
        "matrix_unit.vlt",
        "matrix_unit.json",
        "matrix_unit_pkg.sv",
        "matrix_unit.core",
        "matrix_unit_component.xml",
        "matrix_unit.sdc",
        "matrix_unit.xdc",
    }
    for file in written["files"]:
        assert file["bytes"] == Path(file["path"]).stat().st_size > 0
    assert written["modules"]["matrix_unit"] == 1 and written["modules"]["tile"] == 4 and written["modules"]["pe"] == 16
    assert re.fullmatch(r"[0-9a-f]{64}", written["hash"])
    manifest = json.loads((tmp_path / "out/matrix_unit.json").read_text())
    assert manifest["hash"] == written["hash"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        Path(file["path"]).name for file in written["files"]
    )


def test_equal_files_are_left_untouched(run: Callable, written: dict, tmp_path: Path) -> None:
    times = {file["path"]: Path(file["path"]).stat().st_mtime_ns for file in written["files"]}
    assert run("verilog", "tiny", "-o", tmp_path / "out").exit_code == 0
    assert times == {path: Path(path).stat().st_mtime_ns for path in times}


def test_split_gives_one_file_a_module(run: Callable, tmp_path: Path) -> None:
    result = run("verilog", "tiny", "--split", "-o", tmp_path, "--json")
    modules = json.loads(result.stdout)["modules"]
    for name in modules:
        assert re.findall(r"^module (\w+)", (tmp_path / f"{name}.v").read_text(), re.MULTILINE) == [name]


def test_changed_field(run: Callable, tmp_path: Path) -> None:
    result = run("verilog", "tiny", "--set", "rows=8", "--set", "tile_rows=4", "-o", tmp_path, "--json")
    report = json.loads(result.stdout)
    assert report["design"] == "tiny rows=8 tile_rows=4"
    assert report["modules"]["tile"] == 4 and report["modules"]["pe"] == 32


def test_cached_emission_is_the_same(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    first = json.loads(run("verilog", "tiny", "-o", tmp_path / "first", "--json").stdout)
    (entry,) = (tmp_path / "cache/emission").iterdir()

    with monkeypatch.context() as patch:
        patch.setattr(emitter, "emit", lambda *_: pytest.fail("was emitted again"))
        second = json.loads(run("verilog", "tiny", "-o", tmp_path / "second", "--json").stdout)
    assert second["hash"] == first["hash"]
    for file in first["files"]:
        other = tmp_path / "second" / Path(file["path"]).name
        assert other.read_bytes() == Path(file["path"]).read_bytes()

    entry.write_text(entry.read_text()[:100])  # damaged
    assert json.loads(run("verilog", "tiny", "-o", tmp_path / "third", "--json").stdout)["hash"] == first["hash"]
    assert len(entry.read_text()) > 100


def test_key_depends_on_the_hardware_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    design = find_preset("tiny")
    assert design is not None
    key = emission_module._key(design, "")
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"changed" if path.name == "pe.py" else b"")
    assert emission_module._key(design, "") != key


def test_failed_emission_writes_nothing(fails: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise YosysError("ERROR: out of luck")

    monkeypatch.setattr(emitter, "rtlil_to_verilog", refuse)
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    assert fails("verilog", "tiny", "-o", "out", code=1) == "ERROR: out of luck"


def test_lint_of_a_preset(run: Callable) -> None:
    result = run("lint", "tiny", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"design": "tiny", "clean": True, "changed": False, "messages": []}
    assert run("lint", "tiny").stdout == "tiny: no warnings\n"


def test_lint_of_a_folder_with_a_fault(run: Callable, written: dict, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert run("lint", folder).exit_code == 0
    source = folder / "matrix_unit.v"
    text = source.read_text()
    source.write_text(text.replace("endmodule", "  wire [3:0] fault = 8'd255;\nendmodule", 1))
    result = run("lint", folder, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["clean"] is False
    assert any("WIDTHTRUNC" in message and "matrix_unit.v" in message for message in report["messages"])
    assert "1 warning" in run("lint", folder).stdout


def test_lint_of_a_folder_without_a_design(fails: Callable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert fails("lint", "empty", code=2) == "empty holds no emitted design (no manifest with its .vlt file)"


def test_lint_of_a_damaged_folder(fails: Callable, written: dict, tmp_path: Path) -> None:
    (tmp_path / "out/matrix_unit.json").write_text("{")
    assert fails("lint", "out", code=2).startswith(
        "out/matrix_unit.json is not the manifest of an emitted design (it is not JSON"
    )
    (tmp_path / "out/matrix_unit.json").write_text('{"format": 2, "files": ["none.v"], "waivers": "matrix_unit.vlt"}')
    assert "none.v" in fails("lint", "out", code=2)


def test_folder_has_its_own_configuration(fails: Callable, written: dict) -> None:
    error = fails("lint", "out", "--set", "rows=4", code=2)
    assert error == "--config and --set choose a design; a folder has one already"
