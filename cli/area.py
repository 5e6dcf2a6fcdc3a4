"""``tensorloom area``: gates of a design by module, without a foundry."""

from pathlib import Path
from typing import Annotated

import typer

from ..run.emission import emit_design
from .errors import usage_errors
from .options import Assignments, ConfigFile, Json, choose_design, examples, existing_file, read_text
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "area"]

EXAMPLES = examples("area", "tensorloom area --config my.toml --liberty cells.lib")


def area(
    target: Annotated[
        str | None, typer.Argument(metavar="PRESET|ENGINE", help="A preset, or an engine for its first preset.")
    ] = None,
    config_file: ConfigFile = None,
    assignments: Assignments = None,
    liberty: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=existing_file, help="Library of cells to map to (.lib)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a design's area by module.

    The unit is the two-input NAND gate (four transistors); with --liberty, that of the library. Each module is
    synthesised once and counts as often as there are instances of it. Memories that are modules of their own stand
    for SRAM macros: their bits are counted instead. Big cores take a minute or two.
    """
    from ..tb.area import check_liberty, measure_area

    design = choose_design(target, config_file, assignments)
    library = None
    stages = Stages()
    if liberty:
        library = read_text(liberty)
        with stages(f"Reading {liberty}") as update, usage_errors(liberty):
            check_liberty(library, progress=update)
    with stages(f"Emitting {design.name}") as update:
        emission = emit_design(design, progress=update)
    with stages(f"Synthesising {design.name}") as update:
        with usage_errors(liberty or ""):
            report = measure_area(emission, liberty=library, progress=update)
    shares = design.engine.area_shares(report)
    modules = list(report.modules.values())
    if as_json:
        print_json(
            {
                "design": design.name,
                "engine": design.engine.name,
                "top": report.top,
                "unit": report.unit,
                "area": report.area,
                "memory_bits": report.modules[report.top].memory_bits,
                "shares": shares,
                "modules": [
                    {
                        "module": found.module,
                        "instances": found.instances,
                        "area": found.total,
                        "share": round(report.share(found.module), 4),
                        "own_area": found.own,
                        "own_share": round(report.own_share(found.module), 4),
                        "memory_bits": found.memory_bits,
                    }
                    for found in modules
                ],
                "seconds": round(sum(stages.seconds.values()), 2),
            }
        )
        return
    columns = ["module", "instances", "area of one", "share of all", "of it own", "memory bits of one"]
    rows = [
        [
            found.module,
            found.instances,
            round(found.total),
            f"{report.share(found.module):.1%}",
            f"{report.own_share(found.module):.1%}",
            found.memory_bits,
        ]
        for found in sorted(modules, key=lambda found: -found.instances * found.total)
    ]
    print_table(columns, rows)
    unit = "NAND2-equivalents" if liberty is None else f"units of area of {liberty}"
    say(f"{design.name}: {report.area:,.0f} {unit}, memory macros of {report.modules[report.top].memory_bits:,} bits")
    for name, share in shares.items():
        say(f"{name.replace('_', ' ')}: {share:.1%}")
