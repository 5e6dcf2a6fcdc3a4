"""Layers on one core of a SNAP chip, and what it costs that cores share activations; by the cycle models."""

from collections.abc import Sequence
from typing import Any

from ...hw.snap_chip.config import PRESETS
from ...sim.snap.cycles import simulate_core
from ...sim.snap.mapping import map_convolution
from ...sim.snap.ways import RowTaps, Way
from ...sim.snap_chip.frame import layer_work
from ...sim.snap_chip.sharing import share
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer, random_tensors
from ..progress import Stages
from .frames import SEED, TIMING

__all__ = ["CORE_LAYERS", "measure_cores"]

DRAWS = 5
"""Random tensors on which losses are measured: from one to another they change by a percent."""

CORE_LAYERS = [
    ("3x3, 56 wide", "resnet50/res2a_branch2b"),
    ("3x3, 14 wide", "resnet50/res4a_branch2b"),
    ("3x3, 7 wide", "resnet50/res5a_branch2b"),
    ("1x1, 14 wide", "resnet50/res4b_branch2a"),
]
"""Kinds, and layers of these."""


def measure_cores(stages: Stages, presets: Sequence[str], layers: Sequence[tuple[str, LayerShape]] = ()) -> list[dict]:
    """Run layers of all `CORE_LAYERS`, or others, on one core and on all.

    Returns
    -------
    list of dict
        ``core_utilisation``: of one core, streams of which never stall, in the chip's blocks. ``cycles``,
        ``cycles_alone``, ``cycles_mean``: of all cores, of the slowest at its own pace, of the mean core, the sums of
        `DRAWS` draws. ``sharing_loss``: cycles beyond those of the slowest, as a share; ``imbalance_loss``: the further
        ones, beyond those of the mean. ``worst_sharing_loss``: of a single draw.
    """
    chosen = list(layers) or [(kind, _find(name)) for kind, name in CORE_LAYERS]
    rows = []
    for preset in presets:
        with stages(f"Modelling layers on one core of {preset} and on all") as update:
            for number, (kind, layer) in enumerate(chosen):
                update(layer.name, number / len(chosen))
                rows.append(_measure(preset, kind, layer))
    return rows


def _find(name: str) -> LayerShape:
    layer = find_layer(name)
    assert layer is not None
    return layer


def _measure(preset: str, kind: str, layer: LayerShape) -> dict[str, Any]:
    config = PRESETS[preset]
    works = [layer_work(config, layer, SNAP_MEAN, seed=SEED + draw) for draw in range(DRAWS)]
    found = [share(config, work, TIMING) for work in works]
    shared, slowest = sum(one.shared for one in found), sum(max(one.alone) for one in found)
    mean = sum(sum(one.alone) for one in found) / config.cores
    command = works[0].command
    lines, kernels = command["block_lines"], command["kernels"]
    values, weights = random_tensors(layer, *SNAP_MEAN, SEED, bits=8)
    way = Way(row_taps=RowTaps(lines, kernels))
    core = simulate_core(config.core, map_convolution(config.core, values, weights, **layer.steps, way=way, wraps=True))
    return {
        "preset": preset,
        "kind": kind,
        "layer": layer.name,
        "source": "model",
        "block_lines": lines,
        "block_kernels": kernels,
        "core_utilisation": round(core.utilisation(config.core.multipliers), 4),
        "cycles": shared,
        "cycles_alone": slowest,
        "cycles_mean": round(mean, 1),
        "sharing_loss": round(shared / slowest - 1, 4),
        "worst_sharing_loss": round(max(one.loss for one in found), 4),
        "imbalance_loss": round(shared / mean - shared / slowest, 4),
    }
