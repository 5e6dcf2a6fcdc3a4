"""``tensorloom sweep``: many configurations, layers and densities, by the models."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.config import parse_assignments
from ..hw.emit.files import write_files
from ..hw.errors import ConfigError, UsageError
from ..run.files import check_apart, check_file, writing
from ..run.registry import Design
from .errors import usage_errors
from .jobs import layer_of_shape, parse_densities, part_sizes
from .networks import check_picture
from .options import ConfigFile, Json, Preset, choose_design, examples, to_int, to_path
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "area_columns", "sweep"]

EXAMPLES = examples("sweep")

Layers = Annotated[
    list[str] | None,
    typer.Option("--layer", metavar="NAME", help="Layer of a network, or a network for all of its layers; repeatable."),
]
Shapes = Annotated[
    list[str] | None, typer.Option("--shape", metavar="HxWxC,RxS,K", help="Layer of this shape; repeatable.")
]


def sweep(
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE,...", help="Values of a field; repeatable: all combinations."),
    ] = None,
    layers: Layers = None,
    shapes: Shapes = None,
    part: Annotated[
        str | None, typer.Option(metavar="HxWxC,K", help="Cut layers down to at most this image and so many kernels.")
    ] = None,
    densities: Annotated[
        list[str] | None,
        typer.Option("--density", metavar="IA/W", help="Share of non-zeros in activations and weights; repeatable."),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out combinations that break a rule.")] = False,
    rtl: Annotated[
        Any, typer.Option(metavar="N", parser=to_int, help="So many points run on the Verilog too, and are compared.")
    ] = "0",
    area: Annotated[
        bool, typer.Option("--area", help="Measure the area of each configuration: a minute or two for a big one.")
    ] = False,
    seed: Annotated[
        Any, typer.Option(metavar="N", parser=to_int, help="Of random tensors, and of points for the Verilog.")
    ] = "1",
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes of this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of a dask scheduler instead, tcp://HOST:PORT.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", "--resume", metavar="DIR", parser=to_path,
            help="Folder of finished points: what was interrupted goes on from there. By default in the cache.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="Write all rows: .csv, .json or .parquet."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=to_path, help="Draw cycles against what is swept (SVG).")
    ] = None,
    front: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=to_path, help="Draw area and work, and what nothing beats in both (SVG)."),
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run layers on every combination of fields' values and densities, by the models.

    Everything is checked before anything runs. Finished points are kept: the same command goes on where it was
    interrupted, and one with more values runs these alone. The table has all layers of a configuration together, each
    as often as the network has it; --output has a row a layer. With an area there is the useful work a cycle for a
    million NAND2 gates, and a star where no other configuration has as much work with less area.
    """
    from ..run.sweep.front import draw_front, mark_front
    from ..run.sweep.plot import draw_sweep
    from ..run.sweep.points import make_points
    from ..run.sweep.sweep import run_sweep, totals
    from ..run.sweep.tables import check_format, table_bytes

    design = choose_design(preset, config_file, None)
    if front and not area:
        raise UsageError("--front needs --area")
    files = [*filter(None, (output, plot, front))]
    for path in files:
        check_file(path)
    check_apart(files)
    check_picture(plot)
    check_picture(front)
    if output:
        check_format(output)
    pairs = [parse_densities(text) for text in densities or ["1/1"]]
    with usage_errors(options={"assignment": "--set"}):
        axes = _axes(design, assignments or [])
        points = make_points(design, axes, chosen_layers(layers, shapes, part), pairs, skip=skip)
    rows = run_sweep(
        points, seed=seed, rtl=rtl, area=area, workers=workers, scheduler=scheduler, folder=keep, stages=Stages()
    )
    if all("refused" in row for row in rows):
        raise UsageError(f"no layer has room on {design.name}: {rows[0]['refused']}")
    if plot:
        drawn = draw_sweep(rows)
        with writing(plot):
            write_files(plot.parent, {plot.name: drawn})
    whole = totals(rows)
    if front:
        drawn = draw_front(whole)
        with writing(front):
            write_files(front.parent, {front.name: drawn})
    if output:
        with writing(output):
            write_files(output.parent, {output.name: table_bytes(rows, output.suffix)})
    mark_front(whole)
    if as_json:
        print_json({"design": design.name, "seed": seed, "totals": whole, "rows": rows})
        return
    fields, columns = list(whole[0]["fields"]), area_columns(area)
    heads = [*fields, "density", "layers", "cycles", "utilisation", "most cycles", *columns, "refused"]
    refused = any("refused" in row for row in whole)
    cells = [
        [
            *row["fields"].values(), f"{row['activation_density']:g}/{row['weight_density']:g}", row["layers"],
            row["cycles"], row["utilisation"], _most(row), *(_area_cell(row, name) for name in columns),
            row.get("refused"),
        ]
        for row in whole
    ]  # fmt: skip
    end = None if refused else -1
    print_table(
        heads[:end], [row[:end] for row in cells], title=f"{design.name}: {len(points)} point{'s' * (len(points) != 1)}"
    )
    if rtl:
        say(f"{sum(row.get('source') == 'rtl' for row in rows)} of them on the Verilog: results and counters are equal")


def chosen_layers(layers: list[str] | None, shapes: list[str] | None, part: str | None = None) -> list[Any]:
    """Layers that ``--layer`` and ``--shape`` name, and how often each counts; those of ``--layer`` cut to ``--part``.

    Raises
    ------
    UsageError
        If there are none, or one isn't known.
    """
    from ..run.sweep.points import find_layers

    if not layers and not shapes:
        raise UsageError(
            "--layer NAME or --shape HxWxC,RxS,K is needed", "tensorloom layers lists those that are known"
        )
    if part is not None and not layers:
        raise UsageError("--part goes with --layer")
    sizes = None if part is None else part_sizes(part)
    with usage_errors(options={"layers": "--layer"}):
        found = find_layers(layers, sizes) if layers else []
    return found + [(layer_of_shape(text), 1) for text in shapes or []]


def area_columns(area: bool) -> list[str]:
    """Columns of a table that areas need."""
    return ["area", "memory_bits", "depth", "useful_per_mnand2", "front"] if area else []


def _area_cell(row: dict[str, Any], name: str) -> Any:
    return ("*" if row.get("on_front") else "") if name == "front" else row.get(name, "")


def _axes(design: Design, assignments: list[str]) -> dict[str, list[Any]]:
    """Values of each field, of the field's type."""
    axes: dict[str, list[Any]] = {}
    for text in assignments:
        path, equals, values = text.partition("=")
        path = path.strip()
        if path in axes:
            raise ConfigError(f"{path} must be given once, with all its values")
        axes[path] = []
        for value in values.split(","):
            found: Any = parse_assignments(design.engine.config_class, [f"{path}{equals}{value}"])
            for part in path.split("."):
                found = found[part.strip()]
            axes[path].append(found)
    return axes


def _most(row: dict[str, Any]) -> str:
    went = row.get("where_cycles_went")
    if not went:
        return ""
    name = max(went, key=lambda name: went[name])
    return f"{name.replace('_', ' ')} {went[name]:.0%}"
