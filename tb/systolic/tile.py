"""Testbench of the tile."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.wrap import wrap
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .parts import PARTS
from .vectors import array_schedule, pack_lanes, shifted, unpack_lanes


async def work(bench: Bench, config: SystolicConfig, rng: np.random.Generator, gap: float) -> None:
    """Random work with psums from above; what leaves at the right and at the bottom is what came in."""
    rows, columns = config.tile_rows, config.tile_columns
    schedule = array_schedule(config, rows, columns, rng, tiles=60, gap=gap)
    half = 1 << config.psum_bits - 1
    above = rng.integers(-half, half, schedule.sums.shape)
    inputs = {
        "i_activations": pack_lanes(schedule.activations, config.operand_bits),
        "i_controls": pack_lanes(schedule.controls @ [1, 2, 4], 3),
        "i_weights": pack_lanes(schedule.weights, config.data_bits),
        "i_psums": pack_lanes(above, config.psum_bits),
    }
    expected = {
        "o_activations": shifted(inputs["i_activations"], columns),
        "o_controls": shifted(inputs["i_controls"], columns),
        "o_weights": shifted(inputs["i_weights"], 1),
    }
    outputs = await play(bench, inputs, expected)
    psums = unpack_lanes(outputs["o_psums"], columns, config.psum_bits)
    wanted = wrap(np.roll(above, rows, axis=0) + schedule.sums, config.psum_bits)
    np.testing.assert_array_equal(psums[schedule.defined], wanted[schedule.defined])


@testbench(PARTS["tile"])
async def dense_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Nothing waits: the next tile is loaded right behind the swap."""
    await work(bench, config, rng, 0.0)


@testbench(PARTS["tile"])
async def ragged_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Pauses everywhere."""
    await work(bench, config, rng, 0.4)
