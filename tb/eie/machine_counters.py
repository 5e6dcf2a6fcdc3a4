"""Testbench of the machine's counters."""

import numpy as np

from ...hw.eie.config import EieConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS


@testbench(PARTS["machine_counters"])
async def counts(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Each counts its cycles, until all are cleared."""
    await bench.reset()
    counted = dict.fromkeys(("cycles", "scan_cycles", "readout_cycles", "broadcasts", "full", "source_empty"), 0)
    full_by = np.zeros(config.clusters, int)
    for _ in range(300):
        phase, clear = int(rng.integers(3)), bool(rng.random() < 0.02)
        scanning, reading = phase == 0, phase == 1
        none = rng.random(config.clusters) < rng.choice([0, 0.3])
        offered = bool(scanning and rng.random() < 0.7)
        sent, empty = offered and not none.any(), bool(scanning and not offered and rng.random() < 0.5)
        outputs = await bench.cycle(
            {
                "i_scanning": int(scanning), "i_reading_out": int(reading), "i_offered": int(offered),
                "i_sent": int(sent), "i_empty": int(empty), "i_clear": int(clear),
                "i_none": sum(1 << int(at) for at in np.flatnonzero(none)),
            }
        )  # fmt: skip
        assert outputs["o_counters"] == counted
        assert outputs["o_full_by"] == full_by.tolist()
        happened = (scanning or reading, scanning, reading, sent, offered and not sent, empty)
        for name, event in zip(counted, happened, strict=True):
            counted[name] = 0 if clear else counted[name] + event
        full_by = np.zeros_like(full_by) if clear else full_by + offered * none
