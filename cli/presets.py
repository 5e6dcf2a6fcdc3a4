"""``tensorloom list`` and ``tensorloom config``: what there is, and configurations to start from."""

from typing import Annotated

import typer

from ..hw.errors import UsageError
from ..run.registry import engines
from .options import Assignments, ConfigFile, Json, Preset, choose_design, choose_engine, examples
from .output import print_json, print_table, say

__all__ = ["CONFIG_EXAMPLES", "LIST_EXAMPLES", "list_presets", "print_config"]

LIST_EXAMPLES = examples("list", "tensorloom list")
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
