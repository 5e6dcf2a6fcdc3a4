"""Outputs go where they are meant to, and nowhere else; options that would do nothing are refused."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tensorloom.cli.jobs import make_job, write_tensor
from tensorloom.hw.emit.waivers import verilator_control
from tensorloom.sim.golden.geometry import ConvolutionSteps
from tensorloom.tb.bulk.cache import Cache

STEPS: ConvolutionSteps = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--matmul", "8x8x8", "--stride", "2"], "--stride, --padding, --dilation and --groups go with a convolution"),
        (["--matmul", "8x8x8", "--window", "0:10"], "--window goes with --vcd"),
        (["--matmul", "8x8x8", "-o", "nowhere/x.npy"], "cannot write nowhere/x.npy: there is no folder nowhere"),
        (["--matmul", "8x8x8", "-o", "x", "--vcd", "x"], "--vcd and --output must be two files, not both x"),
    ],
)
def test_options_without_effect(fails: Callable, options: list[str], message: str) -> None:
    assert fails("sim", "tiny", *options, code=2) == message


def test_output_is_a_regular_file(fails: Callable, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert fails("sim", "tiny", "--matmul", "8x8x8", "-o", "pipe", code=2) == (
        "cannot write pipe: it is not a regular file"
    )


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("matrix_unit.json", ["verilog", "tiny"]),
        ("top.v", ["fpga", "build", "--board", "arty-a7", "--engine", "systolic", "--set", "rows=4", "--project-only"]),
    ],
)
def test_all_files_or_none(fails: Callable, tmp_path: Path, name: str, command: list[str]) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    assert fails(*command, "-o", "out", code=2) == f"cannot write out/{name}: it is not a regular file"


def test_tensor_goes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.npy").symlink_to(tmp_path / "target.npy")
    write_tensor(tmp_path / "link.npy", np.arange(3))
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "target.npy").tolist() == [0, 1, 2]


def test_preset_and_folder_of_one_name(run: Callable, fails: Callable, tmp_path: Path) -> None:
    assert run("verilog", "tiny", "-o", tmp_path / "tiny").exit_code == 0
    assert fails("lint", "tiny", code=2) == "tiny is both a preset and a folder here"


@pytest.mark.parametrize("name", ["matrix_unit.v", "matrix_unit.vlt"])
def test_lint_says_that_files_were_changed(run: Callable, tmp_path: Path, name: str) -> None:
    assert run("verilog", "tiny", "-o", tmp_path).exit_code == 0
    assert "note:" not in run("lint", tmp_path).stderr
    with (tmp_path / name).open("a") as file:
        file.write("// mine\n")
    done = run("lint", tmp_path, "--json")
    assert done.exit_code == 0  # whoever changes them may do so
    (note,) = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert note == f"note: the files in {tmp_path} are not as they were written: the manifest has another hash"
    assert json.loads(done.stdout)["changed"] is True


def test_one_file_after_many(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "mine.v").write_text("module mine; endmodule\n")
    assert run("verilog", "tiny", "--split", "-o", tmp_path).exit_code == 0
    assert (tmp_path / "pe.v").exists()
    assert run("verilog", "tiny", "-o", tmp_path).exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.v")) == ["matrix_unit.v", "mine.v"]


def test_prefix(run: Callable, tmp_path: Path) -> None:
    assert run("verilog", "tiny", "--prefix", "left_", "-o", tmp_path).exit_code == 0
    modules = re.findall(r"^module (\w+)", (tmp_path / "left_matrix_unit.v").read_text(), re.MULTILINE)
    assert len(modules) > 10 and all(name.startswith("left_") for name in modules)
    assert json.loads((tmp_path / "left_matrix_unit.json").read_text())["top"] == "left_matrix_unit"
    assert run("verilog", "tiny", "--prefix", "8x", "-o", tmp_path).exit_code == 2


def test_waivers_are_for_own_files_only() -> None:
    text = verilator_control(["pe.v"], [])
    assert set(re.findall(r'-file "([^"]*)"', text)) == {"pe.v", "*/pe.v"}


def test_changed_cache_entry_is_not_used(run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "cache"))
    assert run("verilog", "tiny", "-o", tmp_path / "a").exit_code == 0
    (entry,) = (Cache().folder / "emission").glob("*.json")
    entry.write_text(entry.read_text().replace("endmodule", "endmodulX", 1))
    assert run("verilog", "tiny", "-o", tmp_path / "b").exit_code == 0
    assert (tmp_path / "a" / "matrix_unit.v").read_bytes() == (tmp_path / "b" / "matrix_unit.v").read_bytes()


@pytest.mark.parametrize("kinds", ["int16,int16", "uint16,uint16", "uint8,int16", "int16,int8"])
def test_random_sums_fit(kinds: str) -> None:
    job = make_job(matmul="8x300x8", conv=None, a_file=None, b_file=None, kinds=kinds, seed=1, steps=STEPS, wraps=False)
    largest = int(np.abs(job.a.astype(int)).max()) * int(np.abs(job.b.astype(int)).max()) * 300
    assert largest < 1 << 31
    assert ",".join(str(tensor.dtype) for tensor in (job.a, job.b)) == kinds
