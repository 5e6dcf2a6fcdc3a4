"""``tensorloom test`` as a user calls it."""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tensorloom.hw.emit import yosys


def test_on_amaranth_with_waveforms(run: Callable, tmp_path: Path) -> None:
    waves = tmp_path / "pe.vcd"
    result = run("test", "tiny", "--block", "pe", "--simulator", "amaranth", "--waves", waves, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["passed"] and found["design"] == "tiny" and found["engine"] == "systolic" and found["seed"] == 1
    assert list(found["blocks"]) == ["pe"] and found["untested"] == []
    assert {name: run["failure"] for name, run in found["blocks"]["pe"].items()} == {"pe.random_work": ""}
    assert "$enddefinitions" in waves.read_text()


def test_a_fault_in_the_verilog_fails_the_testbench_that_looks_for_it(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error output is stuck at 0: one testbench of the block is about that, the other isn't."""
    emit = yosys.rtlil_to_verilog

    def broken(*arguments: Any) -> str:
        before, module, rest = emit(*arguments).partition("module sequencer(")
        body, end, after = rest.partition("endmodule")
        assert "o_error <= 1'h1;" in body
        return before + module + body.replace("o_error <= 1'h1;", "o_error <= 1'h0;") + end + after

    monkeypatch.setattr(yosys, "rtlil_to_verilog", broken)
    results = tmp_path / "results.xml"
    result = run("test", "tiny", "--block", "sequencer", "--junit", results, "--seed", 3)
    assert result.exit_code == 1, result.output
    assert "1 failed" in result.stdout and "sequencer sequencer.error_flag: " in result.stdout
    assert result.stdout.endswith("tiny: 1 of 2 testbenches passed in verilator, seed 3\n")
    (suite,) = ElementTree.parse(results).getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("sequencer", "2", "1")
    failures = {case.get("name"): case.findtext("failure") for case in suite.iter("testcase")}
    assert failures["sequencer.everything_holds_it_back"] is None and failures["sequencer.error_flag"]


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_on_icarus(run: Callable, tmp_path: Path) -> None:
    waves = tmp_path / "pe.fst"
    result = run("test", "tiny", "--block", "pe", "--simulator", "icarus", "--waves", waves)
    assert result.exit_code == 0, result.output
    assert waves.stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "--block", "aim"), "block must be one of accumulator_column, "),
        (("tiny", "--list", "--block", "pe"), "--list runs no testbench"),
        (("tiny", "--waves", "waves.vcd"), "--waves is for one block"),
        (("tiny", "-b", "pe", "-b", "tile", "--waves", "waves.vcd"), "--waves is for one block"),
        (("tiny", "-b", "pe", "--waves", "none/waves.vcd"), "cannot write none/waves.vcd: there is no folder none"),
        (("tiny", "--junit", "."), "cannot write .: it is not a regular file"),
        (("tiny", "--simulator", "spice"), "Invalid value for '--simulator'"),
        (("tiny", "--seed", "-1"), "Invalid value for '--seed'"),
        (("tinny",), "preset must be one of"),
    ],
)
def test_wrong_options(fails: Callable, arguments: tuple[str, ...], message: str) -> None:
    assert message in fails("test", *arguments, code=2)


@pytest.mark.parametrize("name", ["block", "unified_bufer"])
def test_a_block_that_no_design_has_is_refused_before_the_emission(
    fails: Callable, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Which takes minutes for a chip."""
    monkeypatch.setattr("tensorloom.hw.emit.emitter.emit_blocks", None)
    error = fails("test", "tpu-v1", "--block", name, code=2)
    assert error == f"block must be one that has testbenches, not {name!r}"


def test_blocks_are_listed(run: Callable) -> None:
    result = run("test", "tiny", "--set", "tile_columns=4", "--list", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["design"] == "tiny tile_columns=4" and found["blocks"]["pe"] == ["pe.random_work"]
    assert list(found["blocks"])[-1] == "matrix_unit"
    assert "pe.random_work\n" in re.sub(" *\n", "\n", run("test", "tiny", "--list").stdout)


def test_a_missing_simulator_is_named(fails: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    error = fails("test", "tiny", "--simulator", "icarus", code=1)
    assert "Icarus Verilog not found" in error and "install the system package iverilog" in error
    assert "install the system packages" in fails("test", "tiny", code=1)


def test_missing_cocotb_is_named(fails: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "cocotb" else find(name))
    assert "pip install 'tensorloom[cocotb]'" in fails("test", "tiny", code=1)
