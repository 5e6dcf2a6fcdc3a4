"""Exploration of the SNAP core with its cycle model: AIM sizes (paper, Fig. 9) and dataflows (paper, Fig. 7).

Layers are mapped in the plain way, which is the paper's.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from ...hw.snap.config import PRESETS, SnapConfig
from ..workloads.layers import LayerShape, random_tensors
from .channel_last import ChannelLast, simulate_channel_last
from .cycles import simulate_core
from .mapping import map_convolution
from .program import CoreProgram
from .ways import Way

__all__ = ["AIMS", "aim_sizes", "dataflows"]

DENSITIES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Of activations and of weights."""

SEED = 1

MOST_KERNELS = 64

AIMS: dict[str, dict[str, Any]] = {
    "N = 16, one a row": {"entries": 16, "depth": 1},
    "N = 16, one a row, prefetch": {"entries": 16, "depth": 4},
    "N = 32, one a row": {"entries": 32, "depth": 1},
    "N = 32, one a row, prefetch": {"entries": 32, "depth": 4},
    "N = 64, one a row": {"entries": 64, "depth": 1},
    "N = 64, one a row, prefetch": {"entries": 64, "depth": 4},
    "N = 32, one a PE, prefetch": {"entries": 32, "depth": 4, "columns": 1},
}
"""AIM size, lists that a PE queues (1: it asks for a list when it has used up the last one), PEs of a row."""


class _Explored(SnapConfig):
    """A configuration for the model alone: its list queue may hold a single list."""

    def __post_init__(self) -> None:
        depth = self.list_depth
        object.__setattr__(self, "list_depth", max(depth, 2))
        super().__post_init__()
        object.__setattr__(self, "list_depth", depth)


def _layer(height: int, width: int, channels: int, density: float) -> LayerShape:
    """A 3x3 layer in which every activation meets every weight, with the more kernels the fewer pairs are left."""
    kernels = min(MOST_KERNELS, 4 * round(1 / density**2))
    return LayerShape(
        name=f"{height}x{width}x{channels}", height=height, width=width, channels=channels, rows=3, columns=3,
        kernels=kernels, padding=2,
    )  # fmt: skip


def _program(config: SnapConfig, layer: LayerShape, density: float) -> CoreProgram:
    x, w = random_tensors(layer, density, density, SEED)
    return map_convolution(config, x, w, layer.stride, layer.padding, way=Way())


def aim_sizes(progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Utilisation against density for AIMs of several sizes, shared by the PEs of a row or not, with prefetch or not.

    Register files grow with the AIM, so that they always hold two windows and four tiles. A PE with an AIM of its own
    is that of a core of one column, which takes the kernel columns one after the other.

    Parameters
    ----------
    progress
        Called with what is being run.

    Returns
    -------
    dict
        ``densities``, and ``utilisation``: a list for each of `AIMS`.
    """
    result: dict[str, list[float]] = {}
    programs: dict[tuple[int, int, float], CoreProgram] = {}  # which don't depend on the queues
    for name, choice in AIMS.items():
        entries = choice["entries"]
        config = _Explored(
            aim_entries=entries, weight_entries=4 * entries, activation_entries=4 * entries,
            list_depth=choice["depth"], core_columns=choice.get("columns", PRESETS["snap-core"].core_columns),
        )  # fmt: skip
        result[name] = []
        for density in DENSITIES:
            progress(f"{name}, density {density:g}")
            key = entries, config.core_columns, density
            if key not in programs:
                programs[key] = _program(config, _layer(6, 7, 128, density), density)
            counters = simulate_core(config, programs[key])
            result[name].append(round(counters.utilisation(config.multipliers), 4))
    return {"densities": list(DENSITIES), "utilisation": result}


def dataflows(progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Compare the core with channel-last machines of as many multipliers, the one without and one with bank queues.

    Parameters
    ----------
    progress
        Called with what is being run.

    Returns
    -------
    dict
        ``densities`` and, by machine, lists of ``utilisation``, ``cycles_per_mac`` (times multipliers: 1 is ideal) and
        ``writebacks_per_mac`` (to the output buffer or the accumulator banks).
    """
    config = PRESETS["snap-core"]
    machines = {"channel-last": ChannelLast(), "channel-last, 4 places a bank": ChannelLast(queue=4)}
    figures: dict[str, dict[str, list[float]]] = {
        name: {"utilisation": [], "cycles_per_mac": [], "writebacks_per_mac": []} for name in ["SNAP", *machines]
    }

    def add(name: str, cycles: int, macs: int, writebacks: int, multipliers: int) -> None:
        for field, value in (
            ("utilisation", macs / cycles / multipliers),
            ("cycles_per_mac", cycles * multipliers / macs),
            ("writebacks_per_mac", writebacks / macs),
        ):
            figures[name][field].append(round(value, 4))

    for density in DENSITIES:
        layer = _layer(14, 14, 128, density)
        layer = dataclasses.replace(layer, kernels=min(layer.kernels, 48))
        progress(f"{layer.text}, density {density:g}")
        x, w = random_tensors(layer, density, density, SEED)
        counters = simulate_core(config, map_convolution(config, x, w, layer.stride, layer.padding, way=Way()))
        macs = int(counters.multiplies.sum())
        add("SNAP", counters.cycles, macs, int(counters.sums.sum()), config.multipliers)
        for name, machine in machines.items():
            assert isinstance(layer.stride, int) and isinstance(layer.padding, int)
            run = simulate_channel_last(machine, x, w, layer.stride, layer.padding)
            add(name, run.cycles, run.products, run.products, machine.multipliers)
    return {"densities": list(DENSITIES), "machines": figures}
