"""``tensorloom run``: run a program of a design's own instructions, or a network, on the Verilog."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import FAILURE, UsageError, did_you_mean
from ..run.files import check_folder, writing
from ..run.jobs import check_pauses
from ..run.registry import engines
from .errors import usage_errors
from .networks import SUFFIX, choose_machine, run_model
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
        typer.Argument(
            metavar="PROGRAM",
            parser=existing_file,
            help="Text of the program, an instruction a line; or a network (.onnx).",
        ),
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
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            parser=to_path,
            help="Write what memories hold afterwards; of a network, its output as .npy, or all as .npz.",
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="ENGINE", help="Run a network on the engine's design for demonstrations.")
    ] = None,
    chosen: Annotated[str | None, typer.Option("--design", metavar="PRESET", help="Run a network on this one.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="FILE|NAME=FILE", help="Input of a network as .npy; without, random numbers."),
    ] = None,
    model_only: Annotated[
        bool, typer.Option("--model-only", help="Answer for a network from golden and cycle models, without Verilog.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", parser=to_path, help="Write a network's table of layers.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=to_path, help="Draw a network's layers (SVG).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a program of a design's own instructions, or a network from an ONNX file, on the Verilog.

    A network: tensorloom run MODEL.onnx --engine ENGINE --input X.npy -o Y.npy. What the machine doesn't do, the host
    does, and the table says so. The output is onnxruntime's, bit for bit; layers' figures are the cycle model's, whose
    sum is compared with the counters. With --model-only nothing is compiled: golden and cycle model answer.

    A program: tensorloom run PRESET PROGRAM --memory ....
    The text is assembled and checked first: what is illegal, or reads what nobody wrote, is refused with the number of
    the instruction. Then the Verilog runs it, with memories of this contents behind its ports. What it leaves there is
    compared with the golden model of the instructions, and every counter with the cycle model: exit code 1 if
    anything differs.
    """
    from ..sim.memory_timing import MemoryTiming

    model = _model(preset, program)
    if model:
        named = chosen or (None if program is None else preset)
        design = choose_machine(engine, named, config_file, assignments)
        with usage_errors():
            check_pauses(stall, seed, ("--stall", "--seed"))
            timing = MemoryTiming(latency=latency)
        if model_only and stall:
            raise UsageError("--stall needs the Verilog; --model-only leaves it out")
        if memory:
            raise UsageError("--memory goes with a program, not with a network")
        run_model(
            model, design, inputs=inputs or [], output=output, model_only=model_only, stall=stall, seed=seed,
            timing=timing, table=table, plot=plot, as_json=as_json,
        )  # fmt: skip
        return
    if inputs or model_only or table or plot or engine or chosen:
        raise UsageError("--engine, --design, --input, --model-only, --csv and --plot go with a network (.onnx)")
    if program is None:
        raise UsageError("name a design and the program's file", "tensorloom run --help shows an example")
    design = choose_design(preset, config_file, assignments)
    machine = design.engine
    if not machine.memory_names:
        able = ", ".join(one.name for one in engines().values() if one.memory_names)
        raise UsageError(f"{machine.name} runs no programs; engines that do: {able}")
    with usage_errors():
        check_pauses(stall, seed, ("--stall", "--seed"))
        timing = MemoryTiming(latency=latency)
    if output:
        check_folder(output)
    memories = _memories(memory or [], machine.memory_names)
    text = _text(program)
    with usage_errors(str(program)):
        assembled = machine.assemble(design.config, text, memories)
    stages = Stages()
    from ..run.execution import Simulator

    simulator = Simulator(design, stages=stages)
    outcome, driven = simulator.run_program(assembled, program.name, stall=stall, seed=seed, timing=timing)
    if output:
        with writing(output):
            write_files(
                output, {f"{name}.bin": data for name, data in machine.contents(assembled, driven.outputs).items()}
            )
    figures = {name: value for name, value in outcome.figures().items() if name not in UNKNOWN}
    if as_json:
        print_json({"design": design.name, "program": str(program)} | figures | {"passed": outcome.passed})
    else:
        print_table(["", f"{program.name} on {design.name}"], figure_rows(figures))
        say(f"failed: {outcome.complaint}" if outcome.complaint else "passed")
    if not outcome.passed:
        raise typer.Exit(FAILURE)


def _model(preset: str | None, program: Path | None) -> Path | None:
    """The file of a network, if one is named in place of a program or of a design."""
    if program is not None and program.suffix == SUFFIX:
        return program
    if program is None and preset is not None and preset.endswith(SUFFIX):
        try:
            return existing_file(preset)
        except typer.BadParameter as error:
            raise UsageError(error.message) from None
    return None


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
