"""``tensorloom beside``: layers by somebody else's simulator and by ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..hw.errors import UsageError, did_you_mean
from ..run.registry import engines
from .errors import usage_errors
from .options import Assignments, ConfigFile, Json, choose_design, examples, existing_file, read_text, unknown
from .output import Stages, print_json, print_table, say

if TYPE_CHECKING:
    from ..sim.workloads.layers import LayerShape

__all__ = ["EXAMPLES", "beside"]

EXAMPLES = examples("beside")


def beside(
    other: Annotated[str, typer.Argument(metavar="SIMULATOR", help="Whose; a wrong name shows all.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NETWORK|NETWORK/LAYER]...", help="Layers, see tensorloom layers; by default AlexNet."),
    ] = None,
    design_name: Annotated[
        str | None, typer.Option("--design", metavar="PRESET", help="Ours; by default the engine's first preset.")
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    topology: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=existing_file, help="Take the layers of a topology of SCALE-Sim (CSV)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run layers by another simulator and by our cycle model, and say for each figure what is alike and what isn't.

    Layers are dense, of 8 bits, and one image. The other simulator is the package as it was published; it may take
    minutes where ours takes a second.
    """
    known = {name: engine for engine in engines().values() for name in engine.others}
    if other not in known:
        raise unknown("simulator", other, list(known))
    engine = known[other]
    chosen = design_name if design_name or config_file else next(iter(engine.presets))
    design = choose_design(chosen, config_file, assignments)
    if other not in design.engine.others:
        raise UsageError(f"{other} is compared with designs of {engine.name}, not of {design.engine.name}")
    layers = _layers(names or [], topology)
    figures = design.engine.beside(other, design, layers, Stages())
    if as_json:
        print_json(figures)
        return
    for table in design.engine.beside_tables(figures):
        print_table(table.columns, table.rows, title=table.title)
        say()


def _layers(names: list[str], topology: Path | None) -> "list[LayerShape]":
    from ..sim.workloads.layers import NETWORKS, LayerShape, find_layer
    from ..sim.workloads.topology import read_topology

    if topology is not None:
        if names:
            raise UsageError("give names of layers or --topology, not both")
        with usage_errors(topology):
            return read_topology(topology.stem, read_text(topology))
    found: list[LayerShape] = []
    for name in names or ["alexnet"]:
        layer = find_layer(name)
        if layer is None and name not in NETWORKS:
            known = [*NETWORKS, *(one.name for layers in NETWORKS.values() for one in layers)]
            text = f"layers must be of {', '.join(NETWORKS)}, or one of them (see tensorloom layers), not {name!r}"
            raise UsageError(text, did_you_mean(name, known))
        found += [layer] if layer else NETWORKS[name]
    return found
