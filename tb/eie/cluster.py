"""Testbench of a cluster."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...hw.eie.config import EieConfig
from ...sim.eie.golden import finish
from ...sim.golden.wrap import wrap
from ..bench import Bench
from ..cocotb_bench import testbench
from .cluster_loads import ClusterLoad, random_load
from .cluster_parts import PARTS

FAULTY = {name: config for name, config in PARTS["cluster"].items() if name.endswith(("tiny", "paper", "wide"))}

QUIET = {
    "i_begin": 0, "i_scanning": 0, "i_reading_out": 0, "i_clear_counters": 0, "i_clear_errors": 0
}  # fmt: skip


class Driver:
    """Plays everything around a cluster, as `sim.eie.cycles` describes it, with garbage where nothing is valid."""

    def __init__(self, bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.credit = config.queue_depth

    async def cycle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """A cycle; what isn't mentioned is not valid."""
        outputs = await self.bench.cycle(QUIET | {"i_broadcast": self.broadcast()} | self.nothing() | inputs)
        self.credit += outputs["o_returned"]
        return outputs

    def broadcast(self, column: int | None = None, activation: int = 0, *, end: bool = False) -> dict[str, int]:
        """A broadcast of the column whose first pointer is there; of none by default."""
        config, rng, valid = self.config, self.rng, column is not None
        pointer = column if column is not None else int(rng.integers(config.pointers))
        if not valid:
            activation = int(rng.integers(-1 << config.data_bits - 1, 1 << config.data_bits - 1))
        return {"valid": int(valid), "scan_end": int(end), "pointer": pointer, "activation": activation}

    def nothing(self) -> dict[str, Any]:
        """Nothing to read, to clear, to keep, to write."""
        config, rng = self.config, self.rng
        groups = config.rows // config.readout_rows
        line = [{"code": int(rng.integers(config.codes)), "index": 0} for _ in range(config.line_entries)]
        weights = rng.integers(-1 << config.data_bits - 1, 1 << config.data_bits - 1, config.codes // 4).tolist()
        return {
            "i_read": {"valid": 0, "group": int(rng.integers(groups))},
            "i_clear": {"valid": 0, "group": int(rng.integers(groups))},
            "i_codebook": {"valid": 0, "quarter": int(rng.integers(4)), "weights": weights},
            "i_write": {
                "matrix": {"enable": 0, "address": 0, "data": line},
                "pointers": {"enable": 0, "bank": 0, "address": 0, "data": 0},
            },
        }

    async def clear(self) -> None:
        """Make all sums 0."""
        for group in range(self.config.rows // self.config.readout_rows):
            await self.cycle({"i_clear": {"valid": 1, "group": group}})

    async def write(self, load: ClusterLoad) -> None:
        """Load the memories."""
        write = self.nothing()["i_write"]
        for address, line in load.lines().items():
            matrix = {"enable": 1, "address": address, "data": line}
            await self.cycle({"i_write": write | {"matrix": matrix}})
        for at, word in enumerate(load.load.pointers[0].tolist()):
            pointers = {"enable": 1, "bank": at % 2, "address": at // 2, "data": word}
            await self.cycle({"i_write": write | {"pointers": pointers}})

    def codebook(self, codebook: np.ndarray, cycles: int) -> dict[int, dict[str, Any]]:
        """Quarters of a codebook by cycle, in any four of so many."""
        quarters = codebook.reshape(4, -1).tolist()
        order, when = self.rng.permutation(4).tolist(), self.rng.choice(cycles, 4, replace=False).tolist()
        return {
            cycle: {"i_codebook": {"valid": 1, "quarter": number, "weights": quarters[number]}}
            for cycle, number in zip(when, order, strict=True)
        }

    async def scan(self, job: Any, activations: np.ndarray, width: int, early: dict[int, dict[str, Any]]) -> int:
        """A scan, with other inputs by cycle; how many cycles it takes."""
        columns = activations[: job.columns]
        lines = [
            [(job.pointers + at, int(a)) for at, a in enumerate(columns[n : n + width].tolist(), n) if a]
            for n in range(0, len(columns), width)
        ]
        row: list[Any] = []  # the row register, and the line at the output of the activation memory
        output: list[Any] | None = None
        root, ending, ended, cycle = self.broadcast(), False, False, 0
        while True:
            go = bool(row) and self.credit > 0
            over = not row and output is None and not lines
            inputs = {"i_scanning": 1, "i_begin": int(cycle == 0), "i_broadcast": root}
            self.credit -= go
            outputs = await self.cycle(inputs | early.get(cycle, {}))
            cycle += 1
            assert cycle < 10000, "the scan has no end"
            assert self.credit <= self.config.queue_depth
            if outputs["o_idle"]:
                assert ended
                return cycle
            ending = over and not ended
            ended |= ending
            root = self.broadcast(*row.pop(0)) if go else self.broadcast(end=ending)
            if output == [] or (output and not row):
                row, output = row or output or [], None
            if output is None and lines:
                output = lines.pop(0)

    async def read_out(self, job: Any, early: dict[int, dict[str, Any]]) -> list[list[int]]:
        """Activations of the job's rows, a list a group."""
        groups, latency = -(-job.slots // self.config.readout_rows), self.config.readout_latency
        found = []
        for cycle in range(groups + latency):
            read = {"i_read": {"valid": 1, "group": cycle}} if cycle < groups else {}
            inputs = {"i_reading_out": 1, "i_shift": job.shift, "i_relu": int(job.relu)}
            outputs = await self.cycle(inputs | read | early.get(cycle, {}))
            assert not self.config.queue_depth - self.credit
            if cycle >= latency:
                found.append(outputs["o_activations"])
        return found


def _counts(load: ClusterLoad, number: int) -> Iterator[tuple[str, int]]:
    counters = load.counters(number)
    fields = vars(counters) | counters.went | counters.idle
    for name in ("entries", "products", "empty_columns", "lines", "highest", *counters.went, *counters.idle):
        yield name, int(fields[name][0])


@testbench(PARTS["cluster"])
async def jobs(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Random jobs against the cycle model, counter by counter, and the sums they must give."""
    driver = Driver(bench, config, rng)
    await driver.clear()
    for _ in range(4):
        load = random_load(config, rng)
        await driver.write(load)
        await driver.cycle({"i_clear_counters": 1})
        kept, expected = np.zeros(config.rows, np.int64), {}
        for number, job in enumerate(load.load.jobs):
            codebook = driver.codebook(load.codebooks[number], 7 if job.keep else 8)
            width = load.config.line_activations
            cycles = await driver.scan(job, load.activations[number], width, codebook)
            assert cycles == load.counters(number).scan_cycles
            kept += load.sums(number)[0]
            if not job.keep:
                later = {cycle - cycles: inputs for cycle, inputs in codebook.items()}
                found = sum(await driver.read_out(job, later), [])
                outputs = finish(wrap(kept, config.psum_bits), job.shift, job.relu, config.data_bits)
                assert found == outputs[: len(found)].tolist()
                kept[:] = 0
            for name, count in _counts(load, number):
                before = expected.get(name, 0)
                expected[name] = max(before, count) if name == "highest" else before + count
        outputs = await driver.cycle({})
        assert outputs["o_counters"] == expected
        assert not any(outputs["o_errors"].values())


@testbench(FAULTY)
async def faults(bench: Bench, config: EieConfig, rng: np.random.Generator) -> None:
    """Pointers and entries that can't be: each error is told, all columns come back, and good products are added."""
    driver, seen = Driver(bench, config, rng), set()
    await driver.clear()
    loads = 0
    while loads < 3 or "pointers" not in seen:
        loads += 1
        load = random_load(config, rng).spoilt(rng)
        await driver.write(load)
        await driver.cycle({"i_clear_errors": 1})
        kept, found = np.zeros(config.rows, np.int64), set()
        for number, job in enumerate(load.load.jobs):
            await driver.scan(job, load.activations[number], 2, driver.codebook(load.codebooks[number], 6))
            sums, errors = load.sums(number)
            kept, found = kept + sums, found | errors
            whole = dataclasses.replace(job, slots=config.rows)
            outputs = sum(await driver.read_out(whole, {}), [])
            assert outputs == finish(wrap(kept, config.psum_bits), job.shift, job.relu, config.data_bits).tolist()
            kept[:] = 0
        told = (await driver.cycle({}))["o_errors"]
        assert {name for name, level in told.items() if level} == found
        seen |= found
