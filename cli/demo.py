"""``tensorloom demo``: the 256x256 matrix unit, from Python to checked Verilog to real images."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .emission import emit_design
from .engines import ENGINES
from .errors import FAILURE, CommandError, UsageError, writing
from .jobs import Job
from .lint import run_lint
from .options import Json, Preset, check_folder, choose_design, examples
from .output import Stages, bytes_text, print_json, print_table, say, seconds_text

if TYPE_CHECKING:
    import numpy as np

    from .simulate_systolic import Simulator

__all__ = ["EXAMPLES", "LEAST_ACCURACY", "demo"]

EXAMPLES = examples("tensorloom demo", "tensorloom demo systolic-16 -o build/small --json")

LEAST_ACCURACY = 0.96
"""The digits classifier must read at least this fraction of the held-out images."""


def demo(
    preset: Preset = "tpu-v1",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the Verilog.")] = Path(
        "build/demo"
    ),
    as_json: Json = False,
) -> None:
    """Generate a matrix unit and run real input on its Verilog.

    A quantized classifier reads scikit-learn's scans of handwritten digits, layer after layer, and a 3x3 convolution
    with 64 kernels runs over a photograph. Every result is compared with the golden model, bit for bit.
    """
    start = time.perf_counter()
    design = choose_design(preset, None, None)
    if design.engine.name != "systolic":
        raise UsageError(f"preset must be one of {', '.join(ENGINES['systolic'].presets)}, not {preset!r}")
    check_folder(output)
    stages = Stages()
    with stages(f"Emitting {design.name}"):
        emission = emit_design(design)
        with writing(output):
            paths = emission.write(output)
    messages = run_lint(emission, design.name, stages)
    simulator = design.engine.simulator(design, emission, stages)
    layers, images, accuracy = _digits(simulator)
    layers.append(_photograph(simulator))
    report = {
        "design": design.name,
        "summary": design.engine.summary(design.config),
        "files": [{"path": str(path), "bytes": path.stat().st_size} for path in paths],
        "modules": {module["name"]: module["instances"] for module in emission.manifest["modules"]},
        "lint": messages,
        "layers": layers,
        "images": images,
        "accuracy": round(accuracy, 4),
        "build_seconds": simulator.model.meta["build_seconds"],
        "stage_seconds": {title: round(seconds, 2) for title, seconds in stages.seconds.items()},
        "seconds": round(time.perf_counter() - start, 2),
        "passed": not messages and all(layer["passed"] for layer in layers) and accuracy >= LEAST_ACCURACY,
    }
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report["passed"]:
        raise typer.Exit(FAILURE)


def _digits(simulator: "Simulator") -> tuple[list[dict[str, Any]], int, float]:
    """Classify the held-out digits on the Verilog; gives the layers' figures, the images and the accuracy."""
    from ..sim.workloads.digits import accuracy, digits_images, infer, load_digits_mlp

    data = _load(digits_images)
    layers: list[dict[str, Any]] = []

    def matmul(a: "np.ndarray", b: "np.ndarray") -> "np.ndarray":
        outcome = simulator.run(Job(name=f"digits layer {len(layers) + 1}", a=a, b=b, convolution=None))
        size = f"{len(a)} x {a.shape[1]} x {b.shape[1]}"
        layers.append(_figures(f"digits layer {len(layers) + 1}", size, outcome))
        return outcome.output

    scores = infer(load_digits_mlp(), data.test_images, matmul)
    return layers, len(scores), accuracy(scores, data.test_labels)


def _photograph(simulator: "Simulator") -> dict[str, Any]:
    """Convolve the photograph on the Verilog."""
    from ..sim.workloads.photo import filter_bank, photo

    steps = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}
    job = Job(name="photograph", a=_load(photo), b=filter_bank(), convolution=steps)
    outcome = simulator.run(job)
    size = f"{job.a.shape[1]} x {job.a.shape[2]} x {job.a.shape[3]}, 3 x 3, {job.b.shape[3]} kernels"
    return _figures("photograph", size, outcome)


def _load(source: Callable[[], Any]) -> Any:
    try:
        return source()
    except ImportError as error:
        hint = "pip install scikit-learn pillow, or use scripts/demo"
        raise CommandError(f"the demo's images need the package {error.name or 'scikit-learn'}", hint) from error


def _figures(name: str, size: str, outcome: Any) -> dict[str, Any]:
    return {"name": name, "size": size} | outcome.figures() | {"passed": outcome.passed}


def _print(report: dict[str, Any]) -> None:
    say(f"\n{report['design']}: {report['summary']}\n")
    print_table(["generated", "size"], [[item["path"], bytes_text(item["bytes"])] for item in report["files"]])
    modules = report["modules"]
    say(f"{len(modules)} modules, {sum(modules.values()):,} instances")
    for message in report["lint"][:10]:
        say(message)
    say(f"lint: {len(report['lint']) or 'no'} warnings\n")
    columns = ["on the Verilog", "size", "bit-exact", "cycles", "model", "SCALE-Sim", "utilisation", "limit", "seconds"]
    keys = ["name", "size", "bit_exact", "cycles", "predicted_cycles", "scale_sim_cycles"]
    rows = [
        [
            *(layer[key] for key in keys),
            f"{layer['utilisation']:.2%}",
            f"{layer['utilisation_limit']:.2%}",
            round(layer["seconds"], 2),
        ]
        for layer in report["layers"]
    ]
    print_table(columns, rows)
    say("Utilisation counts useful multiply-accumulates, zeros included; the limit is one row of the array a cycle.\n")
    say(f"digits: {report['accuracy']:.2%} of {report['images']} held-out images read correctly")
    say(f"{'passed' if report['passed'] else 'FAILED'} in {seconds_text(report['seconds'])}")
