"""``tensorloom run``: run a program of a design's own instructions on its Verilog."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import FAILURE, UsageError, did_you_mean
from ..run.files import check_folder, writing
from ..run.jobs import check_pauses
from ..run.registry import engines
from .errors import usage_errors
from .options import (
    Assignments,
    ConfigFile,
    Json,
    Preset,
    choose_design,
    examples,
    existing_file,
    to_int,
    to_number,
    to_path,
)
from .output import Stages, print_json, print_table, say
from .sim import figure_rows

__all__ = ["EXAMPLES", "run"]

EXAMPLES = examples("run")

MOST_BYTES = 1 << 30
"""Of a memory."""

UNKNOWN = ("macs", "utilisation")
"""Figures that a program has none of: which of its products are useful, only its author knows."""


def run(
    preset: Preset = None,
    program: Annotated[
        Path | None,
        typer.Argument(metavar="PROGRAM", parser=existing_file, help="Text of the program, an instruction a line."),
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    memory: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE|BYTES", help="Contents of a memory, or how many zeros it holds; again and again."
        ),
    ] = None,
    latency: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Cycles until memory answers.")] = "1",
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of stalls.")] = "1",
    stall: Annotated[
        Any, typer.Option(metavar="P", parser=to_number, help="Probability that a channel pauses in a cycle.")
    ] = "0",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", parser=to_path, help="Write what memories hold afterwards."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a program of a design's own instructions on its Verilog.

    The text is assembled and checked first: what is illegal, or reads what nobody wrote, is refused with the number of
    the instruction. Then the Verilog runs it, with memories of this contents behind its ports. What it leaves there is
    compared with the golden model of the instructions, and every counter with the cycle model: exit code 1 if
    anything differs.
    """
    if program is None:
        raise UsageError("name a design and the program's file", "tensorloom run --help shows an example")
    design = choose_design(preset, config_file, assignments)
    engine = design.engine
    if not engine.memory_names:
        able = ", ".join(one.name for one in engines().values() if one.memory_names)
        raise UsageError(f"{engine.name} runs no programs; engines that do: {able}")
    from ..sim.memory_timing import MemoryTiming

    with usage_errors():
        check_pauses(stall, seed, ("--stall", "--seed"))
        timing = MemoryTiming(latency=latency)
    if output:
        check_folder(output)
    memories = _memories(memory or [], engine.memory_names)
    text = _text(program)
    with usage_errors(str(program)):
        assembled = engine.assemble(design.config, text, memories)
    stages = Stages()
    from ..run.execution import Simulator

    simulator = Simulator(design, stages=stages)
    outcome, driven = simulator.run_program(assembled, program.name, stall=stall, seed=seed, timing=timing)
    if output:
        with writing(output):
            write_files(
                output, {f"{name}.bin": data for name, data in engine.contents(assembled, driven.outputs).items()}
            )
    figures = {name: value for name, value in outcome.figures().items() if name not in UNKNOWN}
    if as_json:
        print_json({"design": design.name, "program": str(program)} | figures | {"passed": outcome.passed})
    else:
        print_table(["", f"{program.name} on {design.name}"], figure_rows(figures))
        say(f"failed: {outcome.complaint}" if outcome.complaint else "passed")
    if not outcome.passed:
        raise typer.Exit(FAILURE)


def _text(program: Path) -> str:
    try:
        return program.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{program} is no text; a program has an instruction a line") from None


def _memories(given: list[str], names: Any) -> dict[str, bytes]:
    """Contents by name of ``NAME=FILE`` and ``NAME=BYTES``."""
    found: dict[str, bytes] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not value:
            raise UsageError(f"--memory must be NAME=FILE or NAME=BYTES, not {one!r}")
        if name not in names:
            raise UsageError(f"there is no memory {name!r}; there are {', '.join(names)}", did_you_mean(name, names))
        if name in found:
            raise UsageError(f"--memory {name} is given twice")
        if value.isascii() and value.isdecimal():
            if int(value) > MOST_BYTES:
                raise UsageError(f"--memory {name} must have at most {MOST_BYTES:,} bytes, not {value}")
            found[name] = bytes(int(value))
        else:
            try:
                found[name] = existing_file(value).read_bytes()
            except typer.BadParameter as error:
                raise UsageError(f"--memory {name}: {error.message}") from None
    return found
