"""``tensorloom bench eie``: the paper's nine layers, from the counters of the Verilog."""

import dataclasses
import math
import tempfile
from pathlib import Path
from typing import Any

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...sim.eie.golden import Layer
from ...sim.eie.mapping import map_layers
from ...sim.workloads.compressed import COMPRESSED_LAYERS, CompressedLayer, random_compressed
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import build
from ..contract import Table
from ..execution import Simulator
from ..measuring import Clocks, goal
from ..progress import Stages
from ..registry import find_preset
from ..speed import compare_speeds
from .area import pe_table
from .program import LayersProgram

__all__ = ["GOALS", "benchmark", "figure_tables", "layer_program"]

PAPER = "eie-64"
"""The paper's machine."""

PRESETS = ("eie-16x4", PAPER)

SEED = 0

QUICK = [
    dataclasses.replace(COMPRESSED_LAYERS[number], inputs=inputs, theoretical_us=0.0, actual_us=0.0)
    for number, inputs in ((6, 256), (8, 128))
]
"""Parts of two layers, of which nothing was published."""

GOALS: list[tuple[str, str, float]] = [
    ("over_ideal", "neuraltalk/we", 1.09),
    ("over_ideal", "vgg16/fc7", 1.04),
    *(
        ("over_ideal", layer.name, 1.03)
        for layer in COMPRESSED_LAYERS
        if layer.name not in ("neuraltalk/we", "vgg16/fc7")
    ),
    ("over_ideal", "geometric mean", 1.03),
    ("scan_over_ideal", "geometric mean", 1.02),
]
"""Figure, layer and limit, of the first preset: cycles by those in which its multipliers could do the products alone,
with the read-out or without."""

SECONDS = {"emit_seconds": 10, "build_seconds": 60}


def layer_program(config: Any, layer: CompressedLayer, seed: int) -> LayersProgram:
    """A layer of random weights and activations; sums are divided so that most results are within their range."""
    matrix, activations = random_compressed(layer, seed, codes=config.codes, bits=config.data_bits)
    products = max(1.0, layer.inputs * layer.w_density * layer.ia_density)
    shift = config.data_bits - 1 + round(math.log2(products) / 2)
    program = map_layers(config, [Layer(matrix=matrix, shift=shift)])
    return LayersProgram(config=config, layers=program, vectors=activations[None])


def benchmark(stages: Stages, *, quick: bool = False) -> dict[str, Any]:
    """Measure the nine layers on both machines, emission, compilation, and speed of simulation.

    Seconds of emission and compilation are those of the first preset that pass; those of the processor stand beside
    them.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        Parts of two layers on the first preset alone; the goals don't apply to them.

    Raises
    ------
    FailureError
        If a result or a counter differs from the models; figures of wrong results are worthless.
    """
    figures: dict[str, Any] = {"seed": SEED, "rows": []}
    for preset in PRESETS[:1] if quick else PRESETS:
        design = find_preset(preset)
        assert design is not None
        with stages(f"Emitting {preset}"):
            start = Clocks.now()
            emission = emit(design.engine.component(design.config))
            emitting = start.since()
        with tempfile.TemporaryDirectory(prefix="tensorloom-bench-") as folder:
            with stages(f"Compiling {preset} anew") as update:
                start = Clocks.now()
                model = build(emission, cache=Cache(Path(folder)), progress=update)  # an empty cache: it is measured
                building = start.since()
            simulator = Simulator(design, emission, stages, model)
            if preset == PRESETS[0]:
                with stages("Measuring the speed of simulation and cycle model"):
                    layer = QUICK[0] if quick else COMPRESSED_LAYERS[-1]
                    speeds = compare_speeds(simulator, layer_program(design.config, layer, SEED))
                figures |= {
                    "emit_seconds": round(emitting.wall, 2),
                    "build_seconds": round(building.wall, 2),
                    "cpu_seconds": {"emit": round(emitting.cpu, 2), "build": round(building.cpu, 2)},
                    "cycle_model": speeds.figures(),
                }
            for layer in QUICK if quick else COMPRESSED_LAYERS:
                figures["rows"].append({"preset": preset} | _row(simulator, layer))
    if not quick:
        for preset in PRESETS:
            rows = [row for row in figures["rows"] if row["preset"] == preset]
            figures["rows"].append({"preset": preset, "layer": "geometric mean"} | _means(rows))
        design = find_preset(PAPER)
        assert design is not None
        figures["area"] = pe_table(design.config, stages)
        figures["goals"] = _goals(figures)
    return figures


def _row(simulator: Simulator, layer: CompressedLayer) -> dict[str, Any]:
    program = layer_program(simulator.design.config, layer, SEED)
    name = f"{layer.name} on {simulator.design.name}"
    outcome, driven = simulator.run_program(program, name)
    if not outcome.passed:
        raise FailureError(f"{name}: {outcome.complaint}")
    counters = outcome.counters
    return {
        "layer": layer.name,
        "inputs": layer.inputs,
        "outputs": layer.outputs,
        "published_over_ideal": round(layer.actual_over_ideal, 4) if layer.actual_us else None,
        "over_ideal": round(counters.over_ideal, 4),
        "scan_over_ideal": round(counters.scan_cycles / counters.ideal_cycles, 4),
        "readout_cycles": counters.readout_cycles,
        "load_cycles": driven.result.cycles - counters.cycles,
    } | outcome.figures()


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Geometric means."""
    names = ("published_over_ideal", "over_ideal", "scan_over_ideal")
    return {name: round(math.exp(sum(math.log(row[name]) for row in rows) / len(rows)), 4) for name in names}


def _goals(figures: dict[str, Any]) -> list[dict[str, Any]]:
    found = {row["layer"]: row for row in figures["rows"] if row["preset"] == PRESETS[0]}
    goals = [
        {"name": f"{figure} of {layer}"} | goal(found[layer][figure], "<=", limit) for figure, layer, limit in GOALS
    ]
    return goals + [{"name": name} | goal(figures[name], "<=", limit) for name, limit in SECONDS.items()]


def figure_tables(figures: dict[str, Any]) -> list[Table]:
    """Layers beside published figures, goals, and all else by its name."""
    columns = ("preset", "layer", "published", "over ideal", "scan alone", "cycles", "load", "seconds")
    keys = (
        "preset", "layer", "published_over_ideal", "over_ideal", "scan_over_ideal", "cycles", "load_cycles", "seconds"
    )  # fmt: skip
    layers = [[row.get(key, "") for key in keys] for row in figures["rows"]]
    tables = [Table("Cycles by those of the products of two non-zeros alone", columns, layers)]
    if "goals" in figures:
        rows = [list(one.values()) for one in figures["goals"]]
        tables.append(Table("Goals", list(figures["goals"][0]), rows))
    if "area" in figures:
        rows = [[one["part"].replace("_", " "), *list(one.values())[1:]] for one in figures["area"]]
        tables.append(Table(f"Area of a PE of {PAPER}", list(figures["area"][0]), rows))
    rest = {name: value for name, value in figures.items() if name not in ("rows", "goals", "area")}
    return [
        *tables,
        Table("Simulation", ("", ""), [[name.replace("_", " "), str(value)] for name, value in rest.items()]),
    ]
