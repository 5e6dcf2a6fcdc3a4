"""Testbench of the credits."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS


@testbench(PARTS["credits"])
async def counts(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Columns wait in clusters that give them back at random, up to three at once; all run empty, and full again."""
    await bench.reset()
    waiting, returned, least = np.zeros(config.clusters, int), np.zeros(config.clusters, int), 1
    for cycle in range(300):
        willing = (0.9, 0.5, 0.1, 0.0)[cycle // 20 % 4]  # how often broadcasts are wanted
        none = config.queue_depth - waiting - returned == 0
        sent = bool(rng.random() < willing) and not none.any()
        outputs = await bench.cycle({"i_sent": int(sent), "i_returned": returned.tolist()})
        assert outputs["o_none"] == sum(1 << int(k) for k in np.flatnonzero(none))
        assert outputs["o_all"] == (not none.any())
        least = min(least, outputs["o_all"])
        waiting += sent
        most = np.minimum(3, waiting)
        returned = rng.integers(0, most + 1) * (rng.random(config.clusters) < 0.3) if cycle // 80 % 2 == 0 else most
        waiting -= returned
    assert least == 0
