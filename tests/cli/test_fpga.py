import json
from pathlib import Path

import pytest

from tensorloom.fpga import plan, records
from tensorloom.fpga.boards import BOARDS
from tensorloom.run.registry import engines


def test_list(run) -> None:
    listed = json.loads(run("fpga", "list", "--json").stdout)
    assert [board["name"] for board in listed] == list(BOARDS)
    assert {board["name"] for board in listed if not board["bitstream"]} == {"arty-a7", "arty-z7"}
    text = run("fpga", "list").stdout
    assert all(name in text for name in BOARDS)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--board", "ulx3s", "--engine", "systolic"], 2, "board must be one of ulx3s-85f, icebreaker"),
        (["--board", "icebreaker", "--engine", "tpu"], 2, "engine must be one of systolic, snap, eie, not 'tpu'"),
        (
            ["--board", "ulx3s-85f", "--engine", "snap-chip"],
            2,
            "engine must be one of systolic, snap, eie, not 'snap-chip'",
        ),
        (["--board", "icebreaker", "--engine", "snap"], 2, "engine must be systolic on icebreaker, not 'snap'"),
        (["--board", "icebreaker", "--engine", "systolic", "--set", "rows=0"], 2, "rows must be "),
        (["--board", "icebreaker", "--engine", "systolic", "--frequency", "-1"], 2, "--frequency must be from 0.001"),
        (["--board", "icebreaker", "--engine", "systolic", "--frequency", "900"], 2, "frequency must be from "),
        (["--board", "arty-a7", "--engine", "systolic"], 1, "arty-a7 needs Vivado for a bitstream"),
        (["--board", "arty-a7", "--engine", "snap", "--project-only", "--record"], 2, "--record needs a build"),
        (["--board", "arty-a7", "--engine", "snap", "--project-only", "--seed", "2"], 2, "--seed is of the placer"),
        (
            ["--board", "icebreaker", "--engine", "systolic", "--seed", "2147483648"],
            2,
            "--seed must be less than 2147483648",
        ),
    ],
)
def test_bad_input(fails, arguments: list[str], code: int, message: str) -> None:
    assert fails("fpga", "build", *arguments, code=code).startswith(message)


def test_a_missing_tool(fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path))
    monkeypatch.setenv("NEXTPNR_ICE40", "no-such-program")
    assert "no-such-program not found" in fails(
        "fpga", "build", "--board", "icebreaker", "--engine", "systolic", code=1
    )


@pytest.mark.parametrize(
    ("board", "sizes", "options", "most"),
    [
        ("icebreaker", ["rows=16", "columns=16"], [], "8, which is what icebreaker (iCE40UP5K-SG48) has, not 256"),
        ("arty-a7", ["rows=16", "columns=28"], ["--project-only"], "240, which is what arty-a7 (xc7a100ticsg324-1L) "),
        ("tang-primer-20k", ["rows=16", "columns=12"], [], "96, which is what tang-primer-20k (GW2A-LV18PG256C8/I7) "),
    ],
)
def test_more_multipliers_than_there_are(
    fails, monkeypatch: pytest.MonkeyPatch, board: str, sizes: list[str], options: list[str], most: str
) -> None:
    monkeypatch.setattr(plan, "emit", lambda *args, **options: pytest.fail("it was emitted"))
    for size in sizes:
        options = [*options, "--set", size]
    error = fails("fpga", "build", "--board", board, "--engine", "systolic", *options, "-o", "out", code=2)
    assert error.startswith(f"multipliers must be at most {most}")
    assert error.endswith(": choose fewer rows or columns")


def test_a_missing_package(fails, run, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'amaranth_boards'", name="amaranth_boards")

    monkeypatch.setattr(plan, "make_plan", missing)
    command = ["fpga", "build", "--board", "icebreaker", "--engine", "systolic"]
    assert fails(*command, code=1) == "the Python package amaranth_boards is missing"
    assert "hint: scripts/setup, or pip install '.[fpga]', in a clone" in run(*command).stderr


def test_a_missing_tool_is_told_first(fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEPACK", "no-such-program")
    monkeypatch.setattr(plan, "emit", lambda *args, **options: pytest.fail("it was emitted"))
    error = fails("fpga", "build", "--board", "icebreaker", "--engine", "systolic", "-o", "out", code=1)
    assert error == "no-such-program not found: it is what the environment variable ICEPACK names"


def test_project_of_a_vendor(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YOSYS", "/bin/false")  # of builds: a project's Verilog is like all that is emitted
    options = ["--set", "rows=4", "--set", "columns=14", "--project-only", "-o", tmp_path, "--json"]
    done = run("fpga", "build", "--board", "arty-a7", "--engine", "systolic", *options)
    assert done.exit_code == 0, done.output
    files = [Path(path) for path in json.loads(done.stdout)["files"]]
    assert {path.name for path in files} >= {"top.v", "self_test.v", "top.tcl", "top.xdc", "build_top.sh"}
    assert all(path.stat().st_size for path in files)


def test_printed_commands_are_quoted_for_the_shell(run, tmp_path: Path) -> None:
    folder = tmp_path / "a b $x"
    done = run("fpga", "build", "--board", "icebreaker", "--engine", "systolic", "--project-only", "-o", folder)
    assert f"  cd '{folder}' && sh build_top.sh" in done.stdout


def test_records_that_cannot_be_written_are_refused_before_the_build(
    fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(records, "BUILDS", tmp_path / "file" / "builds")
    monkeypatch.setattr(plan, "emit", lambda *args, **options: pytest.fail("it was emitted"))
    error = fails("fpga", "build", "--board", "icebreaker", "--engine", "systolic", "--record", code=2)
    assert error == f"cannot write {tmp_path / 'file' / 'builds'}: {tmp_path / 'file'} is not a folder"


def test_help_without_a_command_is_no_error(run) -> None:
    result = run("fpga")
    assert result.exit_code == 2 and "build" in result.output and "error:" not in result.output


def test_report_marks_stale_builds(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fields = ("fmax_hz", "lut", "ff", "dsp", "ram", "multipliers", "gmac_per_s", "gmac_per_s_per_klut", "build_seconds")
    fpga = engines()["systolic"].fpga
    assert fpga
    target = fpga.boards["icebreaker"]
    record = {
        "board": "icebreaker",
        "engine": "systolic",
        "config": target.config.to_dict(),
        "frequency_hz": 24_000_000,
    }
    record |= dict.fromkeys(fields, 1) | {"seed": 1, "critical_path": {}, "design": "of another time"}
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(records.read_records, "__defaults__", (tmp_path / "builds",))
    records.write_record(record, tmp_path / "builds")
    (row,) = json.loads(run("fpga", "report", "--json").stdout)
    assert row == record | {"stale": True}
    assert "stale" in run("fpga", "report").stdout
    (tmp_path / "builds" / "bad.json").write_text("{}")
    assert run("fpga", "report").exit_code == 2


def test_recorded_builds_have_all_figures() -> None:
    found = records.read_records()
    assert found
    for record in found:
        assert record["board"] in BOARDS
        assert record["fmax_hz"] >= record["frequency_hz"]
        assert record["dsp"] > 0
