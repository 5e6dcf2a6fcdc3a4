"""``tensorloom bench systolic``: the figures of the matrix unit, measured."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...hw.systolic.config import PRESETS, SystolicConfig
from ...hw.systolic.matrix_unit import MatrixUnit
from ...hw.systolic.mesh import Mesh
from ...sim.golden.matmul import matmul
from ...sim.systolic.cycles import predict
from ...sim.systolic.mapping import map_matmul
from ...sim.systolic.plan import plan_matmul
from ...sim.systolic.scale_sim import scale_sim_cycles
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import Model, build
from ...tb.sources import Sources
from ..execution import Simulator
from ..jobs import Job
from ..measuring import goal
from ..progress import Stages
from ..registry import find_preset
from ..speed import Speeds, compare_speeds

__all__ = ["benchmark"]

PRODUCT = (4096, 1024, 1024)
"""M, K, N of the product whose cycles are compared with the limit and with SCALE-Sim."""

GOALS: dict[str, tuple[str, float]] = {
    "emission.mesh.seconds": ("<=", 5),
    "emission.mesh.bytes": ("<=", 1_000_000),
    "emission.matrix_unit.seconds": ("<=", 12),
    "emission.matrix_unit.bytes": ("<=", 3_000_000),
    "build.mesh.seconds": ("<=", 90),
    "simulation.ratio": (">=", 2.5),
    "steady_state.utilisation": (">=", 0.99),
    "product.ratio": ("<=", 1.03),
    "cycle_model.ratio": (">=", 20),
}
"""What the 256x256 preset has to reach."""


def benchmark(stages: Stages, *, quick: bool = False) -> dict[str, Any]:
    """Measure emission, compilation, simulation speed and utilisation.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        A 32x32 array instead of the 256x256 preset; the goals don't apply to it.

    Raises
    ------
    FailureError
        If the hardware, its models and the reference don't agree; figures of wrong results are worthless.
    """
    config = PRESETS["systolic-32" if quick else "systolic-256"]
    figures: dict[str, Any] = {"preset": "systolic-32" if quick else "systolic-256", "emission": {}, "build": {}}
    emissions = {}
    for name, component in (("mesh", Mesh), ("matrix_unit", MatrixUnit)):
        with stages(f"Emitting {name}"):
            start = time.perf_counter()
            emissions[name] = emit(component(config))
            seconds = time.perf_counter() - start
        figures["emission"][name] = {
            "seconds": round(seconds, 2),
            "bytes": sum(map(len, emissions[name].verilog.values())),
            "modules": len(emissions[name].manifest["modules"]),
        }
    with tempfile.TemporaryDirectory(prefix="tensorloom-bench-") as folder:
        cache = Cache(Path(folder))  # an empty one, so that compilation is measured
        with stages("Compiling mesh") as update:
            mesh = build(emissions["mesh"], cache=cache, progress=update)
        with stages("Compiling reference") as update:
            reference = reference_model(config, cache, update)
        for name, model in (("mesh", mesh), ("reference", reference)):
            figures["build"][name] = {"seconds": model.meta["build_seconds"]}
        with stages("Simulating mesh and reference in turn"):
            figures["simulation"] = _speed(config, mesh, reference, 2000 if quick else 600)
    with stages("Compiling matrix_unit") as update:
        unit = build(emissions["matrix_unit"], progress=update)
    figures["build"]["matrix_unit"] = {"seconds": unit.meta["build_seconds"]}
    with stages("Running products on the matrix unit"):
        figures["steady_state"] = _steady_state(config, unit)
    with stages("Measuring the speed of the cycle model"):
        figures["cycle_model"] = _model_speed(figures["preset"], unit).figures()
    figures["product"] = _product(config)
    if not quick:
        figures["goals"] = {name: _goal(figures, name) for name in GOALS}
    return figures


def reference_model(config: SystolicConfig, cache: Cache, progress: Any = None) -> Model:
    """The plainly written SystemVerilog mesh with the sizes of `config`, compiled like the emitted one."""
    number = {"activations": 9, "weights": 8, "controls": 3, "psums": config.psum_bits}

    def port(direction: str, what: str, lanes: int) -> dict[str, Any]:
        kind = "signed" if what in ("activations", "psums") else "unsigned"
        element = {"kind": kind, "width": number[what]}
        shape = {"kind": "array", "width": lanes * number[what], "length": lanes, "element": element}
        name = f"{direction[0]}_{what}"
        return {"name": name, "direction": direction, "width": shape["width"], "shape": shape}

    clock = {"name": "clk", "direction": "in", "width": 1, "shape": {"kind": "unsigned", "width": 1}}
    inputs = [port("in", what, config.rows) for what in ("activations", "controls")]
    manifest = {
        "top": "reference_mesh",
        "files": ["reference_mesh.sv"],
        "waivers": "reference_mesh.vlt",
        "ports": [clock, *inputs, port("in", "weights", config.columns), port("out", "psums", config.columns)],
        "streams": [],
        "hierarchical": [],
    }
    text = Path(__file__).with_name("data").joinpath("reference_mesh.sv").read_text(encoding="utf-8")
    sizes = (
        f"-GROWS={config.rows}",
        f"-GCOLUMNS={config.columns}",
        f"-GTILE_ROWS={config.tile_rows}",
        f"-GPSUM_BITS={config.psum_bits}",
    )
    sources = Sources(manifest, {"reference_mesh.sv": text}, "`verilator_config\n")
    return build(sources, flags=sizes, cache=cache, progress=progress)


def traffic(config: SystolicConfig, cycles: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Inputs of a mesh at full load, cycle by cycle: random data, a new weight tile every `rows` cycles.

    Returns
    -------
    dict
        ``activations`` (cycles, rows) int16, ``controls`` (cycles, rows) uint8 with the bits of
        `ControlLayout`, ``weights`` (cycles, columns) uint8.
    """
    rng = np.random.default_rng(seed)
    row = np.arange(config.rows)
    time_of_row = np.arange(cycles)[:, None] - row  # since row 0 had the same activation
    swap = (time_of_row >= 0) & (time_of_row % config.rows == 0)
    load_time = time_of_row - row // config.tile_rows
    load = (load_time >= 0) & (load_time % config.rows == 0)
    signed = rng.integers(0, 2, (cycles, 1), dtype=np.uint8)
    return {
        "activations": rng.integers(-256, 256, (cycles, config.rows), dtype=np.int16),
        "controls": (swap | signed << 1 | load << 2).astype(np.uint8),
        "weights": rng.integers(0, 256, (cycles, config.columns), dtype=np.uint8),
    }


def run_mesh(config: SystolicConfig, model: Model, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Psums (cycles, columns) of the emitted mesh."""
    down, across = config.tile_grid
    ports: dict[str, Any] = {}
    for tile in range(down):
        lanes = slice(tile * config.tile_rows, (tile + 1) * config.tile_rows)
        controls = inputs["controls"][:, lanes]
        fields = enumerate(("swap", "weights_signed", "load"))
        ports[f"i_activations_{tile}"] = inputs["activations"][:, lanes]
        ports[f"i_controls_{tile}"] = {name: controls >> bit & 1 for bit, name in fields}
    for tile in range(across):
        lanes = slice(tile * config.tile_columns, (tile + 1) * config.tile_columns)
        ports[f"i_weights_{tile}"] = inputs["weights"][:, lanes]
    outputs = model.cycles(ports, [f"o_psums_{tile}" for tile in range(across)], reset=False)
    return np.concatenate(list(outputs.values()), axis=1)


def run_reference(model: Model, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Psums (cycles, columns) of the reference mesh."""
    ports = {f"i_{name}": values for name, values in inputs.items()}
    return model.cycles(ports, ["o_psums"], reset=False)["o_psums"]


def _speed(config: SystolicConfig, mesh: Model, reference: Model, cycles: int) -> dict[str, Any]:
    """Clock cycles a second of CPU time of both, in turn, and the median of the ratios."""
    inputs = traffic(config, cycles)
    rates: dict[str, list[float]] = {"mesh": [], "reference": []}
    for _ in range(5):
        start = time.process_time()
        ours = run_mesh(config, mesh, inputs)
        middle = time.process_time()
        theirs = run_reference(reference, inputs)
        rates["mesh"].append(cycles / (middle - start))
        rates["reference"].append(cycles / (time.process_time() - middle))
        if not np.array_equal(ours, theirs):
            raise FailureError("the emitted mesh and the reference mesh give different psums")
    result: dict[str, Any] = {
        name: {"cycles_per_second": round(statistics.median(values), 1)} for name, values in rates.items()
    }
    ratios = [a / b for a, b in zip(rates["mesh"], rates["reference"], strict=True)]
    return result | {"ratio": round(statistics.median(ratios), 3), "ratios": [round(ratio, 3) for ratio in ratios]}


def _steady_state(config: SystolicConfig, unit: Model) -> dict[str, Any]:
    """Utilisation between the ends of two products that differ in their weight tiles, from the hardware's counters."""
    rng = np.random.default_rng(1)
    rows = max(256, config.rows)
    cycles, macs = [], []
    start = time.perf_counter()
    for tiles in (2, 6):
        a = rng.integers(-128, 128, (rows, config.rows), dtype=np.int8)
        b = rng.integers(-128, 128, (config.rows, tiles * config.columns), dtype=np.int8)
        program = map_matmul(config, a, b)
        streams = {"i_weights": program.weights, "i_activations": program.activations, "i_commands": program.commands}
        result = unit.run(streams, {"o_sums": program.sums})
        predicted = predict(config, program.commands)
        counted = {name: int(value) for name, value in result.counters["o_counters"].items()}
        if not np.array_equal(program.assemble(result.outputs["o_sums"]), matmul(a, b)):
            raise FailureError("the matrix unit and the golden model give different products")
        if counted["cycles"] != predicted.cycles or result.cycles != predicted.cycles:
            raise FailureError(f"the matrix unit took {counted['cycles']} cycles, its model {predicted.cycles}")
        cycles.append(counted["cycles"])
        macs.append(program.macs)
    seconds = time.perf_counter() - start
    return {
        "rows": rows,
        "cycles": cycles,
        "utilisation": (macs[1] - macs[0]) / ((cycles[1] - cycles[0]) * config.multipliers),
        "equals_cycle_model": True,
        "cycles_per_second": round(sum(cycles) / seconds, 1),
    }


def _model_speed(preset: str, unit: Model) -> Speeds:
    """Speed of the cycle model beside the Verilog's, on products of six weight tiles."""
    design = find_preset(preset)
    assert design is not None
    rows, columns = design.config.rows, design.config.columns
    job = Job(name="ones", a=np.ones((rows, rows), np.int8), b=np.ones((rows, 6 * columns), np.int8))
    return compare_speeds(Simulator(design, model=unit), design.engine.map(design.config, job))


def _product(config: SystolicConfig) -> dict[str, Any]:
    """Cycles of the large product by the model that `_steady_state` checked against the hardware."""
    m, k, n = PRODUCT
    plan = plan_matmul(config, m, k, n)
    cycles = predict(config, plan.commands)
    limit = plan.macs / config.multipliers
    return {
        "m": m,
        "k": k,
        "n": n,
        "cycles": cycles.cycles,
        "limit_cycles": round(limit),
        "ratio": round(cycles.cycles / limit, 5),
        "utilisation": round(cycles.utilisation(config, plan.macs), 5),
        "scale_sim_cycles": scale_sim_cycles(config.rows, config.columns, m, k, n),
    }


def _goal(figures: dict[str, Any], name: str) -> dict[str, Any]:
    value: Any = figures
    for part in name.split("."):
        value = value[part]
    return goal(value, *GOALS[name])
