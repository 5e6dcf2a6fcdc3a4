"""Row taps beside diagonal mode with the global accumulator, by the cycle model."""

from collections.abc import Sequence
from typing import Any

from ...hw.snap_chip.config import PRESETS
from ...sim.snap_chip.cycles import simulate_chip
from ...sim.snap_chip.frame import layer_work
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer
from ..progress import Stages
from .frames import SEED, TIMING

__all__ = ["WAYS_DENSITIES", "WAYS_LAYERS", "measure_ways"]

WAYS_LAYERS = [f"resnet50/res{stage}a_branch2b" for stage in (2, 3, 4, 5)]
"""One of each size of ResNet-50's 3x3 layers."""

WAYS_DENSITIES = [SNAP_MEAN, (0.38, 0.25), (0.2, 0.15), (1.0, 1.0)]
"""Of activations and weights: the mean, ever sparser, dense."""


def measure_ways(stages: Stages, preset: str, layers: Sequence[LayerShape] = ()) -> list[dict[str, Any]]:
    """Run layers of all `WAYS_LAYERS`, or others, both ways on a preset with a global accumulator.

    Returns
    -------
    list of dict
        ``cycles`` and ``utilisation`` of each way; ``sums_per_output``: sums that leave the cores for an output;
        ``carried_per_output``: those that the accumulator keeps and reads again; ``core_sums_per_cycle``: sums of a
        core in a cycle; ``chosen``: whether the compiler takes the way. Each output is written into the output buffer
        once either way.
    """
    found = [find_layer(name) for name in WAYS_LAYERS]
    chosen = list(layers) or [layer for layer in found if layer is not None]
    rows = []
    with stages(f"Modelling both ways of 3x3 layers on {preset}") as update:
        for number, layer in enumerate(chosen):
            update(layer.name, number / len(chosen))
            for densities in WAYS_DENSITIES:
                rows += [_measure(preset, layer, densities, diagonal) for diagonal in (False, True)]
    return rows


def _measure(preset: str, layer: LayerShape, densities: tuple[float, float], diagonal: bool) -> dict[str, Any]:
    config = PRESETS[preset].replace(global_accumulator=True)
    chosen = layer_work(config, layer, densities, seed=SEED).command["diagonal"]
    work = layer_work(config, layer, densities, seed=SEED, diagonal=diagonal)
    counters = simulate_chip(config, [work], timing=TIMING).layers[0]
    sums, outputs = int(counters.sums.sum()), work.command["out_lines"] * work.command["out_columns"] * layer.kernels
    carried = sums * config.carries // config.sum_ports if diagonal else 0
    return {
        "preset": preset,
        "layer": layer.name,
        "ia_density": densities[0],
        "w_density": densities[1],
        "source": "model",
        "way": "diagonal" if diagonal else "row taps",
        "chosen": chosen == diagonal,
        "cycles": counters.cycles,
        "utilisation": round(counters.utilisation(config.multipliers), 4),
        "sums_per_output": round(sums / outputs, 4),
        "carried_per_output": round(carried / outputs, 4),
        "core_sums_per_cycle": round(sums / counters.cycles / config.cores, 4),
    }
