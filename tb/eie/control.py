"""Testbench of what runs jobs."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.program import Job
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS
from .random_jobs import any_job, job_values

IDLE = {
    "o_start": 0, "o_begin": 0, "o_scanning": 0, "o_reading_out": 0, "o_write": 0, "o_busy": 0,
    "read": None, "clear": None,
}  # fmt: skip
"""What is said if nothing happens; `read` and `clear` are the group of rows."""

Said = dict[str, Any]


def clearing(config: EieConfig) -> Iterator[Said]:
    """All groups, one a cycle."""
    for group in range(config.rows // config.readout_rows):
        yield IDLE | {"o_busy": 1, "clear": group}


def running(config: EieConfig, jobs: list[Job], scans: list[int]) -> Iterator[Said]:
    """Cycles behind that of the command; also what goes in, and which job is asked about."""
    busy = IDLE | {"o_busy": 1}
    yield from (busy, busy, busy | {"o_start": 1, "next": jobs[0]})
    for number, (job, scan) in enumerate(zip(jobs, scans, strict=True)):
        follows = {"o_start": 1, "next": jobs[number + 1]} if number + 1 < len(jobs) else {}
        for cycle in range(scan):
            done = cycle == scan - 1
            ends = follows if done and job.keep else {}
            yield busy | {"o_begin": int(cycle == 0), "o_scanning": 1, "done": done, "job": job} | ends
        lines, latency = job.output_lines(config), config.readout_latency
        for cycle in range(lines + latency if lines else 0):
            said = busy | {"o_reading_out": 1, "job": job, "done": True}
            if cycle < lines:
                said["read"] = cycle
            if cycle >= latency:
                said |= {"o_write": 1, "line": job.destination + cycle - latency}
            yield said | (follows if cycle == lines + latency - 1 else {})


async def watch(bench: Bench, expected: Iterator[Said], rubbish: Said) -> None:
    """Compare cycle by cycle."""
    for cycle, said in enumerate(expected):
        outputs = await bench.cycle(rubbish | {"i_done": int(said.get("done", False))})
        for name in ("o_start", "o_begin", "o_scanning", "o_reading_out", "o_write", "o_busy"):
            assert outputs[name] == said[name], f"{name} in cycle {cycle}"
        for name in ("read", "clear"):
            found = outputs[f"o_{name}"]
            assert (found["group"] if found["valid"] else None) == said[name], f"{name} in cycle {cycle}"
        if "next" in said:
            assert outputs["o_next"] == job_values(said["next"])
        if "job" in said:
            assert outputs["o_job"] == job_values(said["job"]), f"cycle {cycle}"
        if "line" in said:
            assert outputs["o_line"] == said["line"], f"cycle {cycle}"


@testbench(PARTS["control"])
async def runs(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Any jobs of the list, one behind the other: those that read out and those that keep; sums are cleared between."""
    jobs = [any_job(config, rng) for _ in range(config.jobs)]
    rubbish = {
        "i_write": 0, "i_number": 0, "i_job": job_values(jobs[0]), "i_run": 0, "i_first": 0, "i_last": 0, "i_clear": 0
    }  # fmt: skip
    await bench.cycle(rubbish | {"i_done": 1})
    await bench.reset()
    await watch(bench, clearing(config), rubbish)
    written = range(config.jobs)
    for number in range(16):
        for place in written:
            load = {"i_write": 1, "i_number": place, "i_job": job_values(jobs[place])}
            await watch(bench, iter([IDLE]), rubbish | load)
        if number % 5 == 4:
            await watch(bench, iter([IDLE]), rubbish | {"i_clear": 1})
            await watch(bench, clearing(config), rubbish)
        first = 0 if number == 0 else int(rng.integers(config.jobs))
        last = config.jobs - 1 if number == 0 else int(rng.integers(first, config.jobs))
        some = jobs[first : last + 1]
        rubbish |= {"i_first": int(rng.integers(config.jobs)), "i_last": int(rng.integers(config.jobs))}
        await watch(bench, iter([IDLE]), rubbish | {"i_run": 1, "i_first": first, "i_last": last})
        scans = [int(rng.choice([7, 8, 20])) for _ in some]
        await watch(bench, running(config, some, scans), rubbish)
        await watch(bench, iter([IDLE] * int(rng.integers(3))), rubbish)
        written = rng.integers(config.jobs, size=1).tolist()
        jobs[written[0]] = any_job(config, rng)


@testbench(PARTS["control"])
async def reset_at_any_time(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Nothing goes on after it, but the sums are cleared."""
    job = any_job(config, rng)
    for _ in range(6):
        await bench.reset()
        rubbish = {"i_write": 0, "i_number": 0, "i_job": job_values(job), "i_run": 0, "i_first": 0, "i_last": 0}
        rubbish |= {"i_clear": 0}
        await watch(bench, clearing(config), rubbish)
        await watch(bench, iter([IDLE]), rubbish | {"i_write": 1})
        await watch(bench, iter([IDLE]), rubbish | {"i_run": 1})
        steps = running(config, [job], [7])
        for _, said in zip(range(int(rng.integers(1, 14))), steps, strict=False):
            await watch(bench, iter([said]), rubbish)
