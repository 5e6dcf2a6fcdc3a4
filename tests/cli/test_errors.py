"""Every wrong input of the command line: one error line, exit code 2, nothing written."""

import gc
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Fragment, UnusedElaboratable

from tensorloom.cli import options
from tensorloom.hw.systolic.config import SystolicConfig
from tensorloom.run.registry import engines, preset_names

PRESET_NAMES = ", ".join(preset_names())
FIELDS = ", ".join(SystolicConfig.field_types())


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("rows=5", r"rows must be a multiple of tile_rows \(2\), not 5"),
        ("columns=7", r"columns must be a multiple of tile_columns \(2\), not 7"),
        ("rows=0", r"rows must be an integer from 1 to \d+, not 0"),
        ("rows=-4", r"rows must be an integer from 1 to \d+, not -4"),
        ("tile_rows=0", r"tile_rows must be an integer from 1 to \d+, not 0"),
        ("accumulator_rows=33", r"accumulator_rows must be a power of two, not 33"),
        ("accumulator_bits=8", r"accumulator_bits must be an integer from \d+ to 64, not 8"),
        ("rows=four", r"rows must be an integer, not 'four'"),
        ("rows=4.0", r"rows must be an integer, not '4.0'"),
        ("rows=", r"rows must be an integer, not ''"),
        ("rowz=4", rf"field must be one of {FIELDS}, not 'rowz'"),
        ("rows", r"--set must be of the form field=value, not 'rows'"),
        ("rows=٤", r"rows must be an integer, not '٤'"),
    ],
)
@pytest.mark.parametrize("command", ["verilog", "sim"])
def test_assignment(fails: Callable, command: str, assignment: str, message: str) -> None:
    rest = ["-o", "out"] if command == "verilog" else ["--matmul", "4x4x4"]
    assert re.fullmatch(message, fails(command, "tiny", "--set", assignment, *rest, code=2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows = 5", r"rows must be a multiple of tile_rows \(2\), not 5"),
        ("rows = -4", r"rows must be an integer from 1 to \d+, not -4"),
        ('rows = "four"', r"rows must be an integer, not 'four'"),
        ("rows = true", r"rows must be an integer, not true"),
        ("rows = 2026-01-02", r"rows must be an integer, not 2026-01-02"),
        ("rows = 4.0", r"rows must be an integer, not 4.0"),
        ("rows = [4]", r"rows must be an integer, not \[4\]"),
        ("[rows]\nx = 1", r"rows must be an integer, not \{'x': 1\}"),
        ("rowz = 4", rf"field must be one of {FIELDS}, not 'rowz'"),
        ("rows = \n", r"configuration must be valid TOML: Invalid value .*line 2, column 8.*"),
        ('preset = "tinny"', rf"preset must be one of {PRESET_NAMES}, not 'tinny'"),
        ("preset = 4", rf"preset must be one of {PRESET_NAMES}, not '4'"),
        ('engine = "snapp"', r"engine must be one of .*systolic.*, not 'snapp'"),
        ("", r"configuration must have a preset or an engine"),
        ("# no field\n", r"configuration must have a preset or an engine"),
        (
            f"rows = {'[' * 5000}{']' * 5000}",
            r"configuration must be .*: it is nested too deeply",
        ),
        (f"rows = {'9' * 5000}", r"configuration must be valid TOML: .*5000 digits.*"),
        ('engine = "other"\npreset = "tiny"', r"engine must be systolic, the preset's, not 'other'"),
    ],
)
def test_configuration_file(fails: Callable, tmp_path: Path, text: str, message: str) -> None:
    start = 'preset = "tiny"\n' if "row" in text else ""
    (tmp_path / "my.toml").write_text(start + text)
    error = fails("verilog", "--config", "my.toml", "-o", "out", code=2)
    assert re.fullmatch(rf"my\.toml: {message}", error)


def test_configuration_file_without_a_start(fails: Callable, run: Callable, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("rows = 16\n")
    error = "my.toml: configuration must have a preset or an engine"
    assert fails("verilog", "--config", "my.toml", "-o", "out", code=2) == error
    assert 'hint: such as preset = "systolic-256"' in run("config", "--config", "my.toml").stderr


def test_configuration_file_of_bytes(fails: Callable, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"\xff\xfe\x00")
    message = "my.toml: file must be UTF-8 text, not what byte 0 begins"
    assert fails("config", "--config", "my.toml", code=2) == message
    assert fails("area", "snap-tiny", "--liberty", "my.toml", code=2) == message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "a path must not be empty"),
        ("none", "file 'none' does not exist"),
        ("folder", "file 'folder' is a directory"),
        (300 * "a", "'a+': File name too long"),
    ],
)
@pytest.mark.parametrize(
    "args",
    [["config", "--config"], ["area", "snap-tiny", "--liberty"], ["sim", "tiny", "--b", "my.npy", "--a"]],
    ids=lambda args: args[-1],
)
def test_files_to_read(fails: Callable, tmp_path: Path, args: list[str], path: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "my.npy").touch()
    assert re.fullmatch(rf"Invalid value for '{args[-1]}'.*: {message}", fails(*args, path, code=2))


def test_file_without_permission(fails: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.toml").write_text("rows = 16\n")
    monkeypatch.setattr(options.os, "access", lambda path, mode: False)  # root may read everything
    assert fails("config", "--config", "my.toml", code=2).endswith("file 'my.toml' is not readable")


@pytest.mark.parametrize(
    "args",
    [
        ["verilog", "tiny", "-o"],
        ["demo", "tiny", "-o"],
        ["sim", "tiny", "--matmul", "4x4x4", "-o"],
        ["sim", "tiny", "--matmul", "4x4x4", "--vcd"],
        ["fpga", "build", "--board", "icebreaker", "--engine", "systolic", "-o"],
        ["bench", "snap", "--plot"],
    ],
)
def test_output_without_a_name(fails: Callable, args: list[str]) -> None:
    assert fails(*args, "", code=2).endswith(": a path must not be empty")
    assert fails(*args, 300 * "a", code=2).endswith(": File name too long")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["verilog", "tinny", "-o", "out"], rf"preset must be one of {PRESET_NAMES}, not 'tinny'"),
        (["verilog", "-o", "out"], r"a preset \(.*\) or --config FILE is needed"),
        (["verilog", "tiny"], r"Missing option .*--output.*"),
        (["verilog", "--config", "none.toml", "-o", "out"], r"Invalid value for .*--config.*none\.toml.*"),
        (["verilog", "tiny", "-o", "out", "--nonsense"], r"No such option: --nonsense.*"),
        (["lint", "tinny"], rf"preset or folder must be one of {PRESET_NAMES}, not 'tinny'"),
        (["list", "tinny"], r"engine must be one of .*, not 'tinny'"),
        (["bench", "tinny"], r"engine must be one of .*, not 'tinny'"),
        (["nonsense"], r"No such command 'nonsense'.*"),
    ],
)
def test_names_and_options(fails: Callable, args: list[str], message: str) -> None:
    assert re.fullmatch(message, fails(*args, code=2))


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["verilog", "tinny", "-o", "out"], "did you mean tiny?"),
        (["config", "tiny", "--set", "rwos=4"], "did you mean rows?"),
        (
            ["sim", "snap-tiny", "--layer", "resnet50"],
            "layers are network/layer; tensorloom layers resnet50 lists them",
        ),
        (
            ["sim", "snap-tiny", "--layer", "alexnet/foo"],
            "layers are network/layer; tensorloom layers alexnet lists them",
        ),
        (
            ["sim", "snap-tiny", "--layer", "vgg16/conv5_33"],
            "did you mean vgg16/conv5_3? tensorloom layers vgg16 lists them",
        ),
        (["sim", "snap-tiny", "--layer", "x"], "layers are network/layer; tensorloom layers lists them"),
    ],
)
def test_hints(run: Callable, args: list[str], hint: str) -> None:
    assert run(*args).stderr.splitlines()[-1] == f"hint: {hint}"


def test_a_field_of_a_file_has_a_hint_too(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('preset = "tiny"\nrwos = 4\n')
    assert "hint: did you mean rows?" in run("config", "--config", tmp_path / "my.toml").stderr


def test_an_engine_stands_for_its_first_preset(run: Callable) -> None:
    for engine in engines().values():
        assert run("config", engine.name).stdout == run("config", next(iter(engine.presets))).stdout


def test_preset_and_file(fails: Callable, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("rows = 16\n")
    error = fails("verilog", "tiny", "--config", "my.toml", "-o", "out", code=2)
    assert error == "give a preset or --config, not both"


@pytest.mark.parametrize("below", ["file", "file/deep/folder"])
def test_output_below_a_file(fails: Callable, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("content")
    for command in (["verilog", "tiny", "-o", below], ["demo", "tiny", "-o", below]):
        assert fails(*command, code=2) == f"cannot write {below}: {tmp_path / 'file'} is not a folder".replace(
            f"{tmp_path}/" if below == "file" else "", ""
        )
    assert (tmp_path / "file").read_text() == "content"


def test_folder_in_the_way_of_a_result(fails: Callable, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    error = fails("sim", "tiny", "--matmul", "4x4x4", "-o", "folder", code=2)
    assert error == "cannot write folder: it is not a regular file"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            [],
            r"one of --matmul .*, --conv .*, --shape HxWxC,RxS,K, --layer NAME, or --a and --b is needed",
        ),
        (["--matmul", "4x4x4", "--conv", "1x4x4x1,1x1,1"], r"one of --matmul .* is needed"),
        (["--matmul", ""], r"--matmul must be of the form MxKxN, not ''"),
        (["--conv", ""], r"--conv must be of the form NxHxWxC,RxS,K, not ''"),
        (["--layer", ""], r"--layer must be a layer of .*, not ''"),
        (["--shape", ""], r"--shape must be of the form HxWxC,RxS,K, not ''"),
        (["--shape", "4x4x8,1x1,4", "--part", ""], r"--part must be of the form HxWxC,K, not ''"),
        (["--matmul", "4x٣x4"], r"--matmul must be of the form MxKxN, not '4x٣x4'"),
        (["--matmul", "4x4x4", "--seed", "٣"], r"Invalid value for '--seed': '٣' is not an integer of at least 0"),
        (["--matmul", "4x4x4", "--stall", "٠.٥"], r"Invalid value for '--stall': '٠.٥' is not a number"),
        (["--matmul", "4x4x4", "--vcd", "w.vcd", "--window", "٠:٥"], r"--window must be FIRST:END .*"),
        (["--conv", "1x4x4x1,3x3,4", "--padding", "١"], r"Invalid value for '--padding': .*"),
        (["--conv", "1x4x4x3,3,8"], r"--conv must be of the form NxHxWxC,RxS,K, not '1x4x4x3,3,8'"),
        (["--matmul", "4x4"], r"--matmul must be of the form MxKxN, not '4x4'"),
        (["--matmul", "4xax4"], r"--matmul must be of the form MxKxN, not '4xax4'"),
        (["--matmul", "4x0x4"], r"K in --matmul must be at least 1, not 0"),
        (["--matmul", "4x4x-1"], r"N in --matmul must be at least 1, not -1"),
        (["--matmul", "4x99999999x9"], r"activations must have at most [\d,]+ elements, not 399,999,996"),
        (
            ["--matmul", "200000000x1x200000000"],
            r"result must have at most [\d,]+ elements, not 40,[0,]+",
        ),
        (["--matmul", "4x4x4", "--kinds", "int8"], r"--kinds must be two of .*, not 'int8'"),
        (["--matmul", "4x4x4", "--kinds", "int8,float32"], r"--kinds must be two of .*, not 'int8,float32'"),
        (["--matmul", "4x4x4", "--stall", "1"], r"--stall must be from 0 to 0\.99, not 1\.0"),
        (["--matmul", "4x4x4", "--stall", "nan"], r"--stall must be from 0 to 0\.99, not nan"),
        (["--matmul", "4x4x4", "--seed", "-1"], r"Invalid value for .*--seed.*"),
        (["--matmul", "4x4x4", "--window", "9:3"], r"--window must be FIRST:END with FIRST less than END, not '9:3'"),
        (
            ["--matmul", "4x4x4", "--window", f"{2**64}:{2**64 + 9}"],
            r"--window must end at cycle 4,294,967,296 at most, not 18,446,744,073,709,551,625",
        ),
        (["--matmul", "4x4x4", "--a", "none.npy"], r"Invalid value for .*--a.*none\.npy.*"),
        (["--conv", "1x4x4x1"], r"--conv must be of the form NxHxWxC,RxS,K, not '1x4x4x1'"),
        (["--conv", "1x4x4x3,3x3,4", "--groups", "2"], r"--groups must be a divisor of the 3 channels, not 2"),
        (["--conv", "1x4x4x1,3x3,4", "--stride", "0"], r"--stride must be an integer of at least 1, not 0"),
        (["--conv", "1x4x4x1,3x3,4", "--padding", "-1"], r"--padding must be an integer of at least 0, not -1"),
        (["--conv", "1x4x4x1,3x3,4", "--dilation", "0,1"], r"--dilation must be an integer of at least 1, not 0"),
        (["--shape", "4x4x4,3x3,4", "--groups", "0"], r"--groups must be an integer of at least 1, not 0"),
        (["--shape", "4x4x4,3x3,4", "--groups", "3"], r"--groups must be a divisor of the 4 channels .*, not 3"),
        (["--shape", "4x4x8,3x3,4", "--density", "nan/1"], r"IA in --density must be from 0 to 1, not nan"),
        (["--shape", "4x4x8,3x3,4", "--density", "1/2"], r"W in --density must be from 0 to 1, not 2.0"),
        (["--shape", "4x4x8,3x3,4", "--density", "٠/1"], r"--density must be of the form IA/W, .*"),
        (
            ["--conv", "1x4x4x1,3x3,4", "--padding", "9999"],
            r"padded activations must have at most .*, not 400.*",
        ),
        (["--conv", "1x1x1x1,1x1,99", "--padding", "999"], r"result must have at most .* elements, not 395,.*"),
        (["--shape", "4x4x8,1x1,4", "--kinds", "int16,int8"], r"--kinds goes with --matmul or --conv; .*"),
        (["--conv", "1x2x2x1,3x3,4"], r"kernel must be at most the input, 2 x 2, not 3 x 3"),
        (
            ["--conv", "1x2x2x1,3x3,4", "--dilation", "2", "--padding", "1"],
            r"dilated kernel must be at most the padded input, 4 x 4, not 5 x 5",
        ),
    ],
)
def test_jobs(fails: Callable, args: list[str], message: str) -> None:
    assert re.fullmatch(message, fails("sim", "tiny", *args, code=2))


def test_product_too_big_for_the_accumulators(fails: Callable) -> None:
    args = ["--matmul", "2x64x4", "--kinds", "uint16,uint16", "--set", "accumulator_bits=24"]
    error = fails("sim", "tiny", *args, code=2)
    assert re.fullmatch(
        r"result at \[0, 0\] must be from -8388608 to 8388607 to fit 24-bit accumulators \(accumulator_bits\), .*",
        error,
    )


def test_unexpected_error(fails: Callable, run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(options, "find_preset", broken)
    assert fails("config", "tiny", code=1) == "KeyError: 'surprise'"
    assert "--debug" in run("config", "tiny").stderr
    for result in (run("config", "tiny", "--debug"), run("--debug", "config", "tiny")):
        assert result.exit_code == 1 and "Traceback" in result.stderr and "error: KeyError" in result.stderr
    monkeypatch.setenv("TENSORLOOM_DEBUG", "1")
    assert "Traceback" in run("config", "tiny").stderr


def test_interrupt(fails: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "find_preset", interrupted)
    assert fails("config", "tiny", code=130) == "interrupted"


def test_program_reports_in_the_same_way(program: Callable, tmp_path: Path) -> None:
    done = program("verilog", "tiny", "--set", "rows=5", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert (done.stdout, done.stderr) == ("", "error: rows must be a multiple of tile_rows (2), not 5\n")
    assert not (tmp_path / "out").exists()
    done = program("verilog", "tiny", "--set", "rows=5", "-o", tmp_path / "out", TENSORLOOM_DEBUG="1")
    assert done.returncode == 2 and "Traceback" in done.stderr  # the exit code is the same


def test_missing_compiler(program: Callable, tmp_path: Path) -> None:
    for name in ("perl", "env", "sh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    cache = tmp_path / "cache"
    environment = {"PATH": str(tmp_path), "TENSORLOOM_CACHE": str(cache)}
    error = "error: g++, make not found: install the system packages g++ make"
    for args in (["sim", "tiny", "--matmul", "4x4x4"], ["demo", "tiny", "-o", tmp_path / "out"], ["bench", "systolic"]):
        done = program(*args, **environment)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith(error) and done.stderr.count("\n") == 1  # before anything else
    done = program("lint", "tiny", **environment | {"PATH": str(cache)})
    assert done.stderr.startswith("error: perl not found") and done.stderr.count("\n") == 1
    assert not cache.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "args", [["verilog", "tiny", "-o"], ["sim", "tiny", "--matmul", "4x4x4", "-o"], ["demo", "tiny", "-o"]]
)
def test_read_only_file_system(fails: Callable, run: Callable, args: list[str]) -> None:
    if not os.access("/proc", os.X_OK):
        pytest.skip("needs /proc")
    assert re.match(r"cannot write /proc/none: /proc takes no files", fails(*args, "/proc/none", code=2))
    assert "Emitting" not in run(*args, "/proc/none").stderr  # nor anything else that takes long


@pytest.mark.parametrize(
    "args",
    [
        ["verilog", "tiny", "-o", "out"],
        ["lint", "tiny"],
        ["sim", "tiny", "--matmul", "4x4x4"],
        ["area", "snap-tiny"],
        ["demo", "tiny", "-o", "out"],
        ["bench", "systolic"],
        ["fpga", "build", "--board", "icebreaker", "--engine", "systolic"],
        ["fpga", "build", "--board", "arty-a7", "--engine", "snap", "--project-only"],
        ["fpga", "report"],
    ],
    ids=lambda args: " ".join(args[:2]),
)
def test_cache_that_cannot_be_used(fails: Callable, args: list[str], tmp_path: Path, monkeypatch) -> None:
    """Said at once: nothing has been elaborated, no tool has run."""
    monkeypatch.delenv("YOWASP_CACHE_DIR")
    (tmp_path / "file").touch()
    for place, reason in (("/proc/xx", "No such file or directory"), (str(tmp_path / "file"), "Not a directory")):
        monkeypatch.setenv("TENSORLOOM_CACHE", place)
        monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: pytest.fail("a tool was run"))
        monkeypatch.setattr(Fragment, "get", lambda *args: pytest.fail("a design was elaborated"))
        error = fails(*args, code=1)
        assert (
            error
            == f"cannot use the cache {place}: {reason}; the environment variable TENSORLOOM_CACHE can name another"
        )
    with warnings.catch_warnings():  # of a design that was not used, as it is forgotten
        warnings.simplefilter("ignore", UnusedElaboratable)
        gc.collect()
