"""Where which machine is cheaper for a network: cycles times size, by how many weights and activations aren't zero."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...hw.errors import ConfigError
from ...sim.memory_timing import MemoryTiming
from ...sim.network.execute import execute_all
from ...sim.network.graph import Network, Weighted
from ..progress import Stages, silent
from ..registry import Design
from .execution import run_network

if TYPE_CHECKING:
    from .plan import MachinePart

__all__ = ["DENSITIES", "compare", "own_densities", "with_density"]

DENSITIES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Of activations and of weights, that are tried."""


def with_density(network: Network, density: float, seed: int = 0) -> Network:
    """The network with this share of each node's weights not zero: the greatest stay, and what lacks becomes 1.

    Where weights become zero or 1 is as good as random; results mean nothing any more.
    """
    rng = np.random.default_rng(seed)
    nodes = [
        dataclasses.replace(node, weights=_weights(node, density, rng)) if isinstance(node, Weighted) else node
        for node in network.nodes
    ]
    return dataclasses.replace(network, nodes=tuple(nodes))


def _weights(node: Weighted, density: float, rng: np.random.Generator) -> np.ndarray:
    centred = node.centred_weights
    keys = np.abs(centred) + rng.random(centred.shape)  # zeros too are in a random order
    kept = np.zeros(centred.size, bool)
    kept[np.argsort(-keys, axis=None)[: max(1, round(density * centred.size))]] = True
    kept = kept.reshape(centred.shape)
    zeros = node.weights - centred  # int16
    most = np.iinfo(node.weights.dtype).max
    filled = np.where(centred != 0, node.weights, zeros + np.where(zeros < most, 1, -1))
    return np.where(kept, filled, zeros).astype(node.weights.dtype)


def own_densities(network: Network, values: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Shares of activations and of weights that aren't zero, each node by its multiply-accumulates."""
    nodes = [node for node in network.nodes if isinstance(node, Weighted)]
    macs = [node.macs for node in nodes]
    activations = [np.mean(values[node.source.name] != node.source.zero) for node in nodes]
    weights = [np.mean(node.centred_weights != 0) for node in nodes]
    return float(np.average(activations, weights=macs)), float(np.average(weights, weights=macs))


def compare(
    network: Network,
    inputs: Mapping[str, np.ndarray],
    designs: Sequence[Design],
    sizes: Sequence[float],
    *,
    densities: Sequence[float] = DENSITIES,
    timing: MemoryTiming | None = None,
    seed: int = 0,
    stages: Stages = silent,
) -> dict[str, Any]:
    """What a network takes on designs, by their models: as it is, and with other densities.

    Parameters
    ----------
    sizes
        Of each design: what its cycles are multiplied with.
    densities
        Shares of non-zeros that are tried, of activations and of weights.

    Returns
    -------
    dict
        For JSON. `cycles` of a grid are by weights, then by activations; None where these have no room.
    """
    activations, weights = own_densities(network, execute_all(network, inputs))
    rows = []
    for design, size in zip(designs, sizes, strict=True):
        with stages(f"Modelling {design.name}") as update:
            outcome = run_network(design, network, inputs, timing=timing)
            grid = None
            if _depends(outcome.parts[0].part, outcome.parts[0].program, timing):
                grid = []
                for at, density in enumerate(densities):
                    update(f"weights of density {density:g}", at / len(densities))
                    grid.append(_row(design, with_density(network, density, seed), inputs, densities, timing, seed))
        whole = [[outcome.cycles] * len(densities)] * len(densities)
        rows.append(
            {
                "design": design.name,
                "engine": design.engine.name,
                "multipliers": design.config.multipliers,
                "size": size,
                "cycles": outcome.cycles,
                "utilisation": round(outcome.utilisation, 6),
                "cost": outcome.cycles * size,
                "passed": outcome.passed,
                "host": [node.name for node in outcome.host_nodes],
                "sparse": grid is not None,
                "grid": whole if grid is None else grid,
            }  # fmt: skip
        )
    return {
        "densities": list(densities), "activation_density": round(activations, 4), "weight_density": round(weights, 4),
        "designs": rows, "cheapest": _cheapest(rows),
    }  # fmt: skip


def _depends(part: "MachinePart", program: Any, timing: MemoryTiming | None) -> bool:
    """Whether cycles depend on values."""
    return part.cycles_at(program, 0.5, 0, timing) is not None


def _row(
    design: Design, network: Network, inputs: Mapping[str, np.ndarray], densities: Sequence[float],
    timing: MemoryTiming | None, seed: int,
) -> list[int | None]:  # fmt: skip
    """Cycles for each density of activations."""
    values = execute_all(network, inputs)
    parts = design.engine.plan_network(design.config, network).machine_parts
    try:
        programs = [part.program(values) for part in parts]
    except ConfigError:
        return [None] * len(densities)
    row: list[int | None] = []
    for density in densities:
        try:
            found = [
                part.cycles_at(program, density, seed, timing) or 0
                for part, program in zip(parts, programs, strict=True)
            ]
            row.append(sum(found))
        except ConfigError:
            row.append(None)
    return row


def _cheapest(rows: Sequence[Mapping[str, Any]]) -> list[list[str | None]]:
    """By weights, then by activations: the design with the least cycles x size."""
    count = len(rows[0]["grid"])
    return [[min(costs, key=lambda one: one[0])[1] if (costs := _costs(rows, w, a)) else None for a in range(count)]
            for w in range(count)]  # fmt: skip


def _costs(rows: Sequence[Mapping[str, Any]], w: int, a: int) -> list[tuple[float, str]]:
    return [(row["grid"][w][a] * row["size"], row["design"]) for row in rows if row["grid"][w][a] is not None]
