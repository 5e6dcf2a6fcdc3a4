"""Whole tables of layers on SNAP chips, by the cycle model."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...hw.snap_chip.config import PRESETS, SnapChipConfig
from ...sim.memory_timing import MemoryTiming
from ...sim.snap_chip.counters import KINDS
from ...sim.snap_chip.cycles import LayerCounters
from ...sim.snap_chip.frame import Frame, frame
from ...sim.workloads.densities import SNAP_MEAN, falling_densities
from ...sim.workloads.layers import NETWORKS, LayerShape
from ..progress import Stages

__all__ = ["DENSE", "FALLING", "MEAN", "RESNET50", "SEED", "TIMING", "find_frame", "layer_rows", "measure_frames"]

SEED = 0

TIMING = MemoryTiming(latency=60, pace=32)
"""Of the memory behind a chip: bytes a cycle in both directions together."""

MEAN, DENSE, FALLING = "0.38/0.52", "1/1", "falling with depth"
"""Densities of a frame's activations and weights."""

RESNET50: list[tuple[str, str]] = [
    ("snap-chip", MEAN), ("snap-chip", DENSE), ("snap-chip", FALLING),
    ("snap-chip-large", MEAN), ("snap-chip-large", DENSE), ("snap-chip-large", FALLING),
    ("snap-chip-8b", MEAN),
]  # fmt: skip
"""Presets and densities that ResNet-50 runs with."""


def measure_frames(
    stages: Stages, runs: Sequence[tuple[str, str]], layers: Sequence[LayerShape] = tuple(NETWORKS["resnet50"])
) -> list[dict[str, Any]]:
    """Run a table of layers on presets with densities; figures of each run, in which those of all `layers` are."""
    return [_measure(stages, preset, densities, layers) for preset, densities in runs]


def find_frame(frames: Sequence[Mapping[str, Any]], preset: str, densities: str) -> Mapping[str, Any] | None:
    """The run of a preset with these densities, if there is one."""
    return next((one for one in frames if (one["preset"], one["densities"]) == (preset, densities)), None)


def _measure(stages: Stages, preset: str, densities: str, layers: Sequence[LayerShape]) -> dict[str, Any]:
    config = PRESETS[preset]
    pairs = {MEAN: [SNAP_MEAN] * len(layers), DENSE: [(1.0, 1.0)] * len(layers)}.get(densities)
    network = layers[0].name.partition("/")[0]
    with stages(f"Modelling {len(layers)} layers of {network} on {preset}, densities {densities}") as update:
        found = frame(config, layers, pairs or falling_densities(layers), TIMING, seed=SEED, progress=update)
    counters = found.counters
    return {
        "preset": preset,
        "network": network,
        "layers_run": len(layers),
        "densities": densities,
        "source": "model",
        "cycles": counters.cycles,
        "ideal_cycles": found.ideal_cycles,
        "products": found.products,
        "utilisation": round(found.utilisation, 6),
        "products_per_cycle": round(found.products / counters.cycles, 3),
        "sums_per_output": round(_sums_per_output(found), 6),
        "where_cycles_went": _rounded(counters.where_cycles_went()),
        **_bytes(config, counters.beats),
        "layers": layer_rows(found, pairs or falling_densities(layers)),
    }


def layer_rows(found: Frame, densities: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Figures of each layer of a frame."""
    return [
        {
            "name": layer.name,
            "ia_density": pair[0],
            "w_density": pair[1],
            "source": "model",
            "bit_exact": None,
            "cycles": counters.cycles,
            "utilisation": round(counters.utilisation(found.config.multipliers), 6),
            "where_cycles_went": _rounded(counters.where_cycles_went()),
            **_bytes(found.config, counters.beats),
            **_waits(counters),
        }
        for layer, pair, counters in zip(found.layers, densities, found.counters.layers, strict=True)
    ]


def _waits(counters: LayerCounters) -> dict[str, int]:
    """Cycles in which parts of the chip waited for memory, and sums for the output buffer."""
    return {
        "input_wait_cycles": counters.input_waits,
        "weight_wait_cycles": int(counters.weight_waits.max()),
        "output_wait_cycles": int(counters.output_waits.max()),
    }


def _sums_per_output(found: Frame) -> float:
    """Sums that left the cores for each place of an output, those of columns and kernels that fill up included."""
    sums = places = 0
    for command, counters in zip(found.commands, found.counters.layers, strict=True):
        columns = command["column_groups"] * found.config.banks
        sums += int(counters.sums.sum())
        places += command["out_lines"] * columns * command["out_tiles"] * found.config.tile_channels
    return sums / places


def _bytes(config: SnapChipConfig, beats: dict[str, int]) -> dict[str, int]:
    return {f"{kind}_bytes": beats[kind] * config.bus.bytes for kind in KINDS}


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}
