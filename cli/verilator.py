"""``tensorloom verilator``: the Verilator that came with tensorloom, on the user's own files."""

import os
import sys
from typing import Annotated

import typer

from .options import examples

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
    environment variable CXX names.
    """
    from ..tb.tools import check_tools, tool_environment

    arguments = arguments or []
    check_tools(*([] if {"--binary", "--build"} & set(arguments) else ["perl"]))
    environment = tool_environment()
    sys.stdout.flush()
    os.execvpe("verilator", ["verilator", *arguments], environment)
