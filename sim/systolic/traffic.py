"""What goes into the array and comes out of it, in numbers, without the padding of tiles."""

import dataclasses

import numpy as np

from ...hw.systolic.config import SystolicConfig
from .plan import MatrixPlan

__all__ = ["Traffic", "array_traffic"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traffic:
    """Numbers of a product that pass the array's borders.

    Attributes
    ----------
    tiles
        Weight tiles, as often as they are loaded.
    activations, weights
        That enter, as often as they do.
    sums
        Finished ones, that leave.
    """

    tiles: int
    activations: int
    weights: int
    sums: int


def array_traffic(config: SystolicConfig, plan: MatrixPlan) -> Traffic:
    """Count what the commands of a plan move."""
    commands, steps = plan.commands, plan.steps
    down = np.minimum(config.rows, plan.k - steps["k_tile"] * config.rows)
    across = np.minimum(config.columns, plan.n - steps["n_tile"] * config.columns)
    return Traffic(
        tiles=plan.weight_tiles,
        activations=int((commands["rows"] * down).sum()),
        weights=int((down * across)[commands["swap"] == 1].sum()),
        sums=plan.groups * plan.m * plan.n,
    )
