"""``tensorloom explain``: what bounds layers or a network, and what would help."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.errors import ConfigError, UsageError
from .errors import usage_errors
from .jobs import layer_of_shape, parse_densities
from .networks import SUFFIX, choose_machine, load_network
from .options import Assignments, ConfigFile, Json, choose_design, examples, existing_file, to_int, to_path
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "explain"]

EXAMPLES = examples("explain")


def explain(
    target: Annotated[
        str,
        typer.Argument(metavar="LAYER|NETWORK|MODEL", help="A known layer or network, HxWxC,RxS,K, or an ONNX file."),
    ],
    chosen: Annotated[str | None, typer.Option("--design", metavar="PRESET", help="On which design.")] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    density: Annotated[
        str, typer.Option(metavar="IA/W", help="Share of non-zeros in a layer's activations and weights.")
    ] = "1/1",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="FILE|NAME=FILE", help="Input of an ONNX file; without, random numbers."),
    ] = None,
    area: Annotated[
        bool, typer.Option("--area", help="Measure areas that no sweep has measured before: a minute or two each.")
    ] = False,
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random tensors.")] = "1",
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes of this machine.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of a dask scheduler instead, tcp://HOST:PORT."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", parser=to_path, help="Folder of finished points, as of sweep."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what each layer waits for, and what twice as much of each field would buy, by the models.

    Fields are changed one at a time. Cycles are those of all layers together; areas are in two-input NAND gates, where
    they are known.
    """
    from ..run.explain import explain_layers, explain_network
    from ..run.sweep.points import find_layers

    stages = Stages()
    if target.endswith(SUFFIX):
        if density != "1/1" or area or workers != 1 or scheduler:
            raise UsageError("--density, --area, --workers and --scheduler go with layers, not with an ONNX file")
        try:
            path = existing_file(target)
        except typer.BadParameter as error:
            raise UsageError(error.message) from None
        design = choose_machine(None, chosen, config_file, assignments)
        network, arrays = load_network(path, inputs or [], seed)
        try:
            report = explain_network(design, network, arrays, folder=keep, stages=stages)
        except ConfigError as error:
            raise UsageError(f"{path}: {error}", error.hint) from error
    else:
        if inputs:
            raise UsageError("--input goes with an ONNX file")
        if chosen is None and config_file is None:
            raise UsageError("--design PRESET or --config FILE is needed", "tensorloom list shows the presets")
        design = choose_design(chosen, config_file, assignments)
        pair = parse_densities(density)
        with usage_errors(options={"layers": "LAYER"}):
            layers = [(layer_of_shape(target, name="LAYER"), 1)] if "," in target else find_layers([target])
        with usage_errors():
            report = explain_layers(
                design, layers, pair, area=area, seed=seed, workers=workers, scheduler=scheduler, folder=keep,
                stages=stages,
            )  # fmt: skip
    if as_json:
        print_json({"target": target} | report)
        return
    _print(target, report)


def _print(target: str, report: dict[str, Any]) -> None:
    layers, whole = report["layers"], max(1, report["cycles"])
    rows = [
        [row["layer"], row.get("count", 1), row["cycles"], f"{row.get('count', 1) * row['cycles'] / whole:.1%}",
         f"{row['utilisation']:.1%}", _wait(row)]
        for row in layers
    ]  # fmt: skip
    columns = ["layer", "times", "cycles", "of all", "utilisation", "waits most for"]
    print_table(columns, rows, title=f"{target} on {report['design']}")
    say()
    say(f"{report['cycles']:,} cycles, utilisation {report['utilisation']:.1%}; the largest wait: {_wait(report)}")
    if report["meaning"]:
        say(f"({report['meaning']})")
    say()
    able = [field for field in report["fields"] if "refused" not in field]
    known = any("area" in field for field in able)
    rows = [
        [field["field"], field["value"], field["doubled"], field["cycles"], f"{field['saved']:+.1%}"]
        + ([f"{field['area_added']:+.1%}" if "area" in field else ""] if known else [])
        for field in able
    ]
    columns = ["field", "is", "twice", "cycles then", "saved", *(["area"] if known else [])]
    print_table(columns, rows, title="What twice as much of a field would buy")
    for field in report["fields"]:
        if "refused" in field:
            say(f"not {field['field']}: {field['refused']}")


def _wait(row: dict[str, Any]) -> str:
    name = row["wait"].replace("_", " ")
    return f"{name} {row['wait_share']:.1%}" if "wait_share" in row else name
