"""Testbench of the tree that finds the lowest flag."""

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS


@testbench(PARTS["lowest_flag"])
async def masks(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """All masks of up to eight flags; of more, each flag alone, with all above it, and many at random."""
    (size,) = config
    flags = range(1 << size) if size <= 8 else []
    some = [int(rng.integers(1 << size)) & -(1 << int(rng.integers(size))) for _ in range(100)]
    for mask in [
        0,
        *flags,
        *(1 << at for at in range(size)),
        *(-1 << at & (1 << size) - 1 for at in range(size)),
        *some,
    ]:
        outputs = await bench.cycle({"i_flags": mask})
        lowest = mask & -mask
        expected = {"o_any": mask != 0, "o_lowest": lowest, "o_position": max(lowest.bit_length() - 1, 0)}
        assert outputs == expected, f"{mask:b}"
