"""Testbench of the mesh."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .parts import PARTS
from .vectors import array_schedule


async def work(bench: Bench, config: SystolicConfig, rng: np.random.Generator, gap: float) -> None:
    """Random work on skewed buses."""
    schedule = array_schedule(config, config.rows, config.columns, rng, tiles=30, gap=gap)
    fields = ("swap", "weights_signed", "load")
    inputs = {}
    for bus in range(config.tile_grid[0]):
        rows = slice(bus * config.tile_rows, (bus + 1) * config.tile_rows)
        inputs[f"i_activations_{bus}"] = schedule.activations[:, rows].tolist()
        inputs[f"i_controls_{bus}"] = [
            [dict(zip(fields, control, strict=True)) for control in row] for row in schedule.controls[:, rows].tolist()
        ]
    for bus in range(config.tile_grid[1]):
        columns = slice(bus * config.tile_columns, (bus + 1) * config.tile_columns)
        inputs[f"i_weights_{bus}"] = schedule.weights[:, columns].tolist()
    outputs = await play(bench, inputs, {})
    psums = np.concatenate([outputs[f"o_psums_{bus}"] for bus in range(config.tile_grid[1])], axis=1)
    np.testing.assert_array_equal(psums[schedule.defined], schedule.sums[schedule.defined])


@testbench(PARTS["mesh"])
async def dense_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Nothing waits: the next tile is loaded right behind the swap."""
    await work(bench, config, rng, 0.0)


@testbench(PARTS["mesh"])
async def ragged_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Pauses everywhere."""
    await work(bench, config, rng, 0.4)
