"""``tensorloom compare``: which machine is cheaper for a network, by how sparse it is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..hw.emit.files import write_files
from ..hw.errors import FAILURE, ConfigError, UsageError
from ..run.emission import emit_design
from ..run.files import check_file, writing
from ..run.registry import Design
from .errors import usage_errors
from .networks import check_picture, choose_machine, load_network, network_engines
from .options import Json, examples, existing_file, to_int, to_number, to_path
from .output import Stages, print_json, print_table, say

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = examples("compare", "tensorloom compare digits_cnn.onnx --input images.npy -o map.svg")


def compare(
    model: Annotated[Path, typer.Argument(metavar="MODEL", parser=existing_file, help="Network, an ONNX file.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="FILE|NAME=FILE", help="Its input as .npy; without, random numbers."),
    ] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option(
            "--design",
            metavar="PRESET",
            help="A machine, two or more; by default one of each engine that takes networks.",
        ),
    ] = None,
    densities: Annotated[
        str, typer.Option(metavar="D,D,...", help="Shares of non-zeros that are tried, rising, from 0.01 to 1.")
    ] = "0.1,0.2,0.35,0.5,0.75,1",
    area: Annotated[
        bool, typer.Option("--area/--no-area", help="Measure the area in gates, or count multipliers instead.")
    ] = True,
    bit: Annotated[
        Any, typer.Option(metavar="GATES", parser=to_number, help="What a bit of memory counts, beside the logic.")
    ] = "0",
    latency: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Cycles until memory answers.")] = "1",
    seed: Annotated[Any, typer.Option(metavar="N", parser=to_int, help="Of random inputs and zeros.")] = "1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", parser=to_path, help="Draw the map (SVG).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which machine is cheaper for a network: cycles x area, by models alone.

    First for the network as it is; then with so many of its weights, and so many random activations, not zero, which
    makes a map. Area is that of the logic, in two-input NAND gates, and of memories what --bit says.
    It is measured once a design, which takes minutes.
    """
    if output:
        check_file(output)
        check_picture(output)
    shares = _shares(densities)
    names = chosen or [next(iter((*one.demo_presets, *one.presets))) for one in network_engines()]
    designs = [choose_machine(None, name, None, None) for name in names]
    if not 0 <= bit < float("inf") or (bit and not area):
        raise UsageError(f"--bit must be at least 0, and goes with --area, not {bit:g}")
    if len({design.name for design in designs}) < 2:
        raise UsageError("--design must name two different machines at least")
    from ..run.network.compare import compare as run_comparison
    from ..run.network.picture import draw_map
    from ..sim.memory_timing import MemoryTiming

    with usage_errors():
        timing = MemoryTiming(latency=latency)
    network, arrays = load_network(model, inputs or [], seed)
    stages = Stages()
    try:
        for design in designs:  # before anything that takes long
            design.engine.plan_network(design.config, network)
        areas = [_area(design, stages) if area else (float(design.config.multipliers), 0) for design in designs]
        sizes = [logic + bits * bit for logic, bits in areas]
        figures = run_comparison(
            network, arrays, designs, sizes, densities=shares, timing=timing, seed=seed,
            stages=stages,
        )  # fmt: skip
    except ConfigError as error:
        raise UsageError(f"{model}: {error}", error.hint) from error
    figures: dict[str, Any] = {
        "model": str(model),
        "unit": "gates" if area else "multipliers",
        "gates_of_a_bit": bit,
        **figures,
    }
    for row, (_, bits) in zip(figures["designs"], areas, strict=True):
        row["memory_bits"] = bits if area else None
    if output:
        with writing(output):
            write_files(output.parent, {output.name: draw_map(f"{model.name}: cycles x {figures['unit']}", figures)})
    passed = all(row["passed"] for row in figures["designs"])
    if as_json:
        print_json(figures | {"passed": passed})
    else:
        _print(model, figures)
    if not passed:
        raise typer.Exit(FAILURE)


def _print(model: Path, figures: dict[str, Any]) -> None:
    unit, shares = figures["unit"], figures["densities"]
    columns = ["design", "cycles", unit, f"cycles x {unit}", "memory bits"]
    rows = [
        [row["design"], row["cycles"], round(row["size"]), f"{row['cost']:.3g}", row["memory_bits"]]
        for row in figures["designs"]
    ]
    own = f"{figures['activation_density']:.2f} of activations and {figures['weight_density']:.2f} of weights not zero"
    print_table(columns, rows, title=f"{model.name}: {own}")
    say()
    cells = [[f"{shares[w]:g}", *(name or "" for name in figures["cheapest"][w])] for w in reversed(range(len(shares)))]
    print_table(["weights / activations", *(f"{share:g}" for share in shares)], cells, title="the cheapest")


def _area(design: Design, stages: Stages) -> tuple[float, int]:
    """Gates of logic and register files, and bits of the other memories."""
    from ..tb.area import MACRO_BIT, measure_area

    with stages(f"Measuring the area of {design.name}") as update:
        report = measure_area(emit_design(design), progress=update)
    top = report.modules[report.top]
    return top.gates + MACRO_BIT * (top.memory_bits - top.buffer_bits), top.buffer_bits


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) < 2 or shares != sorted(set(shares)) or not 0.01 <= shares[0] <= shares[-1] <= 1:
        raise UsageError(f"--densities must be two or more numbers from 0.01 to 1, rising, not {text!r}")
    return shares
