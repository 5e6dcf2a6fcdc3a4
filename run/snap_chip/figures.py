"""The chip's side of figures of the SNAP paper."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from ...hw.snap_chip.config import PRESETS
from ...sim.energy import EnergyTable, count_energy
from ...sim.snap.channel_last import ChannelLast, simulate_channel_last
from ...sim.snap_chip.energy import chip_energy_events
from ...sim.snap_chip.frame import Frame, frame
from ...sim.workloads.densities import SNAP_MEAN, falling_densities
from ...sim.workloads.layers import NETWORKS, LayerShape, random_tensors
from ..energy import tera_operations_per_watt
from ..progress import Stages
from .frames import SEED, TIMING

__all__ = ["REPRODUCE"]

PRESET = "snap-chip"

LAYERS = tuple(NETWORKS["resnet50"])

MHZ = 480
"""Of the paper's chip where it is fastest."""

PEERS = [
    ChannelLast(pe_rows=side, pe_columns=side, operands=operands, banks=2 * operands**2, queue=4)
    for side, operands in ((4, 4), (2, 8), (1, 16))
]
"""Channel-last machines of 256 multipliers, of which each layer gets the one that is best for it."""

SCALE = 45 / 16 * (0.9 / 0.55) ** 2
"""Energy at 45 nm and 0.9 V over that at 16 nm and 0.55 V, if it goes with length and squared voltage."""

Densities = tuple[tuple[float, float], ...]


@cache
def _run(densities: Densities, layers: tuple[LayerShape, ...]) -> Frame:
    """Layers on the chip's cycle model."""
    return frame(PRESETS[PRESET], layers, densities, TIMING, seed=SEED)


def _blocks(layers: Sequence[LayerShape], cycles: Sequence[float]) -> dict[str, float]:
    """Cycles of the residual blocks, by the paper's names of them."""
    found: dict[str, float] = {}
    for layer, count in zip(layers, cycles, strict=True):
        block, branch, _ = layer.name.partition("/")[2].partition("_branch")
        if branch:
            name = f"blk-{block.removeprefix('res')}"
            found[name] = found.get(name, 0) + count
    return found


def speedups(stages: Stages, layers: tuple[LayerShape, ...] = LAYERS) -> dict[str, Any]:
    """Of each block of ResNet-50, and means over blocks."""
    densities = tuple(falling_densities(layers))
    cycles = {}
    for name, chosen in (("dense", ((1.0, 1.0),) * len(layers)), ("sparse", densities)):
        with stages(f"Modelling ResNet-50, {name}"):
            cycles[name] = [layer.cycles for layer in _run(chosen, layers).counters.layers]
    cycles["peer"] = []
    with stages("Modelling ResNet-50, channel-last") as update:
        for number, (layer, pair) in enumerate(zip(layers, densities, strict=True)):
            update(layer.name, number / len(layers))
            x, w = random_tensors(layer, *pair, SEED + number)
            # As if a peer had no more multipliers than the chip.
            runs = (
                simulate_channel_last(peer, x, w, layer.stride, layer.padding).cycles * peer.multipliers
                for peer in PEERS
            )
            cycles["peer"].append(min(runs) / PRESETS[PRESET].multipliers)
    dense, sparse, peer = (_blocks(layers, cycles[name]) for name in ("dense", "sparse", "peer"))
    ours, theirs = ({name: dense[name] / run[name] for name in dense} for run in (sparse, peer))
    mean, peer_mean = (sum(run.values()) / len(run) for run in (ours, theirs))
    better = {"mean": mean / peer_mean, **{name: ours[name] / theirs[name] for name in ours}}
    return {
        "mean": round(mean, 2),
        "mean, channel-last": round(peer_mean, 2),
        **{f"{name}, better than channel-last, %": round(100 * (ratio - 1), 1) for name, ratio in better.items()},
        **{name: round(value, 2) for name, value in ours.items()},
        **{f"{name}, channel-last": round(value, 2) for name, value in theirs.items()},
    }


def chip(stages: Stages, layers: tuple[LayerShape, ...] = LAYERS) -> dict[str, Any]:
    """Size, and a frame of ResNet-50 at the mean densities."""
    config = PRESETS[PRESET]
    with stages("Modelling ResNet-50"):
        found = _run((SNAP_MEAN,) * len(layers), layers)
    cycles, macs = found.counters.cycles, sum(layer.macs for layer in layers)
    events = chip_energy_events(config, found.counters.layers)
    chips = sum(count_energy(EnergyTable.default(), [one for one in events if one.kind != "dram"]).values())
    whole = sum(count_energy(EnergyTable.default(), events).values())
    efficiency = tera_operations_per_watt(macs, chips)
    return {
        "multipliers": config.multipliers,
        "SRAM, kB": round(config.sram_bytes / 1000, 1),
        "ResNet-50, M cycles a frame": round(cycles / 1e6, 2),
        "ResNet-50, frames/s at 480 MHz": round(MHZ * 1e6 / cycles, 2),
        "ResNet-50, TOPS/W": round(SCALE * efficiency, 2),
        "the same at 45 nm and 0.9 V": round(efficiency, 2),
        "the same with DRAM": round(tera_operations_per_watt(macs, whole), 2),
    }


REPRODUCE = {"snap-fig15": speedups, "snap-table2": chip}
"""What makes each figure."""
