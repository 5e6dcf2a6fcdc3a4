"""Testbench of the bounds of windows."""

import random

import numpy as np

from ...hw.tpu.config import TpuConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .windows import MODULO, asks_for, granules_at, signed

WINDOWS = 1500


@testbench(PARTS["window_bounds"])
async def windows(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Windows anywhere, most of them across one edge of the image or another, or a power of two away from there."""
    some, size = random.Random(int(rng.integers(1 << 32))), config.row_granules

    def near(reach: int, *edges: int) -> int:
        close = some.choice(edges) + some.randint(-reach, reach)
        far = close + some.choice([1, -1]) * (1 << some.randrange(24))
        return some.choice([some.getrandbits(24), *[close] * 5, *[far] * 4])

    for _ in range(WINDOWS):
        first = some.randrange(config.ub_rows)
        geometry = {"window_first": first, "window_last": some.randint(first, config.ub_rows - 1)}
        geometry |= {"line": some.choice([some.getrandbits(24), some.randint(0, 3 * size)])}
        geometry |= {"height": some.choice([some.getrandbits(12), some.randint(0, 3)])}
        width, y = some.randint(1, size), signed(near(1, 0, geometry["height"]))
        x = signed(near(size, 0, geometry["line"] - size))
        address = near(size, first * size, (geometry["window_last"] + 1) * size) % MODULO
        inputs = geometry | {"address": address, "x": x, "y": y, "width": width}
        outputs = await bench.cycle({f"i_{name}": value for name, value in inputs.items()})
        window = {"address": address, "first": outputs["o_first"], "end": outputs["o_end"]}
        assert asks_for(config, window, granules_at(config, geometry, address, x, y, width)), inputs
