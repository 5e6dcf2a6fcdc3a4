"""Testbench of what reads activations and broadcasts them."""

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.program import Job
from ..bench import Bench
from ..cocotb_bench import testbench
from .machine_parts import PARTS
from .memory import Memory
from .random_jobs import any_job, job_values

Sent = tuple[int, int] | str | None


class Walk:
    """What the source does, cycle by cycle, from cycle 0 of a job on: lines as lists of columns to send.

    Parameters
    ----------
    config, job, memory
        What is read: ``[lines, line_activations]``.
    """

    def __init__(self, config: EieConfig, job: Job, memory: np.ndarray) -> None:
        width = config.line_activations
        values = memory[job.source :].ravel()[: job.columns].tolist()
        self.lines = [
            [(job.pointers + at, values[at]) for at in range(first, min(first + width, job.columns)) if values[at]]
            for first in range(0, job.columns, width)
        ]
        self.row: list[tuple[int, int]] = []
        self.behind: list[tuple[int, int]] | None = None
        self.ended = False

    def step(self, credit: bool) -> tuple[dict[str, bool], Sent]:
        """What the strobes say in a cycle, and what is in the root register after it."""
        row, sent = bool(self.row), None
        over = not row and self.behind is None and not self.lines
        said = {"o_offered": row, "o_sent": row and credit, "o_empty": not row and not over}
        if row and credit:
            sent = self.row.pop(0)
        elif over and not self.ended:
            sent, self.ended = "end", True
        if self.behind is not None and (not self.row or not self.behind):
            self.row, self.behind = self.row or self.behind, None
        if self.behind is None and self.lines:
            self.behind = self.lines.pop(0)
        return said, sent


async def send(
    bench: Bench, config: EieConfig, job: Job, contents: np.ndarray, rng: np.random.Generator, willing: float
) -> int:
    """Play a job from its start to the ``scan_end`` in the root register; how many cycles that takes."""
    memory, walk = Memory(config, contents, rng), Walk(config, job, contents)
    idle = {"i_credit": int(rng.integers(2)), "i_line": memory.shown()}
    outputs = await bench.cycle(idle | {"i_start": 1, "i_job": job_values(job)})
    assert not any(outputs[name] for name in ("o_read", "o_offered", "o_sent", "o_empty"))
    rubbish, root, cycle = job_values(any_job(config, rng)), None, 0
    while True:
        credit = bool(rng.random() < willing)
        outputs = await bench.cycle({"i_start": 0, "i_job": rubbish, "i_credit": int(credit), "i_line": memory.shown()})
        memory.observe(outputs)
        said, sent = walk.step(credit)
        assert {name: bool(outputs[name]) for name in said} == said, f"cycle {cycle}"
        broadcast = outputs["o_broadcast"]
        assert (broadcast["valid"], broadcast["scan_end"]) == (isinstance(root, tuple), root == "end"), f"cycle {cycle}"
        if isinstance(root, tuple):
            assert (broadcast["pointer"], broadcast["activation"]) == root, f"cycle {cycle}"
        if root == "end":
            return cycle
        root = sent
        cycle += 1


@testbench(PARTS["source"])
async def jobs(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Every activation that is not zero is sent once and in order, in the cycle in which it must; then the end."""
    await bench.reset()
    limit = 1 << config.data_bits - 1
    shape = config.activation_lines, config.line_activations
    for number in range(14):
        density = (0, 1, 0.5, 0.05, 0.2)[number % 5]
        contents = rng.integers(-limit, limit, shape) * (rng.random(shape) < density)
        contents[rng.random(len(contents)) < rng.choice([0, 0.5])] = 0
        await send(bench, config, any_job(config, rng), contents, rng, (1, 0.7, 0.2)[number % 3])
        for _ in range(int(rng.integers(4))):  # there is nothing to say between jobs
            outputs = await bench.cycle({"i_credit": 1})
            assert not any(outputs[name] for name in ("o_read", "o_offered", "o_sent", "o_empty"))
            assert not outputs["o_broadcast"]["valid"] and not outputs["o_broadcast"]["scan_end"]


@testbench(PARTS["source"])
async def no_cycle_is_lost(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """All that are not zero take a cycle each; lines of zeros one each; two pass before the first, the end is sent."""
    await bench.reset()
    lines = min(4, (config.pointers - 1) // config.line_activations)
    columns = lines * config.line_activations
    job = Job(columns=columns, source=1, pointers=2, slots=1, destination=0, codebook=0, shift=0)
    shape = config.activation_lines, config.line_activations
    assert await send(bench, config, job, np.ones(shape, int), rng, 1) == columns + 3
    assert await send(bench, config, job, np.zeros(shape, int), rng, 1) == lines + 2
    one = np.zeros(shape, int)
    one[1:, -1] = 1
    assert await send(bench, config, job, one, rng, 1) == lines + 3


@testbench(PARTS["source"])
async def columns_behind_the_last(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Any number of columns of a last line that holds more."""
    await bench.reset()
    width = config.line_activations
    for rest in range(1, width + 1):
        job = Job(columns=width + rest, source=1, pointers=0, slots=1, destination=0, codebook=0, shift=0)
        contents = np.ones((config.activation_lines, width), int)
        assert await send(bench, config, job, contents, rng, 1) == width + rest + 3
