"""``tensorloom bench snap-chip``: figures of the SNAP chip, from the registers of its Verilog."""

import tempfile
from pathlib import Path
from typing import Any

from ...hw.emit.emitter import emit
from ...hw.errors import FailureError
from ...sim.workloads.layers import find_layer, sample
from ...tb.bulk.cache import Cache
from ...tb.bulk.model import build
from ..execution import Simulator
from ..jobs import layer_job
from ..measuring import Clocks
from ..progress import Stages
from ..registry import find_preset

__all__ = ["LAYERS", "QUICK", "benchmark"]

PRESET, QUICK_PRESET = "snap-chip", "snap-chip-tiny"

SEED = 1

DENSITIES = (0.38, 0.52)

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
    """Measure emission, compilation, and layers on the Verilog; memory is as fast as it can be.

    Cycles of a whole frame are not among the figures.

    Parameters
    ----------
    stages
        Where progress is shown.
    quick
        The smallest preset and small layers.

    Raises
    ------
    FailureError
        If anything that a layer writes, or one of the counters that are known, differs from the models.
    """
    preset = QUICK_PRESET if quick else PRESET
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
        layers = [_layer(simulator, name, part) for name, part in (QUICK if quick else LAYERS)]
    cycles, seconds = (sum(layer[name] for layer in layers) for name in ("cycles", "seconds"))
    return {
        "preset": preset,
        "seed": SEED,
        "layers": layers,
        "cycles_per_frame": None,
        "speedup_over_dense": round(sum(layer["dense_cycles"] for layer in layers) / cycles, 3),
        "emit_seconds": round(emitting.wall, 2),
        "emitted_bytes": sum(map(len, emission.verilog.values())),
        "build_seconds": round(building.wall, 2),
        "cpu_seconds": {"emit": round(emitting.cpu, 2), "build": round(building.cpu, 2)},
        "cycles_per_second": round(cycles / seconds),
    }


def _layer(simulator: Simulator, name: str, part: Part) -> dict[str, Any]:
    """A layer with sparse and with dense tensors."""
    layer, config = find_layer(name), simulator.design.config
    assert layer is not None
    outcomes = []
    for densities in (DENSITIES, (1.0, 1.0)):
        job = layer_job(sample(layer, *part), *densities, bits=simulator.design.engine.data_bits(config), seed=SEED)
        outcome = simulator.run(job)
        if not outcome.passed:
            raise FailureError(f"{job.name}: {outcome.complaint}")
        outcomes.append(outcome)
    sparse, dense = outcomes
    return {
        "name": name,
        "part": "{}x{}x{},{}".format(*part),
        "ia_density": DENSITIES[0],
        "w_density": DENSITIES[1],
        "dense_cycles": dense.cycles,
        "speedup_over_dense": round(dense.counters.cycles / sparse.counters.cycles, 3),
    } | sparse.figures()
