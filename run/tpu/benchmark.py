"""``tensorloom bench tpu``: networks of published sizes, emission, compilation and speed of simulation."""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...hw.tpu.config import PRESETS, TpuConfig
from ...sim.tpu.networks import NETWORKS
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import build
from ..contract import Table
from ..execution import Simulator
from ..measuring import Clocks, goal
from ..progress import Stages
from ..registry import find_preset
from ..speed import compare_speeds
from .networks import GOALS, app_figures, app_program, scaled_timing
from .papers import PUBLISHED
from .program import NetworkProgram

__all__ = ["benchmark", "figure_tables"]

PRESET, TWIN = "tpu-v1", "tpu-16"

NON_MATRIX = {"MLP0": 0.01, "MLP1": 0.01, "LSTM0": 0.01, "LSTM1": 0.01, "CNN0": 0.025}
"""Share of cycles at most in which the array waits for something else than weights."""

WHOLE = "MLP1", "MLP0"
"""Networks that run at their full size on the Verilog."""

SPEEDS = {
    "emit_seconds": ("<=", 30), "emitted_bytes": ("<=", 6_000_000), "build_seconds": ("<=", 240),
    "cycles_per_second": (">=", 1200),
}  # fmt: skip


def benchmark(stages: Stages, *, quick: bool = False) -> dict[str, Any]:
    """Measure networks on the cycle model of the TPU v1 and on the Verilog of its twin of a sixteenth of the size.

    Then the TPU v1 itself: emission, compilation, and one batch of the perceptrons on its Verilog.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        The twin alone, nothing compiled anew; the goals don't apply to it.

    Raises
    ------
    FailureError
        If a result or a counter of the Verilog differs from the models.
    """
    apps = [] if quick else [_modelled(stages, name) for name in NETWORKS]
    twin = find_preset(TWIN)
    assert twin is not None
    simulator = Simulator(twin, stages=stages)
    apps += [_simulated(simulator, name) for name in NETWORKS]
    figures: dict[str, Any] = {"preset": TWIN if quick else PRESET, "apps": apps}
    if quick:
        return figures
    figures |= _verilog(stages)
    return figures | {"goals": _goals(figures)}


def _modelled(stages: Stages, name: str) -> dict[str, Any]:
    """A network by the cycle model of the TPU v1."""
    config = PRESETS[PRESET]

    def count(program: NetworkProgram) -> Mapping[str, int]:
        with stages(f"Predicting {name}, {program.compiled.batches} batches"):
            return dataclasses.asdict(program.predict(scaled_timing(config)))

    return _app(config, PRESET, "model", app_figures(config, name, count))


def _simulated(simulator: Simulator, name: str) -> dict[str, Any]:
    """A network on the Verilog, whose results and counters are those of the models."""
    design = simulator.design

    def count(program: NetworkProgram) -> Mapping[str, int]:
        label = f"{name} on {design.name}, {program.compiled.batches} batches"
        outcome, _ = simulator.run_program(program, label, timing=scaled_timing(design.config))
        if not outcome.passed:
            raise FailureError(f"{label}: {outcome.complaint}")
        return dataclasses.asdict(outcome.counters)

    return _app(design.config, design.name, "rtl", app_figures(design.config, name, count))


def _app(config: TpuConfig, preset: str, source: str, figures: dict[str, Any]) -> dict[str, Any]:
    published = PUBLISHED[figures["name"]] if preset == PRESET else None
    return {"preset": preset, "source": source, **figures, "published": published}


def _verilog(stages: Stages) -> dict[str, Any]:
    """Emission, compilation and speed of the whole machine."""
    design = find_preset(PRESET)
    assert design is not None
    with stages(f"Emitting {PRESET}"):
        start = Clocks.now()
        emission = emit(design.engine.component(design.config))
        emitting = start.since()
    with tempfile.TemporaryDirectory(prefix="tensorloom-bench-") as folder:
        with stages(f"Compiling {PRESET} anew") as update:
            start = Clocks.now()
            model = build(emission, cache=Cache(Path(folder)), progress=update)
            building = start.since()
        simulator = Simulator(design, emission, stages, model)
        with stages("Measuring the speed of simulation"):
            speeds = compare_speeds(simulator, _short(design.config), rounds=1)
        full_size = [_whole(simulator, name) for name in WHOLE]
    return {
        "digest": emission.manifest["hash"],
        "full_size": full_size,
        "emit_seconds": round(emitting.wall, 2),
        "emitted_bytes": sum(map(len, emission.verilog.values())),
        "build_seconds": round(building.wall, 2),
        "cpu_seconds": {"emit": round(emitting.cpu, 2), "build": round(building.cpu, 2)},
        "cycles_per_second": round(speeds.verilog),
    }


def _whole(simulator: Simulator, name: str) -> dict[str, Any]:
    """One batch of a network at its full size on the Verilog, with memory as in `networks.TIMING`."""
    config, preset = simulator.design.config, simulator.design.name
    outcome, _ = simulator.run_program(
        app_program(config, name, 1), f"{name} on {preset}", timing=scaled_timing(config)
    )
    if not outcome.passed:
        raise FailureError(f"{name} on {preset}: {outcome.complaint}")
    return {"name": name, "preset": preset, "bytes": outcome.output.size, **outcome.figures()}


def _short(config: TpuConfig) -> NetworkProgram:
    """A network of a few thousand cycles."""
    import numpy as np

    from ...sim.tpu.networks import perceptron
    from .program import map_network

    network = perceptron(200, [512, 256])
    return map_network(config, network, [np.zeros((200, 512), np.uint8)])


def _goals(figures: dict[str, Any]) -> list[dict[str, Any]]:
    goals = []
    for app in figures["apps"]:
        if app["preset"] == PRESET:
            name = app["name"]
            goals.append({"name": f"{name} roofline_share"} | goal(app["roofline_share"], ">=", GOALS[name]))
            if name in NON_MATRIX:
                goals.append({"name": f"{name} non_matrix"} | goal(app["non_matrix"], "<=", NON_MATRIX[name]))
    return goals + [{"name": name} | goal(figures[name], *wanted) for name, wanted in SPEEDS.items()]


def figure_tables(figures: dict[str, Any]) -> list[Table]:
    """Networks, and goals if they were measured."""
    names = ("cycles", "active", "useful", "weight_stall", "weight_shift", "non_matrix", "tops", "roofline_share")
    rows = [
        [app["name"], app["preset"], app["source"], f"{app['cycles']:,.0f}"]
        + [f"{app[name]:.1%}" for name in names[1:-2]]
        + [f"{app['tops']:.2f}", f"{app['roofline_share']:.1%}"]
        for app in figures["apps"]
    ]
    columns = ["network", "on", "source", *(name.replace("_", " ") for name in names)]
    tables = [Table("Networks of published sizes, steady state", columns, rows)]
    if "goals" in figures:
        goals = [list(one.values()) for one in figures["goals"]]
        tables.append(Table("Goals", ["figure", "value", "goal", "met"], goals))
    return tables
