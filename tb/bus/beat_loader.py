"""Testbench of the loader of beats."""

import itertools
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.bus.config import PortConfig
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from .beat_memory import BeatMemory
from .parts import PARTS


def as_job(config: tuple[PortConfig, int, int], address: int, beats: int, passes: int) -> dict[str, int]:
    """A job (`job_layout`), which has no passes if a part's jobs have none."""
    return {"address": address, "beats": beats} | ({"passes": passes} if config[2] else {})


class Buffer(BeatMemory):
    """Memory and buffer: rows become free some time after their beats came, and it sees whether too many are in use.

    It says at random whether its reader waits.

    Parameters
    ----------
    buffer_rows
        How many there are.
    chance
        Probability that a row is freed in a cycle.
    hoard
        Whether none is before all are in use.
    ends
        Addresses behind jobs.
    """

    def __init__(self, *arguments: Any, buffer_rows: int, chance: float, hoard: bool, ends: set[int]) -> None:
        super().__init__(*arguments)
        self.buffer_rows = buffer_rows
        self.ends, self._waits, self._short, self._valid = ends, False, False, 0
        self.chance, self.hoard = chance, hoard
        self.freed, self.most, self._frees, self._full = 0, 0, False, False

    def drive(self) -> dict[str, Any]:
        """Ready, and whether a row is freed."""
        used, rows = self.given - self.freed, self.buffer_rows
        self._full = used == rows or (self._full and used > 0) or not self.hoard
        self._frees = used > 0 and self._full and self.rng.random() < self.chance
        self._short, self._waits = self._waits, self.rng.random() < 0.2
        inputs = {"i_free": int(self._frees), "i_waits": int(self._waits)}
        return inputs | {"o_requests_ready": super().drive()["o_requests_ready"]}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count what is in use."""
        moved = super().observe(outputs)
        request, valid = outputs["o_requests_payload"], outputs["o_requests_valid"]
        if valid and not self._valid:  # the buffer's reader may have waited in the cycle before
            end = request["address"] + request["beats"]
            assert self._short or end % self.config.max_burst == 0 or end in self.ends
        self._valid = valid and not self._ready
        self.most = max(self.most, len(self.asked) - self.freed)
        assert self.most <= self.buffer_rows
        self.freed += self._frees
        return moved or self._frees


@testbench(PARTS["beat_loader"])
async def random_jobs(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """Every beat of every pass in order, never more than there is room for; whole bursts if the reader can wait."""
    some = random.Random(int(rng.integers(1 << 32)))
    port, rows, passes_bits = config
    last = (1 << port.beat_address_bits) - 1
    for stall, silence, chance, hoard in (
        (0, 0, 1, False),
        (0.5, 0, 0.5, False),
        (0, 0.5, 1, True),
        (0.3, 0.3, 0.2, True),
    ):
        jobs = [{"address": last - 8, "beats": 9, "passes": 1}, {"address": 5, "beats": 0, "passes": 1}]
        jobs.append({"address": 3, "beats": 2 * rows, "passes": 0 if passes_bits else 1})
        for _ in range(5):
            beats = some.choice([1, some.randint(1, 9), some.randint(1, 3 * rows)])
            passes = some.randint(1, 3) if passes_bits else 1
            jobs.append({"address": some.randrange(last - beats), "beats": beats, "passes": passes})
        some.shuffle(jobs)
        jobs.append({"address": 77, "beats": 4 * rows, "passes": 1})  # or a hoard would never be full
        addresses = [range(job["address"], job["address"] + job["beats"]) for job in jobs for _ in range(job["passes"])]
        wanted = [address for beats in addresses for address in beats]
        ends = {beats.stop for beats in addresses}
        memory = Buffer(
            port, dict.fromkeys(wanted, 0), stall, silence, some,
            buffer_rows=rows, chance=chance, hoard=hoard, ends=ends,
        )  # fmt: skip
        await run(
            bench,
            [Source("i_jobs", [as_job(config, **job) for job in jobs], stall, some), memory],
            lambda memory=memory, wanted=wanted: len(memory.asked) >= len(wanted),
        )
        assert memory.asked == wanted
        assert not hoard or memory.most == rows
        await bench.cycle({"i_jobs_valid": 0, "i_free": 0, "i_waits": 0})
        await bench.reset()


@testbench(PARTS["beat_loader"])
async def exact_room(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """Jobs as long as the buffer: one is asked for though nothing is freed and no reader waits; nothing beyond it."""
    port, rows, _ = config
    job = as_job(config, address=port.max_burst, beats=rows, passes=1)
    asked = 0
    for _ in range(4 * rows):
        outputs = await bench.cycle(
            {"i_jobs_valid": 1, "i_jobs_payload": job, "o_requests_ready": 1, "i_free": 0, "i_waits": 0}
        )
        asked += outputs["o_requests_valid"] * outputs["o_requests_payload"]["beats"]
    assert asked == rows


def jobs_of_bits(
    bench: Bench, config: tuple[PortConfig, int, int], number: str = ""
) -> list[tuple[dict[str, int], int]]:
    """Jobs of which beats and passes each are a bit alone, and how many beats each has in all.

    Parameters
    ----------
    number
        Behind the names of their stream, and of the requests.
    """
    port, _, passes_bits = config
    beats_bits = bench.inputs[f"i_jobs{number}_payload"]["fields"]["beats"]["shape"]["width"]
    sizes = [
        (1 << beats, 1 << passes) for beats, passes in itertools.product(range(beats_bits), range(passes_bits or 1))
    ]
    return [(as_job(config, port.max_burst, *size), size[0] * size[1]) for size in sizes]


async def beats_asked(bench: Bench, job: dict[str, int], total: int, cycles: int, number: str = "") -> int:
    """Beats of a job that are asked for in so many cycles; no other job is taken before all of them are.

    Parameters
    ----------
    number
        As of `jobs_of_bits`.
    """
    jobs, requests = f"i_jobs{number}", f"o_requests{number}"
    asked, outputs = 0, await bench.cycle({f"{jobs}_payload": job, f"{jobs}_valid": 1, f"{requests}_ready": 1})
    assert outputs[f"{jobs}_ready"]
    for cycle in range(cycles):
        outputs = await bench.cycle({f"{jobs}_valid": 0})
        asked += outputs[f"{requests}_valid"] * outputs[f"{requests}_payload"]["beats"]
        assert not outputs[f"{jobs}_ready"] or asked == total, f"ready {cycle + 1} cycles after {job}"
    return asked


def room_taken(job: dict[str, int], rows: int, most: int) -> int:
    """Beats of a job from a border on that are asked for while no row becomes free and no reader waits."""
    asked = 0
    for _ in range(job.get("passes", 1)):
        for first in range(0, min(job["beats"], rows + most), most):
            burst = min(most, job["beats"] - first)
            if asked + burst > rows:
                return asked
            asked += burst
    return asked


@testbench(PARTS["beat_loader"])
async def long_jobs(bench: Bench, config: tuple[PortConfig, int, int], rng: np.random.Generator) -> None:
    """No other job is taken while one has beats or passes left, however many; all room is used."""
    port, rows, _ = config
    await bench.cycle({"i_jobs_valid": 0, "i_free": 0, "i_waits": 0})
    for job, total in jobs_of_bits(bench, config):
        await bench.reset()
        assert await beats_asked(bench, job, total, 3 * rows + 6) == room_taken(job, rows, port.max_burst)
