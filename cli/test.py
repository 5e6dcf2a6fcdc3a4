"""``tensorloom test``: run the testbenches of a design's blocks."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import FAILURE, UsageError
from ..run.files import check_apart, check_file, replacing, writing
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples, to_path
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    from ..run.testing import TestReport
    from ..tb.runner import BenchRun

__all__ = ["EXAMPLES", "test"]

EXAMPLES = examples(
    "test",
    "tensorloom test --config my.toml --junit results.xml",
    "tensorloom test tiny --set rows=8 --list",
    "tensorloom test tiny --block drain_control --waves drain.vcd",
    "tensorloom test tiny --simulator amaranth --seed 7",
)


class Simulator(StrEnum):
    """Where testbenches run."""

    verilator = "verilator"
    icarus = "icarus"
    amaranth = "amaranth"


def test(
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option("--block", "-b", metavar="NAME", help="Test this block only; can be given several times."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all random numbers.")] = 1,
    simulator: Annotated[
        Simulator,
        typer.Option(
            help="The Verilator that came with tensorloom, an installed Icarus Verilog, or Amaranth's simulator."
        ),
    ] = Simulator.verilator,
    waves: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=to_path, help="Write waveforms of the one block (VCD; of Icarus FST)."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=to_path, help="Write the results as JUnit's XML.")
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Show the blocks that have testbenches; run none.")] = False,
    as_json: Json = False,
) -> None:
    """Run the testbenches of a design's blocks on its own configuration; exit code 1 if one fails.

    They are written with cocotb and play each block with random stalls and extreme values against its golden model, on
    the Verilog of the block alone. The same seed gives the same random numbers in all simulators.
    """
    design = choose_design(preset, config_file, assignments)
    if waves is not None and len(blocks or ()) != 1:
        raise UsageError("--waves is for one block", "name it with --block")
    files = [*filter(None, (waves, junit))]
    for path in files:
        check_file(path)
    check_apart(files)
    from ..run import testing

    if list_only:
        if blocks or files:
            raise UsageError("--list runs no testbench: --block, --waves and --junit don't go with it")
        found = testing.list_blocks(design, stages=Stages())
        if as_json:
            print_json({"design": design.name, "engine": design.engine.name, "blocks": found})
        else:
            print_table(["block", "testbenches"], [[name, ", ".join(benches)] for name, benches in found.items()])
        return
    options: dict[str, Any] = {"blocks": blocks or (), "simulator": simulator.value, "seed": seed, "stages": Stages()}
    if waves is None:
        report = testing.test_design(design, **options)
    else:
        with replacing(waves) as partial:
            report = testing.test_design(design, waves=partial, **options)
    if junit is not None:
        with writing(junit):
            write_files(junit.parent, {junit.name: testing.junit(report)})
    if as_json:
        print_json(
            {
                "design": report.design,
                "engine": design.engine.name,
                "simulator": report.simulator,
                "seed": report.seed,
                "passed": not report.failures,
                "blocks": {
                    block: {run.name: {"seconds": round(run.seconds, 3), "failure": run.failure} for run in runs}
                    for block, runs in report.blocks.items()
                },
                "untested": report.untested,
            }
        )
    else:
        _show(report)
    if report.failures:
        raise typer.Exit(FAILURE)


def _show(report: "TestReport") -> None:
    rows = [
        [block, len(runs), round(sum(run.seconds for run in runs), 2), _result(runs)]
        for block, runs in report.blocks.items()
    ]
    print_table(["block", "tests", "seconds", "result"], rows)
    for block, run in report.failures:
        say(f"{block} {run.name}: {run.failure}")
    if report.untested:
        say(f"played by the testbenches of the blocks around them: {', '.join(report.untested)}")
    tests = sum(len(runs) for runs in report.blocks.values())
    failed = len(report.failures)
    say(f"{report.design}: {tests - failed} of {tests} testbenches passed in {report.simulator}, seed {report.seed}")


def _result(runs: "list[BenchRun]") -> str:
    failed = sum(bool(run.failure) for run in runs)
    return f"{failed} failed" if failed else "passed"
