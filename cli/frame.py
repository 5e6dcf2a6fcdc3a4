"""``tensorloom frame``: a whole network on the Verilog of an engine, spread over processes and machines."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.errors import UsageError
from ..run.registry import Design, engines
from .options import Assignments, ConfigFile, Json, choose_design, examples, to_int, to_path, unknown
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "frame"]

EXAMPLES = examples("frame")


def frame(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="What runs; a wrong name shows all.")],
    engine: Annotated[
        str | None,
        typer.Option(metavar="PRESET|ENGINE", help="On what; by default the first engine that runs whole networks."),
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    layers: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only these units: blocks of layers that run by one start.")
    ] = None,
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random weights and images.")] = "0",
    model_only: Annotated[
        bool, typer.Option("--model-only", help="Answer from the cycle model; no Verilog is simulated.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes of this machine.")] = 2,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of a dask scheduler instead, tcp://HOST:PORT."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            "--resume",
            metavar="DIR",
            parser=to_path,
            help="Folder of finished units: a run that was interrupted goes on from there. By default in the cache.",
        ),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the result among the project's records (in a checkout).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a whole network, layer by layer, and compare everything with the models.

    Units of the network are spread over processes. What is finished is kept: the same command goes on where it was
    interrupted, and a unit whose process dies runs again.
    """
    from ..run.mutation.records import write_record

    if record and (layers or model_only):
        raise UsageError("--record keeps whole networks that ran, not --layers or --model-only")
    design = _design(engine, config_file, assignments)
    if network not in design.engine.frames:
        raise unknown("network", network, list(design.engine.frames))
    names = [name.strip() for name in layers.split(",")] if layers is not None else []
    figures = design.engine.run_frame(
        design, network, layers=names, seed=seed, model_only=model_only, workers=workers, scheduler=scheduler,
        folder=output, stages=Stages(),
    )  # fmt: skip
    if record:
        from ..tb.mutation.mutants import design_digest

        kept = {name: value for name, value in figures.items() if name != "kept_in"}
        kept["digest"] = design_digest(design.engine.component(design.config))
        write_record(kept, design.engine.folder / "recorded" / network)
    if as_json:
        print_json(figures)
        return
    for table in design.engine.frame_tables(figures):
        print_table(table.columns, table.rows, title=table.title)
        say()


def _design(engine: str | None, config_file: Path | None, assignments: list[str] | None) -> Design:
    able = [name for name, one in engines().items() if one.frames]
    design = choose_design(able[0] if engine is None and config_file is None else engine, config_file, assignments)
    if not design.engine.frames:
        raise UsageError(f"engine must be one that runs whole networks ({', '.join(able)}), not {design.engine.name!r}")
    return design
