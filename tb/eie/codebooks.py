"""Testbench of the memory of codebooks."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS


@testbench(PARTS["codebooks"])
async def jobs(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """A job gets its codebook in its cycles 2 to 5, all quarters in order; some are written again between jobs."""
    await bench.reset()
    limit, count = 1 << config.data_bits - 1, config.codes // 4
    table = rng.integers(-limit, limit, (4 * config.codebooks, count))
    bits, mask = config.data_bits, (1 << config.data_bits) - 1
    written = list(range(len(table)))
    for _ in range(20):
        for address in written:
            data = sum((weight & mask) << bits * at for at, weight in enumerate(table[address].tolist()))
            outputs = await bench.cycle({"i_write": 1, "i_address": address, "i_data": data, "i_begin": 0})
            assert not outputs["o_quarter"]["valid"]
        number = int(rng.integers(config.codebooks))
        rubbish = {"i_write": 0, "i_address": 1, "i_data": int(rng.integers(1 << 4))}
        for cycle in range(int(rng.integers(6, 10))):
            codebook = number if cycle < 4 else int(rng.integers(config.codebooks))
            outputs = await bench.cycle(rubbish | {"i_begin": int(cycle == 0), "i_codebook": codebook})
            quarter = outputs["o_quarter"]
            assert quarter["valid"] == (2 <= cycle <= 5)
            if quarter["valid"]:
                assert quarter["quarter"] == cycle - 2
                assert quarter["weights"] == table[4 * number + cycle - 2].tolist()
        written = rng.choice(len(table), 2, replace=False).tolist()
        table[written] = rng.integers(-limit, limit, (2, count))
