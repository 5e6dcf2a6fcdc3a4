"""``tensorloom verilator`` hands its arguments on as they are."""

import importlib.metadata
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A Verilator on PATH that must not be called."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/verilator").write_text("#!/bin/sh\nexit 99\n")
    (tmp_path / "bin/verilator").chmod(0o755)
    return tmp_path / "bin"


def test_the_tool_and_its_exit_code(program: Callable, broken: Path, tmp_path: Path) -> None:
    (tmp_path / "good.v").write_text("module good; endmodule\n")
    (tmp_path / "bad.v").write_text("module bad; wire [1:0] a = 3'h7; initial $display(a); endmodule\n")
    path = os.pathsep.join([str(broken), os.environ["PATH"]])
    assert program("verilator", "--lint-only", tmp_path / "good.v", PATH=path).returncode == 0
    done = program("verilator", "--lint-only", "-Wall", tmp_path / "bad.v", PATH=path)
    assert done.returncode == 1 and "%Warning-WIDTHTRUNC" in done.stderr
    assert not re.search(r"^error:", done.stderr, re.MULTILINE)  # only Verilator speaks


def test_help_of_both(run: Callable, program: Callable) -> None:
    own = run("verilator", "--help")
    assert own.exit_code == 0 and "the exit code is Verilator's" in own.stdout
    tools = program("verilator", "--", "--help")
    assert tools.returncode == 0 and "verilator --binary -j 0 [options]" in tools.stdout
    assert re.search(r"^ +--trace-vcd .*", tools.stdout, re.MULTILINE) and "https://verilator.org/" in tools.stdout
    for other in ("tensorloom", "perl", "=head1", "=for", "L<", "GetOptions"):  # neither its program nor its markup
        assert other not in tools.stdout, other


def test_version_has_a_number(program: Callable) -> None:
    done = program("verilator", "--version")
    version = importlib.metadata.version("verilator")
    assert (done.returncode, done.stdout) == (0, f"Verilator {version} (the Python package verilator)\n")


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (
            ["-hierarchical", "-O3", "-Wall", "--top", "x", "a b.v"],
            ["-hierarchical", "-O3", "-Wall", "--top", "x", "a b.v"],
        ),
        (["a.v", "--debug", "--json"], ["a.v", "--json"]),
        (["a.v", "--", "--debug", "--json", "--"], ["a.v", "--debug", "--json", "--"]),
    ],
)
def test_arguments(given: list[str], received: list[str], run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(os, "execvpe", lambda name, arguments, environment: called.append(arguments))
    assert run("verilator", *given).exit_code == 0
    assert called == [["verilator", *received]]


def test_hierarchical_builds_link_what_they_need(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(os, "execvpe", lambda name, arguments, environment: called.append(arguments))
    given = ["--binary", "--hierarchical", "a.v"]
    assert run("verilator", *given).exit_code == 0
    ((*before, added),) = called
    assert before == ["verilator", *given]
    assert "operator new" in Path(added).read_text()


def test_a_missing_compiler(fails: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert fails("verilator", "--binary", "x.v", code=1).startswith("no-such-compiler not found")


def test_another_installation_is_not_taken(program: Callable, tmp_path: Path) -> None:
    (tmp_path / "good.v").write_text("module good; endmodule\n")
    options = ["--lint-only", tmp_path / "good.v"]
    done = program("verilator", *options, VERILATOR_ROOT=str(tmp_path), VERILATOR_BIN="/bin/false")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_build(program: Callable, tmp_path: Path) -> None:
    """With several threads, a delay, a header of its own and waveforms."""
    (tmp_path / "top.sv").write_text(
        'module top; initial begin $dumpfile("top.vcd"); $dumpvars; #7 $display("done"); $finish; end endmodule\n'
    )
    options = ["--binary", "--trace-vcd", "--threads", "2", "-Mdir", tmp_path / "obj", tmp_path / "top.sv"]
    done = program("verilator", *options, "-MAKEFLAGS", "OPT_GLOBAL=-O0")  # in half the time
    assert done.returncode == 0, done.stdout + done.stderr
    ran = subprocess.run([tmp_path / "obj/Vtop"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("done") and (tmp_path / "top.vcd").stat().st_size
