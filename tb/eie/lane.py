"""Testbench of a lane."""

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_parts import PARTS


@testbench(PARTS["lane"])
async def sums(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Products of few rows, which meet in adjacent cycles and in the next ones; all sums read out, then 0."""
    groups, limit = config.rows // config.readout_rows, 1 << config.data_bits - 1
    idle = {"valid": 0, "group": 0}

    def operand(valid: bool, row: int) -> dict[str, int]:
        extreme = rng.random() < 0.3
        weight, activation = (-limit if extreme else int(rng.integers(-limit, limit)) for _ in range(2))
        return {"valid": int(valid), "row": row, "weight": weight, "activation": activation}

    async def step(**inputs) -> list[int]:
        inputs = {"i_operand": operand(False, int(rng.integers(config.rows))), "i_read": idle, "i_clear": idle} | inputs
        return (await bench.cycle(inputs))["o_sums"]

    for group in range(groups):
        await step(i_clear={"valid": 1, "group": group})
    for busy in (1, 0.6, 0.2, 0):
        expected = np.zeros(config.rows, np.int64)
        few = rng.integers(0, config.rows, 3)
        for cycle in range(80):
            row = int(rng.choice(few)) if cycle < 40 else int(rng.integers(config.rows))
            one = operand(rng.random() < busy, row)
            expected[row] += one["valid"] * one["weight"] * one["activation"]
            await step(i_operand=one)
        for _ in range(2):  # so the last product is there when the first sums are read, and not before
            await step()
        for group in range(groups + 1):
            read = {"valid": 1, "group": group} if group < groups else idle
            found = await step(i_read=read)
            if group:
                rows = slice((group - 1) * config.readout_rows, group * config.readout_rows)
                assert found == wrap(expected[rows], config.psum_bits).tolist()
