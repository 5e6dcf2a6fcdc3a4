"""``tensorloom bench snap-chip``: figures of the SNAP chip, from registers of its Verilog, cycle model and area."""

import tempfile
from pathlib import Path
from typing import Any

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer, sample
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import build
from ..execution import Simulator
from ..jobs import Job, layer_job
from ..measuring import Clocks
from ..progress import Stages
from ..registry import find_preset
from ..speed import compare_speeds
from .area import measure_areas
from .cores import measure_cores
from .frames import DENSE, MEAN, RESNET50, measure_frames
from .goals import compare_paper, list_goals, speedup_over_dense
from .program import map_job
from .ways import measure_ways

__all__ = ["LAYERS", "QUICK", "benchmark"]

PRESET, QUICK_PRESET = "snap-chip", "snap-chip-tiny"

SEED = 1

Part = tuple[int, int, int, int]
"""Height, width, channels and kernels that a layer is cut down to."""

LAYERS: list[tuple[str, Part]] = [
    ("resnet50/conv1", (29, 56, 3, 64)),
    ("resnet50/res2a_branch2b", (14, 56, 64, 64)),
    ("resnet50/res3a_branch2b", (14, 28, 128, 64)),
    ("resnet50/res4a_branch2b", (14, 14, 256, 64)),
    ("resnet50/res5a_branch2b", (7, 7, 512, 64)),
    ("resnet50/res4b_branch2a", (14, 14, 1024, 64)),
    ("resnet50/res4a_branch1", (14, 14, 512, 64)),
    ("resnet50/fc1000", (1, 1, 2048, 256)),
]
"""Layers of all kinds of ResNet-50, and their parts."""

QUICK: list[tuple[str, Part]] = [
    ("resnet50/res5a_branch2b", (7, 7, 24, 16)),
    ("resnet50/res4b_branch2a", (6, 6, 32, 16)),
    ("resnet50/fc1000", (1, 1, 128, 32)),
]
"""For the smallest preset."""


def benchmark(stages: Stages, *, quick: bool = False) -> dict[str, Any]:
    """Measure a frame, cores, ways and area by models, then emission, compilation, and layers on the Verilog.

    The Verilog's memory is as fast as it can be, that of the models as `TIMING` says. Seconds of emission and
    compilation are those that pass; beside them stand the processor's, of which simulated cycles a second are.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        The smallest preset and small layers, no area, nothing compiled anew; the goals don't apply to them.

    Raises
    ------
    FailureError
        If anything that a layer writes, or one of its counters, differs from the models.
    """
    preset = QUICK_PRESET if quick else PRESET
    if quick:
        layers = [_part(name, part) for name, part in QUICK]
        frames = measure_frames(stages, [(QUICK_PRESET, MEAN), (QUICK_PRESET, DENSE)], layers)
        cores = measure_cores(stages, [QUICK_PRESET], [("3x3, 7 wide", layers[0])])
        ways = measure_ways(stages, QUICK_PRESET, layers[:1])
    else:
        frames, cores = measure_frames(stages, RESNET50), measure_cores(stages, [PRESET, "snap-chip-large"])
        ways = measure_ways(stages, PRESET)
    figures = {
        "preset": preset,
        "seed": SEED,
        "cycles_per_frame": frames[0]["cycles"],
        "speedup_over_dense": round(speedup_over_dense(frames, preset), 3),
        "frames": frames,
        "cores": cores,
        "ways": ways,
        "area": [] if quick else measure_areas(stages, frames),
        **_verilog(stages, preset, QUICK if quick else LAYERS, anew=not quick),
    }
    figures["layers"] += frames[0].pop("layers")
    return figures if quick else figures | {"paper": compare_paper(frames), "goals": list_goals(figures)}


def _part(name: str, part: Part) -> LayerShape:
    layer = find_layer(name)
    assert layer is not None
    return sample(layer, *part)


def _verilog(stages: Stages, preset: str, layers: list[tuple[str, Part]], *, anew: bool) -> dict[str, Any]:
    """Emission, compilation and layers of the Verilog; what was compiled before is taken unless it has to be anew."""
    design = find_preset(preset)
    assert design is not None
    with stages(f"Emitting {preset}"):
        start = Clocks.now()
        emission = emit(design.engine.component(design.config))
        emitting = start.since()
    with tempfile.TemporaryDirectory(prefix="tensorloom-bench-") as folder:
        with stages(f"Compiling {preset}" + " anew" * anew) as update:
            start = Clocks.now()
            cache = Cache(Path(folder)) if anew else None  # an empty one, so that it is measured
            model = build(emission, cache=cache, progress=update)
            building = start.since()
        simulator = Simulator(design, emission, stages, model)
        rows = [_layer(simulator, name, part) for name, part in layers]
        with stages("Measuring the speed of simulation"):
            speeds = compare_speeds(simulator, map_job(simulator.design.config, _job(simulator, *layers[0], SNAP_MEAN)))
    return {
        "layers": rows,
        "emit_seconds": round(emitting.wall, 2),
        "emitted_bytes": sum(map(len, emission.verilog.values())),
        "build_seconds": round(building.wall if anew else model.meta["build_seconds"], 2),
        "cpu_seconds": {"emit": round(emitting.cpu, 2), "build": round(building.cpu, 2)},
        "cycles_per_second": round(speeds.verilog),
    }


def _job(simulator: Simulator, name: str, part: Part, densities: tuple[float, float]) -> Job:
    bits = simulator.design.engine.data_bits(simulator.design.config)
    return layer_job(_part(name, part), *densities, bits=bits, seed=SEED)


def _layer(simulator: Simulator, name: str, part: Part) -> dict[str, Any]:
    """A layer with sparse and with dense tensors."""
    outcomes = []
    for densities in (SNAP_MEAN, (1.0, 1.0)):
        job = _job(simulator, name, part, densities)
        outcome = simulator.run(job)
        if not outcome.passed:
            raise FailureError(f"{job.name}: {outcome.complaint}")
        outcomes.append(outcome)
    sparse, dense = outcomes
    return {
        "name": name,
        "part": "{}x{}x{},{}".format(*part),
        "ia_density": SNAP_MEAN[0],
        "w_density": SNAP_MEAN[1],
        "dense_cycles": dense.cycles,
        "speedup_over_dense": round(dense.counters.cycles / sparse.counters.cycles, 3),
    } | sparse.figures()
