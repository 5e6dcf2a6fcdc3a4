"""Testbench of the activation memory."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS


@testbench(PARTS["activation_memory"])
async def lines(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Lines come out as they were written, in parts or as a whole, with flags where they are not zero."""
    limit, width, size = 1 << config.data_bits - 1, config.line_activations, config.part_activations
    shape = config.activation_lines, width
    memory, read = np.zeros(shape, int), None
    everything = (1 << config.line_parts) - 1
    for cycle in range(shape[0] + 300):
        write, line = everything, cycle % shape[0]
        if cycle >= shape[0]:  # all have been written
            write = int(
                rng.choice(
                    [0, everything, 1 << int(rng.integers(config.line_parts)), int(rng.integers(everything + 1))]
                )
            )
            line = int(rng.integers(shape[0]))
        values = rng.integers(-limit, limit, width) * (rng.random(width) < rng.choice([0, 0.5, 1]))
        reads = cycle > shape[0] and rng.random() < 0.8
        place = int(rng.integers(shape[0]))
        reads &= not (write and place == line)
        outputs = await bench.cycle(
            {
                "i_write": write, "i_write_line": line, "i_values": values.tolist(), "i_read": int(reads),
                "i_read_line": place,
            }
        )  # fmt: skip
        if read is not None:
            flags = sum(1 << int(at) for at in np.flatnonzero(read))
            assert outputs["o_line"] == {"flags": flags, "values": read.tolist()}
        read = memory[place].copy() if reads else None
        for part in range(config.line_parts):
            if write >> part & 1:
                memory[line, part * size : (part + 1) * size] = values[part * size : (part + 1) * size]
