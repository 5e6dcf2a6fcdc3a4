"""``tensorloom explore``: a page to step through a small run, cycle by cycle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import UsageError
from ..run.files import check_file, writing
from ..run.registry import engines
from .errors import usage_errors
from .jobs import DEFAULTS, layer_job, small_job
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples, to_int, to_path
from .output import Stages, print_json, say

__all__ = ["EXAMPLES", "explore"]

EXAMPLES = examples("explore")


def explore(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="Page to write, .html.")
    ],
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    matmul: Annotated[str | None, typer.Option(metavar="MxKxN", help="Random product of numbers from -9 to 9.")] = None,
    shape: Annotated[str | None, typer.Option(metavar="HxWxC,RxS,K", help="Random layer of this shape.")] = None,
    density: Annotated[
        str, typer.Option(metavar="IA/W", help="Share of non-zeros in the layer's activations and weights.")
    ] = "1/1",
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random tensors.")] = "1",
    as_json: Json = False,
) -> None:
    """Record a small run in simulation, and write a page that steps through it.

    The page is one file, which fetches nothing: what comes in, what each PE multiplies, adds, finds or waits for, and
    the sums that leave, cycle by cycle, by slider and keyboard. --json prints what was recorded.
    """
    design = choose_design(preset, config_file, assignments)
    if not design.engine.explores:
        known = ", ".join(engine.name for engine in engines().values() if engine.explores)
        raise UsageError(f"engine must be one that can be explored ({known}), not {design.engine.name!r}")
    if output.suffix != ".html":
        raise UsageError(f"{output} must end in .html")
    check_file(output)
    if (matmul is None) == (shape is None):
        raise UsageError("give --matmul MxKxN or --shape HxWxC,RxS,K")
    if shape is None:
        if density != "1/1":
            raise UsageError("--density goes with --shape")
        job = small_job(matmul=matmul, a_file=None, b_file=None, seed=seed)
    else:
        bits = design.engine.data_bits(design.config)
        job = layer_job(
            layer=None, shape=shape, part=None, density=density, bits=bits, seed=seed, steps=DEFAULTS, wraps=False
        )
    from ..run.explorer import explorer_page

    with usage_errors(), Stages()(f"Simulating {job.name}"):
        recorded = design.engine.explore(design.config, job)
    page = explorer_page(f"{job.name} on {design.name}", recorded, design.engine.causes)
    with writing(output):
        write_files(output.parent, {output.name: page})
    if as_json:
        print_json({"design": design.name, "job": job.name, "seed": seed} | recorded)
        return
    say(f"{output}: {job.name} on {design.name}, {len(recorded['steps'])} cycles; open it in a browser")
