"""Layers on one core of a SNAP chip, and what it costs that cores share activations; by the cycle models."""

from collections.abc import Sequence
from typing import Any

from ...hw.snap_chip.config import PRESETS
from ...sim.snap.cycles import simulate_core
from ...sim.snap.mapping import map_convolution
from ...sim.snap.ways import RowTaps, Way
from ...sim.snap_chip.frame import layer_work
from ...sim.snap_chip.sharing import Sharing, share
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer, random_tensors
from ..progress import Stages
from .frames import SEED, TIMING

__all__ = ["CORE_LAYERS", "measure_cores"]

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
        ``core_utilisation``: of one core, streams of which never stall, in the chip's blocks. ``sharing_loss``,
        ``imbalance_loss``: see `Sharing`. ``cycles``, ``cycles_alone``: of all cores, and of the slowest at its own
        pace.
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
    work = layer_work(config, layer, SNAP_MEAN, seed=SEED)
    sharing: Sharing = share(config, work, TIMING)
    lines, kernels = work.command["block_lines"], work.command["kernels"]
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
        "cycles": sharing.shared,
        "cycles_alone": max(sharing.alone),
        "sharing_loss": round(sharing.loss, 4),
        "imbalance_loss": round(sharing.loss_with_imbalance - sharing.loss, 4),
    }
