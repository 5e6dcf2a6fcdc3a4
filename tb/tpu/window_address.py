"""Testbench of where the rows of entries lie."""

import random

import numpy as np

from ...hw.tpu.config import TpuConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .entries import granules_of, random_entry
from .parts import PARTS
from .windows import asks_for

ENTRIES = 40


@testbench(PARTS["window_address"])
async def entries_of_both_kinds(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Every row of every command, in cycles of its own choice; an entry begins where the one before ends."""
    some = random.Random(int(rng.integers(1 << 32)))
    idle = {"i_entry_valid": 0, "i_next": 0, "i_next_command": 0}
    following = random_entry(config, some, range(config.ub_granules))
    await bench.cycle(idle | {"i_entry_valid": 1, "i_entry_payload": following})
    for _ in range(ENTRIES):
        entry, following = following, random_entry(config, some, range(config.ub_granules))
        rows = granules_of(config, [entry])
        for number, granules in enumerate(rows, start=1):
            moves = {"i_next": 1, "i_next_command": int(number % entry["rows"] == 0)}
            if number == len(rows):
                moves |= {"i_entry_valid": 1, "i_entry_payload": following}
            for inputs in [idle] * some.choice([0, 0, 1]) + [idle | moves]:
                outputs = await bench.cycle(inputs)
                assert asks_for(config, outputs["o_window"], granules), entry
                assert outputs["o_width"] == entry["pitch"]
                assert outputs["o_pad"] == entry["geometry"]["pad"]
