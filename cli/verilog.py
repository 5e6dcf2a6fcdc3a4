"""``tensorloom verilog``: write a design's Verilog."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from ..run.emission import check_prefix, emit_design
from ..run.files import check_folder, writing
from .options import Assignments, ConfigFile, Json, Preset, choose_design, examples, to_path
from .output import Stages, bytes_text, print_json, print_table, say

__all__ = ["EXAMPLES", "verilog"]

EXAMPLES = examples("verilog", "tensorloom verilog --config my.toml -o build --split --clock-mhz 250")


def verilog(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", parser=to_path, help="Folder to write to.")],
    preset: Preset = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Put before the names of all modules.")] = "",
    split: Annotated[bool, typer.Option("--split", help="One file a module.")] = False,
    axi_stream: Annotated[
        bool, typer.Option("--axi-stream", help="Also a module around it whose streams are AXI4-Stream.")
    ] = False,
    clock_mhz: Annotated[
        float, typer.Option(min=0.001, max=100_000, metavar="MHZ", help="Clock in the timing constraints.")
    ] = 100.0,
    as_json: Json = False,
) -> None:
    """Write the Verilog of a design, its lint waivers and its manifest, and what other tools want beside them.

    That is a SystemVerilog package with types and packing functions, a FuseSoC core file, an IP-XACT component, and
    timing constraints. Files that are already equal are left untouched. On an error nothing is written.
    """
    design = choose_design(preset, config_file, assignments)
    check_prefix(prefix, "--prefix")
    check_folder(output)
    stages = Stages()
    with stages(f"Emitting {design.name}") as update:
        emission = emit_design(design, prefix=prefix, progress=update)
    emission = dataclasses.replace(emission, clock_mhz=clock_mhz)
    emission = emission.split() if split else emission
    emission = emission.with_axi_stream() if axi_stream else emission
    with writing(output):
        paths = emission.write(output)
    manifest = emission.manifest
    if as_json:
        print_json(
            {
                "design": design.name,
                "engine": design.engine.name,
                "top": emission.top,
                "seconds": round(sum(stages.seconds.values()), 3),
                "files": [{"path": str(path), "bytes": path.stat().st_size} for path in paths],
                "modules": {module["name"]: module["instances"] for module in manifest["modules"]},
                "hash": manifest["hash"],
            }
        )
        return
    print_table(["file", "size"], [[path, bytes_text(path.stat().st_size)] for path in paths])
    instances = sum(module["instances"] for module in manifest["modules"])
    say(f"{emission.top}: {len(manifest['modules'])} modules, {instances:,} instances")
