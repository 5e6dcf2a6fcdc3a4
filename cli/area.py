"""``tensorloom area``: gates of a design by module, without a foundry."""

from pathlib import Path
from typing import Annotated

import typer

from ..hw.errors import UsageError
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
    macro_bit: Annotated[
        float | None,
        typer.Option(
            metavar="AREA",
            help="Area of a bit of a memory macro; without it 1.5, above 16 kbit 0.6, and with --liberty 0.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a design's area by module.

    The unit is the two-input NAND gate (four transistors); with --liberty, that of the library. Each module is
    synthesised once and counts as often as there are instances of it. A memory with one write port and one synchronous
    read port stands for a macro, and counts by its bits: 1.5 a bit, or 0.6 if it has more than 16 kbit, which are
    assumptions. The depth of a module is that of the longest path between registers, memories and its ports, with the
    modules in it: in cells, without wires. Big cores take a minute or two.
    """
    from ..tb.area import BUFFER_BIT, BUFFER_BITS, MACRO_BIT, check_liberty, measure_area

    design = choose_design(target, config_file, assignments)
    if macro_bit is not None and not 0 <= macro_bit <= 1e6:
        raise UsageError(f"--macro-bit must be a number from 0 to 1,000,000, not {macro_bit:g}")
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
            report = measure_area(emission, liberty=library, macro_bit=macro_bit, progress=update)
    shares = design.engine.area_shares(report)
    modules, top = list(report.modules.values()), report.modules[report.top]
    if as_json:
        print_json(
            {
                "design": design.name,
                "engine": design.engine.name,
                "top": report.top,
                "unit": report.unit,
                "area": report.area,
                "gates": report.gates,
                "macro_area": report.area - report.gates,
                "memory_bits": top.memory_bits,
                "depth": top.depth,
                "shares": shares,
                "modules": [
                    {
                        "module": found.module,
                        "instances": found.instances,
                        "area": found.total,
                        "share": round(report.share(found.module), 4),
                        "own_area": found.own,
                        "own_share": round(report.own_share(found.module), 4),
                        "gates": found.gates,
                        "memory_bits": found.memory_bits,
                        "depth": found.depth,
                    }
                    for found in modules
                ],
                "seconds": round(sum(stages.seconds.values()), 2),
            }
        )
        return
    columns = ["module", "instances", "area of one", "share of all", "of it own", "gates of one", "bits", "depth"]
    rows = [
        [
            found.module,
            found.instances,
            round(found.total),
            f"{report.share(found.module):.1%}",
            f"{report.own_share(found.module):.1%}",
            round(found.gates),
            found.memory_bits,
            found.depth,
        ]
        for found in sorted(modules, key=lambda found: -found.instances * found.total)
    ]
    print_table(columns, rows)
    unit = "NAND2-equivalents" if liberty is None else f"units of area of {liberty}"
    macros = report.area - report.gates
    say(f"{design.name}: {report.area:,.0f} {unit}, {report.gates:,.0f} of gates, {macros:,.0f} of memory macros")
    say(f"memory macros of {top.memory_bits:,} bits; longest path of {top.depth:,} cells")
    if macro_bit is not None:
        say(f"assumed of macros: {macro_bit:g} a bit")
    elif liberty is None:
        say(f"assumed of macros: {MACRO_BIT:g} a bit, {BUFFER_BIT:g} above {BUFFER_BITS / 1024:g} kbit")
    else:
        say("assumed of macros: no area; --macro-bit gives them one")
    for name, share in shares.items():
        say(f"{name.replace('_', ' ')}: {share:.1%}")
