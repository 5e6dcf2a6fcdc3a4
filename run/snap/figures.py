"""The core's side of figures of the SNAP paper."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ...hw.snap.config import PRESETS
from ...sim.energy import EnergyTable, count_energy
from ...sim.snap.cycles import simulate_core
from ...sim.snap.energy import core_energy_events
from ...sim.snap.exploration import aim_sizes, dataflows
from ...sim.workloads.densities import SNAP_MEAN
from ...sim.workloads.layers import LayerShape, find_layer, sample
from ..energy import tera_operations_per_watt
from ..jobs import Job, layer_job
from ..progress import Stages
from .compression import compression
from .program import map_job

__all__ = ["REPRODUCE"]

PRESET = "snap-core"

SEED = 1

WIDE = "vgg16/conv3_2", (6, 56, 256, 64)
"""Layer and part that stand for 3x3 layers."""

LAYERS = [WIDE, ("resnet50/res2b_branch2b", (14, 56, 64, 64)), ("resnet50/res4b_branch2a", (14, 14, 256, 64))]

SCALE = 45 / 16 * (0.9 / 0.55) ** 2
"""Energy at 45 nm and 0.9 V over that at 16 nm and 0.55 V, if it goes with length and squared voltage."""


def _layer(name: str, part: tuple[int, int, int, int]) -> LayerShape:
    found = find_layer(name)
    assert found is not None
    return sample(found, *part)


def _job(layer: LayerShape, densities: tuple[float, float]) -> Job:
    return layer_job(layer, *densities, bits=PRESETS[PRESET].data_bits, seed=SEED)


def bundles(stages: Stages) -> dict[str, Any]:
    """A kernel whose first column has three weights in its first line, and three in its second; and a real layer."""
    import numpy as np

    from ...sim.formats.bundles import WeightBundles

    config = PRESETS[PRESET]
    weights = np.zeros((3, 3, 8, 1), np.int16)
    weights[0, 0, [0, 2, 5], 0] = 1, 2, 3
    weights[1, 0, [1, 2, 7], 0] = 4, 5, 6
    weights[2, 0, [3, 4], 0] = 7, 8
    _, _, pointers = WeightBundles.encode(weights, config.channel_tile).bundle(0, 0, 0)
    groups = [(int(r), 0) for r in np.repeat(np.arange(3), np.diff(pointers))]
    sizes = compression(config, _job(_layer(*WIDE), SNAP_MEAN))
    return {
        "pointers of the first two groups": ", ".join(str(pointer) for pointer in pointers[:2].tolist()),
        "(r, k) of values 0 to 2": _only(groups[:3]),
        "(r, k) of values 3 to 5": _only(groups[3:6]),
        "bits an activation that is stored, 0.38": sizes["ia_bits_per_non_zero"],
        "bits a weight that is stored, 0.52": sizes["w_bits_per_non_zero"],
    }


def _only(groups: Sequence[tuple[int, int]]) -> str:
    """The groups there are, which should be one."""
    return " ".join(str(group) for group in dict.fromkeys(groups))


def compare_dataflows(stages: Stages) -> dict[str, Any]:
    """Means over densities against both channel-last machines, and writebacks of layers at the mean densities."""
    config = PRESETS[PRESET]
    with stages("Comparing dataflows") as update:
        machines = dataflows(update)["machines"]
    ours, updates = machines.pop("SNAP"), []
    with stages("Counting writebacks") as update:
        for name, part in LAYERS:
            update(name)
            counters = simulate_core(config, map_job(config, _job(_layer(name, part), SNAP_MEAN)).core)
            updates.append(counters.sums_per_cycle)
    figures: dict[str, Any] = {}
    for title, peer in zip(("", ", peer with queues"), machines.values(), strict=True):
        figures[f"latency, times better{title}"] = _ratio(peer["cycles_per_mac"], ours["cycles_per_mac"])
        figures[f"utilisation, times better{title}"] = _ratio(ours["utilisation"], peer["utilisation"])
    mean = fmean(updates)
    return figures | {
        "OA updates a cycle": round(mean, 2),
        "writeback traffic, times less": round(config.multipliers / mean, 1),
    }


def _ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Mean of the ratios, density by density."""
    return round(fmean(a / b for a, b in zip(above, below, strict=True)), 2)


def compare_aims(stages: Stages) -> dict[str, Any]:
    """Means over densities of the sizes without prefetching, and with it."""
    with stages("Comparing sizes of the AIM") as update:
        found = {name: fmean(values) for name, values in aim_sizes(update)["utilisation"].items()}
    plain, fetched = ({n: found[f"N = {n}, one a row{end}"] for n in (16, 32, 64)} for end in ("", ", prefetch"))
    return {
        "utilisation, N = 16 to 32, points": _points(plain[32] - plain[16]),
        "utilisation, N = 32 to 64, points": _points(plain[64] - plain[32]),
        "utilisation by prefetching, N = 32, points at most": _points(fetched[32] - plain[32]),
        "utilisation, N = 32 with prefetching": round(fetched[32], 3),
        "the same, N = 16": round(fetched[16], 3),
        "the same, N = 64": round(fetched[64], 3),
    }


def _points(difference: float) -> float:
    return round(100 * difference, 1)


def efficiency(stages: Stages) -> dict[str, Any]:
    """Of a 3x3 layer, by the energy model."""
    config, table, layer = PRESETS[PRESET], EnergyTable.default(), _layer(*WIDE)
    found: dict[str, float] = {}
    for density in (1.0, 0.4, 0.1):
        with stages(f"Counting energy at density {density:g}"):
            counters = simulate_core(config, map_job(config, _job(layer, (density, density))).core)
        energy = sum(count_energy(table, core_energy_events(config, counters)).values())
        found[f"{density:g}/{density:g}"] = tera_operations_per_watt(layer.macs, energy)
    dense = found["1/1"]
    return {
        **{density: round(SCALE * value, 2) for density, value in found.items()},
        **{f"{density} over 1/1": round(value / dense, 2) for density, value in found.items() if density != "1/1"},
        **{f"{density}, at 45 nm and 0.9 V": round(value, 2) for density, value in found.items()},
    }


REPRODUCE = {
    "snap-fig5": bundles,
    "snap-fig7": compare_dataflows,
    "snap-fig9": compare_aims,
    "snap-fig14b": efficiency,
}
"""What makes each figure."""
