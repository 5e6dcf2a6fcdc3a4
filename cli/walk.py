"""``tensorloom walk``: draw a small product's way through a design."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import check_file, writing
from ..run.registry import engines
from .errors import usage_errors
from .jobs import small_job
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples, existing_file, to_int, to_path
from .output import print_json, say

__all__ = ["EXAMPLES", "walk"]

EXAMPLES = examples("walk")

Tensor = Annotated[
    Path | None, typer.Option(metavar="FILE", parser=existing_file, help="Tensor as .npy, int8 or uint8.")
]


def walk(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="SVG file to write.")],
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    matmul: Annotated[
        str | None,
        typer.Option(
            metavar="MxKxN", help="Product: activations M x K by weights K x N, from -9 to 9, each at most 8."
        ),
    ] = None,
    a: Tensor = None,
    b: Tensor = None,
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random tensors.")] = "1",
    as_json: Json = False,
) -> None:
    """Draw a small product's way through a small array, a panel a clock cycle.

    All numbers in the picture are samples of the design in simulation; --json prints them. The array has at most 8 x 8
    PEs; a product that is larger than the array takes several weight tiles.
    """
    design = choose_design(preset, config_file, assignments)
    if not design.engine.walks:
        known = ", ".join(engine.name for engine in engines().values() if engine.walks)
        raise UsageError(f"engine must be one that can be walked through ({known}), not {design.engine.name!r}")
    check_file(output)
    job = small_job(matmul=matmul, a_file=a, b_file=b, seed=seed)
    with usage_errors():
        figures = design.engine.walk(design.config, job)
    with writing(output):
        write_files(output.parent, {output.name: design.engine.draw_walk(figures)})
    if as_json:
        print_json({"design": design.name, "job": job.name, "seed": seed} | figures)
        return
    steps = figures["steps"]
    say(
        f"{output}: {job.name} on {design.name}, {len(steps)} steps, cycles {steps[0]['cycle']} to {steps[-1]['cycle']}"
    )
