"""``tensorloom verilog``: write a design's Verilog."""

from pathlib import Path
from typing import Annotated

import typer

from ..run.emission import CLOCK_MHZ, check_prefix, write_design
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
        float, typer.Option(min=CLOCK_MHZ[0], max=CLOCK_MHZ[1], metavar="MHZ", help="Clock in the timing constraints.")
    ] = 100.0,
    as_json: Json = False,
) -> None:
    """Write the Verilog of a design, its lint waivers and its manifest, and what other tools want beside them.

    That is a SystemVerilog package with types and packing functions, a FuseSoC core file, an IP-XACT component, and
    timing constraints. Files that are already equal are left untouched. On an error nothing is written.
    """
    design = choose_design(preset, config_file, assignments)
    check_prefix(prefix, "--prefix")
    stages = Stages()
    emission, paths = write_design(
        design, output, prefix=prefix, split=split, axi_stream=axi_stream, clock_mhz=clock_mhz, stages=stages
    )
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
