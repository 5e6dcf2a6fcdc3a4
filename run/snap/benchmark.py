"""``tensorloom bench snap``: the figures of the SNAP core, from the counters of its Verilog."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...hw.snap.config import PRESETS, SnapConfig
from ...hw.snap.core import SnapCore
from ...sim.workloads.layers import find_layer, sample
from ...tb.area import measure_area
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import build
from ..execution import Outcome, Simulator
from ..jobs import Job, layer_job
from ..measuring import Clocks, goal
from ..progress import Stages
from ..registry import find_preset
from ..speed import compare_speeds
from .area import aim_shares, useful_products
from .program import SnapProgram, map_job, map_way

if TYPE_CHECKING:
    from ...hw.emit.emission import Emission

__all__ = ["GOALS", "MAPPINGS", "ROWS", "benchmark"]

PRESET = "snap-core"

SEED = 1

Part = tuple[int, int, int, int]
"""Height, width, channels and kernels that a layer is cut down to."""

DENSITIES = ("1/1", "0.4/0.4", "0.38/0.52", "0.2/0.3", "0.1/0.1")

ROWS: list[tuple[str, str, Part | None, tuple[str, ...]]] = [
    ("3x3, 56 wide", "vgg16/conv3_2", (6, 56, 256, 64), DENSITIES),
    ("3x3, 14 wide", "resnet50/res4b_branch2b", (14, 14, 256, 64), DENSITIES[1:]),
    ("3x3, 14 wide", "resnet50/res4b_branch2b", (14, 14, 256, 8), DENSITIES[:1]),
    ("3x3, 64 channels", "resnet50/res2b_branch2b", (14, 56, 64, 64), ("0.38/0.52",)),
    ("1x1", "resnet50/res4b_branch2a", (14, 14, 256, 64), ("0.38/0.52",)),
    ("1x1", "resnet50/res4b_branch2a", (14, 14, 1024, 64), ("0.38/0.52",)),
    ("FC", "resnet50/fc1000", None, ("0.38/0.52",)),
]
"""Kind, layer, part and densities.

A 3x3 kernel with padding 1 has 3 W - 2 pairs of a pixel's column and a kernel column in an image W wide, while the core
steps through 3 W: dense layers reach 1 - 2 / (3 W) at most, 0.952 for 14 columns and 0.988 for 56. So the dense goal is
measured on VGG-16's layer of 256 channels, whose images are 56 wide (a band of 6 lines), and the 14 wide one of
ResNet-50 stands beside it.
"""

QUICK: list[tuple[str, str, Part | None, tuple[str, ...]]] = [
    ("3x3, 56 wide", "vgg16/conv3_2", (6, 14, 64, 8), ("1/1", "0.38/0.52")),
    ("1x1", "resnet50/res4b_branch2a", (14, 14, 128, 8), ("0.38/0.52",)),
    ("FC", "resnet50/fc1000", (1, 1, 128, 64), ("0.38/0.52",)),
]

MAPPINGS: list[tuple[str, str, Part]] = [
    ("3x3, 56 wide", "resnet50/res2a_branch2b", (56, 56, 64, 16)),
    ("3x3, 14 wide", "resnet50/res4a_branch2b", (14, 14, 256, 64)),
    ("3x3, 7 wide", "resnet50/res5a_branch2b", (7, 7, 512, 64)),
    ("7x7, first layer", "resnet50/conv1", (57, 112, 3, 64)),
]
"""Kind, layer and part of the layers that run both in the paper's dataflow and in row taps, at `MAPPING_DENSITY`."""

QUICK_MAPPINGS: list[tuple[str, str, Part]] = [("3x3, 14 wide", "resnet50/res4a_branch2b", (4, 14, 96, 8))]

MAPPING_DENSITY = "0.38/0.52"

GOALS: list[tuple[str, str, str, str, float]] = [
    *(
        ("3x3, 56 wide", density, "utilisation", ">=", least)
        for density, least in zip(DENSITIES, (0.98, 0.90, 0.90, 0.85, 0.60), strict=True)
    ),
    ("3x3, 56 wide", "0.38/0.52", "oa_updates_per_cycle", "<=", 0.7),
    ("3x3, 14 wide", "0.38/0.52", "oa_updates_per_cycle", "<=", 0.7),
    ("3x3, 64 channels", "0.38/0.52", "oa_updates_per_cycle", "<=", 2.5),
    ("1x1", "0.38/0.52", "utilisation", ">=", 0.88),
]
"""Kind, density, figure, relation, value: what all rows of that kind have to reach."""

AREA = {16: ("<=", 0.125), 8: ("<=", 0.17)}
"""Share of the AIMs in the core by data bits: the paper's."""

AREA_FIGURES = ("aim_area_fraction", "area", "macro_bits", "depth", "pe_depth", "useful_per_mnand2")

USEFUL = {16: (">=", 24), 8: (">=", 36)}
"""Useful products a cycle for a million NAND2-equivalents, by data bits."""

SECONDS = {"emit_seconds": ("<=", 10), "build_seconds": ("<=", 60), "cycles_per_second": (">=", 10_000)}

MODEL_RATIO = 20
"""How many times as fast as its Verilog the cycle model has to be."""


def benchmark(stages: Stages, *, quick: bool = False) -> dict[str, Any]:
    """Measure emission, compilation, area, and layers on the Verilog.

    Seconds of emission and compilation are those that pass. Beside them stand those of the processor, which other work
    on the machine changes less; cycles a second are of these.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        Small layers and no area; the goals don't apply to them.

    Raises
    ------
    FailureError
        If a layer's result or one of its counters differs from the models; figures of wrong results are worthless.
    """
    config = PRESETS[PRESET]
    design = find_preset(PRESET)
    assert design is not None
    with stages("Emitting snap_core"):
        start = Clocks.now()
        emission = emit(SnapCore(config))
        emitting = start.since()
    with tempfile.TemporaryDirectory(prefix="tensorloom-bench-") as folder:
        with stages("Compiling snap_core anew") as update:
            start = Clocks.now()
            model = build(emission, cache=Cache(Path(folder)), progress=update)  # an empty cache: it is measured
            building = start.since()
        simulator = Simulator(design, emission, stages, model)
        rows = [
            _row(simulator, kind, layer, part, density)
            for kind, layer, part, densities in (QUICK if quick else ROWS)
            for density in densities
        ]
        mappings = [
            _mapping_row(simulator, kind, layer, part, way)
            for kind, layer, part in (QUICK_MAPPINGS if quick else MAPPINGS)
            for way in ("diagonals", "row taps")
        ]
        with stages("Measuring the speed of simulation and cycle model"):
            _, layer, part, _ = QUICK[0] if quick else ROWS[1]
            speeds = compare_speeds(simulator, map_job(config, _job(config, layer, part, "0.2/0.3")))
    figures: dict[str, Any] = {
        "preset": PRESET,
        "seed": SEED,
        "rows": rows,
        "mappings": mappings,
        **(dict.fromkeys(AREA_FIGURES, {}) if quick else _area(stages, emission)),
        "emit_seconds": round(emitting.wall, 2),
        "build_seconds": round(building.wall, 2),
        "cpu_seconds": {"emit": round(emitting.cpu, 2), "build": round(building.cpu, 2)},
        "cycles_per_second": round(speeds.verilog),
        "cycle_model": speeds.figures(),
    }
    return figures if quick else figures | {"goals": _goals(figures)}


def _job(config: SnapConfig, name: str, part: Part | None, density: str) -> Job:
    layer = find_layer(name)
    assert layer is not None
    layer = sample(layer, *part) if part else layer
    return layer_job(layer, *map(float, density.split("/")), bits=config.data_bits, seed=SEED)


def _row(
    simulator: Simulator, kind: str, layer: str, part: Part | None, density: str, program: SnapProgram | None = None
) -> dict[str, Any]:
    config = PRESETS[PRESET]
    job = _job(config, layer, part, density)
    outcome = simulator.run(job, program)
    if not outcome.passed:
        raise FailureError(f"{job.name}: {outcome.complaint}")
    ia_density, w_density = map(float, density.split("/"))
    row = {
        "layer": layer,
        "kind": kind,
        "part": "{}x{}x{},{}".format(*part) if part else None,
        "ia_density": ia_density,
        "w_density": w_density,
        "dense_macs": outcome.output.size * job.b[..., 0].size,
    } | outcome.figures()
    return row | _bound(config, outcome, ia_density) if kind == "FC" else row


def _mapping_row(simulator: Simulator, kind: str, layer: str, part: Part, name: str) -> dict[str, Any]:
    """A layer in one of two ways, whichever of them the mapper would take."""
    config = PRESETS[PRESET]
    program, way = map_way(config, _job(config, layer, part, MAPPING_DENSITY), name)
    taps = way.row_taps
    block = {"lines": taps.lines, "kernels": taps.kernels, "folded": taps.folded} if taps else None
    row = _row(simulator, kind, layer, part, MAPPING_DENSITY, program)
    return {"mapping": name, "block": block} | row


def _bound(config: SnapConfig, outcome: Outcome[Any], ia_density: float) -> dict[str, Any]:
    """What the weight streams allow at batch 1: every weight is sent once and meets `ia_density` activations."""
    weights = config.core_columns * config.beat_entries
    beats = int(outcome.counters.weight_beats.max())
    return {
        "bandwidth_bound": round(min(1.0, weights * ia_density / config.multipliers), 4),
        "weight_streams_busy": round(beats / outcome.counters.cycles, 4),
    }


def _area(stages: Stages, emission: "Emission") -> dict[str, dict[str, float]]:
    """Areas, depths, and useful products a cycle for a million NAND2-equivalents (`useful_products`), by data bits."""
    figures: dict[str, dict[str, float]] = {name: {} for name in AREA_FIGURES}
    for bits in AREA:
        config = PRESETS[PRESET].replace(data_bits=bits, psum_bits=0)
        with stages(f"Synthesising the core, {bits} bits") as update:
            core = emission if config == PRESETS[PRESET] else emit(SnapCore(config))
            report = measure_area(core, progress=update)
        with stages(f"Counting the useful products, {bits} bits"):
            useful = useful_products(config)
        top = report.modules[report.top]
        found = aim_shares(report)["aim"], round(report.area), top.memory_bits, top.depth, report.modules["pe"].depth
        for name, value in zip(figures, (*found, round(useful / report.area * 1e6, 2)), strict=True):
            figures[name][str(bits)] = value
    return figures


def _goals(figures: dict[str, Any]) -> list[dict[str, Any]]:
    goals = []
    for kind, density, figure, relation, limit in GOALS:
        found = [row[figure] for row in figures["rows"] if (row["kind"], _density(row)) == (kind, density)]
        worst = min(found) if relation == ">=" else max(found)
        goals.append({"name": f"{figure} of {kind} at {density}"} | goal(worst, relation, limit))
    for bits, (relation, limit) in AREA.items():
        share = figures["aim_area_fraction"][str(bits)]
        goals.append({"name": f"aim_area_fraction, {bits} bits"} | goal(share, relation, limit))
    for bits, (relation, limit) in USEFUL.items():
        found = figures["useful_per_mnand2"][str(bits)]
        goals.append({"name": f"useful products a cycle per M NAND2, {bits} bits"} | goal(found, relation, limit))
    for name, (relation, limit) in SECONDS.items():
        goals.append({"name": name} | goal(figures[name], relation, limit))
    goals.append({"name": "cycle_model ratio"} | goal(figures["cycle_model"]["ratio"], ">=", MODEL_RATIO))
    return goals


def _density(row: dict[str, Any]) -> str:
    return f"{row['ia_density']:g}/{row['w_density']:g}"
