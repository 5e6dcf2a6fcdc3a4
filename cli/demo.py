"""``tensorloom demo``: from Python to checked Verilog to real images, on every engine."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.errors import FAILURE
from ..run.emission import emit_design
from ..run.files import check_folder, writing
from ..run.registry import Design, engines
from ..tb.tools import check_tools
from .lint import run_lint
from .options import Json, Preset, choose_design, examples, to_path
from .output import Stages, bytes_text, print_json, print_table, say, seconds_text

__all__ = ["EXAMPLES", "LEAST_ACCURACY", "demo"]

EXAMPLES = examples("demo", "tensorloom demo")

LEAST_ACCURACY = 0.96
"""The digits classifiers must read at least this fraction of the held-out images."""


def demo(
    preset: Preset = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", parser=to_path, help="Folder for the Verilog.")
    ] = Path("build/demo"),
    as_json: Json = False,
) -> None:
    """Generate accelerators and run real input on their Verilog: one of each engine, or the given preset.

    Quantized networks read scikit-learn's scans of handwritten digits, layer after layer; some engines run further
    input. Every result is compared with the golden model, bit for bit. The Verilog of the first engine goes to the
    folder itself, that of the others to a folder of the engine's name in it.
    """
    start = time.perf_counter()
    designs = [choose_design(name, None, None) for name in ([preset] if preset else demo_presets())]
    check_folder(output)
    check_tools()
    reports = []
    for number, design in enumerate(designs):
        report = _run(design, output / design.engine.name if number else output, as_json)
        reports.append(report)
    seconds = round(time.perf_counter() - start, 2)
    passed = all(report["passed"] for report in reports)
    if as_json:
        others = {design.engine.name: report for design, report in zip(designs[1:], reports[1:], strict=True)}
        print_json(reports[0] | others | {"seconds": seconds, "passed": passed})
    else:
        say(f"\n{'passed' if passed else 'FAILED'} in {seconds_text(seconds)}")
    if not passed:
        raise typer.Exit(FAILURE)


def demo_presets() -> list[str]:
    """Presets that run if none is given."""
    return [name for engine in engines().values() for name in engine.demo_presets]


def _run(design: Design, output: Path, quiet: bool) -> dict[str, Any]:
    """Emit, lint and compile a design, run its demonstration, and print the result unless `quiet`."""
    stages = Stages()
    with stages(f"Emitting {design.name}") as update:
        emission = emit_design(design, progress=update)
        with writing(output):
            paths = emission.write(output)
    messages = run_lint(emission, design.name, stages)
    from ..run.execution import Simulator

    simulator = Simulator(design, emission, stages)
    shown = design.engine.demonstrate(simulator)
    report = {
        "design": design.name,
        "summary": design.engine.summary(design.config),
        "files": [{"path": str(path), "bytes": path.stat().st_size} for path in paths],
        "modules": {module["name"]: module["instances"] for module in emission.manifest["modules"]},
        "lint": messages,
        "layers": shown.layers,
        "images": shown.images,
        "accuracy": round(shown.accuracy, 4),
        "build_seconds": simulator.model.meta["build_seconds"],
        "stage_seconds": {title: round(seconds, 2) for title, seconds in stages.seconds.items()},
        "passed": not messages and all(layer["passed"] for layer in shown.layers) and shown.accuracy >= LEAST_ACCURACY,
    }
    if not quiet:
        say(f"\n{report['design']}: {report['summary']}\n")
        print_table(["generated", "size"], [[item["path"], bytes_text(item["bytes"])] for item in report["files"]])
        modules = report["modules"]
        say(f"{len(modules)} modules, {sum(modules.values()):,} instances")
        for message in messages[:10]:
            say(message)
        say(f"lint: {len(messages) or 'no'} warnings\n")
        print_table(shown.columns, shown.rows)
        say(f"{shown.note}\n")
        say(f"digits: {shown.accuracy:.2%} of {shown.images} held-out images read correctly")
    return report
