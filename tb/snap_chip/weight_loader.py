"""Testbench of the weight loader."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .weight_memory import WeightMemory


class Buffer(WeightMemory):
    """Memory and buffer: rows become free some time after their beats came, and it sees whether too many are in use.

    Parameters
    ----------
    chance
        Probability that a row is freed in a cycle.
    hoard
        Whether none is before all are in use.
    """

    def __init__(self, *arguments: Any, chance: float, hoard: bool) -> None:
        super().__init__(*arguments)
        self.chance, self.hoard = chance, hoard
        self.freed, self.most, self._frees, self._full = 0, 0, False, False

    def drive(self) -> dict[str, Any]:
        """Ready, and whether a row is freed."""
        used, rows = self.given - self.freed, self.config.weight_rows
        self._full = used == rows or (self._full and used > 0) or not self.hoard
        self._frees = used > 0 and self._full and self.rng.random() < self.chance
        return {"o_requests_ready": super().drive()["o_requests_ready"], "i_free": int(self._frees)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count what is in use."""
        moved = super().observe(outputs)
        self.most = max(self.most, len(self.asked) - self.freed)
        assert self.most <= self.config.weight_rows
        self.freed += self._frees
        return moved or self._frees


@testbench(PARTS["weight_loader"])
async def random_jobs(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every beat of every pass in order, never more than there is room for, and the last row of room is used."""
    some = random.Random(int(rng.integers(1 << 32)))
    last, rows = (1 << config.bus.beat_address_bits) - 1, config.weight_rows
    for stall, silence, chance, hoard in (
        (0, 0, 1, False),
        (0.5, 0, 0.5, False),
        (0, 0.5, 1, True),
        (0.3, 0.3, 0.2, True),
    ):
        jobs = [{"address": last - 8, "beats": 9, "passes": 1}]
        jobs += [{"address": 5, "beats": 0, "passes": 2}, {"address": 3, "beats": 40, "passes": 0}]
        for _ in range(5):
            beats = some.choice([1, some.randint(1, 9), some.randint(1, 3 * rows)])
            jobs.append({"address": some.randrange(1000), "beats": beats, "passes": some.randint(1, 3)})
        some.shuffle(jobs)
        jobs.append({"address": 77, "beats": 4 * rows, "passes": 1})  # or a hoard would never be full
        addresses = [range(job["address"], job["address"] + job["beats"]) for job in jobs for _ in range(job["passes"])]
        wanted = [address for beats in addresses for address in beats]
        memory = Buffer(config, dict.fromkeys(wanted, 0), stall, silence, some, chance=chance, hoard=hoard)
        await run(
            bench,
            [Source("i_jobs", jobs, stall, some), memory],
            lambda memory=memory, wanted=wanted: len(memory.asked) >= len(wanted),
        )
        assert memory.asked == wanted
        assert not hoard or memory.most == rows
        await bench.cycle({"i_jobs_valid": 0, "i_free": 0})
        await bench.reset()
