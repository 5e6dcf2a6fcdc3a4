"""``tensorloom list`` and ``tensorloom config``: what there is, and configurations to start from."""

from typing import Annotated

import typer

from ..hw.errors import UsageError
from ..run.registry import engines
from .options import Assignments, ConfigFile, Json, Preset, choose_design, choose_engine, examples, unknown
from .output import print_json, print_table, say

__all__ = ["CONFIG_EXAMPLES", "LAYER_EXAMPLES", "LIST_EXAMPLES", "list_layers", "list_presets", "print_config"]

LIST_EXAMPLES = examples("list", "tensorloom list")
LAYER_EXAMPLES = examples("layers", "tensorloom layers", "tensorloom layers resnet50 --json")
CONFIG_EXAMPLES = examples("config", "tensorloom verilog --config my.toml -o build")


def list_presets(
    engine: Annotated[str | None, typer.Argument(metavar="ENGINE", help="Only this engine's presets.")] = None,
    as_json: Json = False,
) -> None:
    """List the presets with their key figures."""
    chosen_engines = list(engines().values()) if engine is None else [choose_engine(engine)]
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "engine": chosen.name,
                    "summary": chosen.summary(config),
                    "config": config.to_dict(),
                    "figures": chosen.figures(config),
                }
                for chosen in chosen_engines
                for name, config in chosen.presets.items()
            ]
        )
        return
    for chosen in chosen_engines:
        names = [name.replace("_", " ") for name in chosen.figures(next(iter(chosen.presets.values())))]
        rows = [
            [name, chosen.summary(config), *chosen.figures(config).values()] for name, config in chosen.presets.items()
        ]
        print_table(["preset", "what", *names], rows, title=f"{chosen.name}: {chosen.title}")


def list_layers(
    network: Annotated[str | None, typer.Argument(metavar="NETWORK", help="Only this network's layers.")] = None,
    as_json: Json = False,
) -> None:
    """List the layers of known networks, as tensorloom sim --layer takes them."""
    from ..sim.workloads.layers import NETWORKS

    if network is not None and network not in NETWORKS:
        raise unknown("network", network, list(NETWORKS))
    found = [layer for name, layers in NETWORKS.items() if network in (None, name) for layer in layers]
    if as_json:
        shapes = [{"x": layer.x_shape, "w": layer.w_shape, **layer.steps, "macs": layer.macs} for layer in found]
        print_json([{"name": layer.name} | shape for layer, shape in zip(found, shapes, strict=True)])
        return
    rows = [[layer.name, "x".join(map(str, layer.x_shape)), "x".join(map(str, layer.w_shape))] for layer in found]
    steps = [layer.text.split(", ", 1)[1:] for layer in found]
    rows = [[*row, *(rest or [""]), layer.macs] for row, rest, layer in zip(rows, steps, found, strict=True)]
    print_table(["layer", "activations", "weights", "", "multiply-accumulates"], rows)


def print_config(
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Check a configuration and print it as TOML."""
    design = choose_design(preset, config_file, assignments)
    if "engine" in design.config.field_types():
        raise UsageError("a field may not be called engine")
    if as_json:
        print_json({"engine": design.engine.name, "config": design.config.to_dict()})
        return
    say(f"# {design.engine.summary(design.config)}")
    say(f'engine = "{design.engine.name}"')
    say(design.config.to_toml().rstrip())
