"""Testbench of the activation unit."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...hw.tpu.config import TpuConfig
from ...sim.golden.requantize import requantize
from ...sim.golden.wrap import wrap
from ..bench import Bench, Source, run
from ..cocotb_bench import testbench
from ..common.requantizer import any_sums, hard_factors
from .activation_parts import PARTS

LATENCY, RAW_LATENCY = 4, 1

TYPES = (np.int8, np.uint8)
"""By kind."""


class Put(NamedTuple):
    """What must be written: address, bytes, and whether its row and its entry end with it."""

    address: int
    data: list[int]
    row_ends: bool
    last: bool


class Job(NamedTuple):
    """An entry, the beats of its parameter set, the sums that it takes, and what it must put."""

    entry: dict[str, int]
    beats: list[int]
    sums: list[list[int]]
    puts: list[Put]


class ParameterSet(NamedTuple):
    """Biases and factors by column."""

    biases: np.ndarray
    factors: np.ndarray

    def beats(self, config: TpuConfig) -> list[int]:
        """The set as it lies in memory."""
        columns = np.empty(len(self.biases), [("bias", "<i4"), ("factor", "<f4")])
        columns["bias"], columns["factor"] = self.biases, self.factors
        image, width = columns.tobytes(), config.bus_bytes
        return [int.from_bytes(image[start : start + width], "little") for start in range(0, len(image), width)]


def results(entry: Mapping[str, int], sums: np.ndarray, parameters: ParameterSet | None) -> np.ndarray:
    """Bytes by plane, row and column."""
    if parameters is None:
        kept = np.maximum(sums, 0) if entry["relu"] else sums
        return np.stack([kept >> 8 * plane & 255 for plane in range(1 << entry["planes"])])
    totals = wrap(sums + parameters.biases, 32)
    values = requantize(totals, parameters.factors, entry["zero"], TYPES[entry["kind"]])
    return np.clip(values.astype(int), entry["lo"], entry["hi"])[None] & 255


def job(config: TpuConfig, entry: dict[str, int], sums: np.ndarray, parameters: ParameterSet | None) -> Job:
    """Everything that belongs to an entry; `parameters` are those in use, or None for raw sums."""
    planes, used = results(entry, sums, parameters), 4 * entry["used"]
    puts = [
        Put(
            entry["ub"] + plane * entry["plane_step"] + row * entry["pitch"],
            planes[plane, row, :used].tolist(),
            plane == len(planes) - 1,
            plane == len(planes) - 1 and row == len(sums) - 1,
        )
        for row in range(len(sums))
        for plane in range(len(planes))
    ]
    beats = parameters.beats(config) if parameters and entry["next"] else []
    return Job(entry, beats, sums.tolist(), puts)


def random_sums(config: TpuConfig, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Of all kinds, the ends in every column once in a while."""
    columns = config.matrix.columns
    return rng.permuted(any_sums(32, rows * columns, rng)).reshape(rows, columns)


def random_job(
    config: TpuConfig, kind: int, rows: int, fresh: bool, parameters: ParameterSet, rng: np.random.Generator,
    *, planes: int | None = None,
) -> tuple[Job, ParameterSet]:  # fmt: skip
    """An entry with legal fields of all sizes; also the parameter set that is in use after it.

    `fresh`: take a new set. `planes`: the field, where sums are raw.
    """
    some = random.Random(int(rng.integers(1 << 32)))
    sums, raw, most = random_sums(config, rows, rng), kind == 2, config.row_granules
    pitch = some.choice([1, most, some.randint(1, most)])
    used = some.choice([1, pitch, some.randint(1, pitch)])
    planes = (some.randrange(3) if planes is None else planes) if raw else 0
    room = config.ub_granules - (rows - 1) * pitch - used
    plane_step = some.randint(0, room // ((1 << planes) - 1) if planes else config.ub_granules - 1)
    room -= ((1 << planes) - 1) * plane_step
    zero = low = high = 0
    if fresh:
        biases = rng.permuted(any_sums(32, config.matrix.columns, rng))
        parameters = ParameterSet(biases, hard_factors(wrap(sums[0] + biases, 32), rng))
    if not raw:
        least, largest = np.iinfo(TYPES[kind]).min, np.iinfo(TYPES[kind]).max
        zero = some.choice([least, 0, largest, some.randint(least, largest)])
        ends = sorted([some.randint(least, largest), some.randint(least, largest)])
        low, high = some.choice([(least, largest), (least, largest), (ends[0], ends[1]), (ends[0], ends[0])])
    entry = {
        "next": int(fresh), "kind": kind, "planes": planes, "relu": some.randrange(2) if raw else 0,
        "ub": some.choice([0, room, some.randint(0, room)]), "rows": rows, "pitch": pitch, "used": used,
        "zero": zero, "lo": low, "hi": high, "plane_step": plane_step,
    }  # fmt: skip
    return job(config, entry, sums, None if raw else parameters), parameters


def random_jobs(config: TpuConfig, count: int, rng: np.random.Generator) -> list[Job]:
    """All kinds in any order, of few rows and of more; the first one with parameters takes a set."""
    jobs, parameters, any_set = [], ParameterSet(np.zeros(0), np.zeros(0)), False
    for kind in rng.permutation(np.arange(count) % 3).tolist():
        fresh = kind != 2 and (not any_set or rng.random() < 0.5)
        any_set |= fresh
        rows = int(rng.choice([1, 1, 2, 3, int(rng.integers(4, 12))]))
        made, parameters = random_job(config, kind, rows, fresh, parameters, rng)
        jobs.append(made)
    return jobs


class Scoreboard:
    """Offers entries, and lets each go at the same time or later. Without an entry ``i_go`` means nothing."""

    def __init__(self, jobs: Sequence[Job], stall: float, late: float, rng: random.Random) -> None:
        self.source = Source("i_entries", [job.entry for job in jobs], stall, rng)
        self.late, self.rng, self.hold = late, rng, False
        self._go = False

    def drive(self) -> dict[str, Any]:
        """An entry, and whether it may go; once it may, that stays."""
        inputs = self.source.drive()
        if inputs["i_entries_valid"]:
            self._go = not self.hold and (self._go or self.rng.random() >= self.late)
            return inputs | {"i_go": int(self._go)}
        return inputs | {"i_go": self.rng.randrange(2)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Whether an entry was taken, which it must not be before it may go."""
        taken = self.source.observe(outputs)
        assert self._go or not taken, "an entry was taken before it may go"
        self._go &= not taken
        return taken


class Surroundings:
    """All that is around the unit; compares what it does cycle by cycle.

    Parameters
    ----------
    jobs
        To execute.
    entries, late, sums, parameters
        Probabilities that an entry isn't offered, doesn't go, sums don't come, parameters don't come in a cycle.
    rng
        Decides that.
    """

    def __init__(
        self, jobs: Sequence[Job], rng: random.Random, *,
        entries: float = 0, late: float = 0, sums: float = 0, parameters: float = 0,
    ) -> None:  # fmt: skip
        self.scoreboard = Scoreboard(jobs, entries, late, rng)
        self.sums = Source("i_sums", [row for job in jobs for row in job.sums], sums, rng)
        self.parameters = Source("i_parameters", [beat for job in jobs for beat in job.beats], parameters, rng)
        self.actors = [self.scoreboard, self.sums, self.parameters]
        self._puts = [(put, LATENCY if job.entry["kind"] != 2 else RAW_LATENCY) for job in jobs for put in job.puts]
        self._rows = np.cumsum([0] + [len(job.sums) for job in jobs]).tolist()
        self._beats = np.cumsum([0] + [len(job.beats) for job in jobs]).tolist()
        self.put, self._cycle, self._taken_in = 0, 0, list[int]()
        self.done_in: list[int] = []

    @property
    def done(self) -> bool:
        """All was put."""
        return self.put == len(self._puts)

    def drive(self) -> dict[str, Any]:
        """All inputs."""
        return {name: value for actor in self.actors for name, value in actor.drive().items()}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare the put of this cycle, then what was taken in it."""
        self._compare(outputs)
        allowed = self._rows[self.scoreboard.source.sent]
        offered = self.scoreboard.source.sent + bool(self.scoreboard.source._offered)
        moved = [actor.observe(outputs) for actor in self.actors]
        self._taken_in += [self._cycle] * moved[1]
        assert self.sums.sent <= allowed, "sums were taken before their entry"
        assert self.parameters.sent <= self._beats[offered], "parameters were taken before their entry was offered"
        self._cycle += 1
        return any(moved) or bool(outputs["o_put_valid"])

    def _compare(self, outputs: Mapping[str, Any]) -> None:
        if not outputs["o_put_valid"]:
            assert not outputs["o_done"], "done without a put"
            return
        assert not self.done, "a put too many"
        (wanted, latency), got = self._puts[self.put], outputs["o_put_payload"]
        size = len(wanted.data)
        data = list(got["data"].to_bytes((got["data"].bit_length() + 7) // 8 + size, "little"))[:size]
        assert (got["address"], 4 * got["used"], data) == (wanted.address, size, wanted.data), f"put {self.put}"
        assert outputs["o_done"] == wanted.last, f"done with put {self.put}"
        self.put += 1
        if wanted.row_ends:
            assert self._taken_in.pop(0) == self._cycle - latency, f"latency of put {self.put}"
        if wanted.last:
            self.done_in.append(self._cycle)


async def finish(bench: Bench, around: Surroundings) -> None:
    """Execute all, and see that nothing comes afterwards."""
    await run(bench, [around], lambda: around.done)
    quiet = bench.cycles + 8
    await run(bench, [around], lambda: bench.cycles == quiet)
    assert all(source.done for source in (around.scoreboard.source, around.sums, around.parameters))


@testbench(PARTS["activation_unit"])
async def random_entries(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Entries of all kinds and sizes, whoever is late."""
    some = random.Random(int(rng.integers(1 << 32)))
    stalls = ((0, 0, 0, 0), (0.7, 0, 0, 0), (0, 0.9, 0, 0), (0, 0, 0.6, 0), (0, 0, 0, 0.7), (0.3, 0.5, 0.3, 0.3))
    for entries, late, sums, parameters in stalls:
        jobs = random_jobs(config, 12, rng)
        await finish(bench, Surroundings(jobs, some, entries=entries, late=late, sums=sums, parameters=parameters))


@testbench(PARTS["activation_unit"])
async def reset(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Nothing is left of what was under way: planes, a set in part, a set that waits for its entry, rows."""
    none = ParameterSet(np.zeros(0), np.zeros(0))
    beats = config.set_beats
    for kind, go, stop in ((2, True, 3), (0, True, beats - 3), (1, False, beats + 2), (0, True, beats + 4)):
        made, _ = random_job(config, kind, 6, kind != 2, none, rng, planes=2)
        around = Surroundings([made], random.Random(0))
        around.scoreboard.hold = not go
        stop += bench.cycles
        await run(bench, [around], lambda around=around, stop=stop: bench.cycles == stop)
        await bench.reset()
        await finish(bench, Surroundings(random_jobs(config, 4, rng), random.Random(0)))


@testbench(PARTS["activation_unit"])
async def cycles(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Without stalls: the cycle in which each entry is done, of one row to as many as there can be."""
    jobs, parameters, wanted = [], ParameterSet(np.zeros(0), np.zeros(0)), []
    last_row = last_put = -1
    most = config.matrix.accumulator_rows
    entries = ((1, most, 1), (0, 1, 0), (0, 2, 1), (2, 3, 0), (2, 1, 0), (1, 1, 1), (1, 1, 1), (1, 3, 0))
    for kind, rows, fresh in entries:
        made, parameters = random_job(config, kind, rows, bool(fresh), parameters, rng)
        jobs.append(made)
        # Offered when the one before was taken; a set comes after the rows of the one before.
        start = max(last_put, last_row + 1 + len(made.beats), 0)
        last_row = start + len(made.puts)
        last_put = last_row + (RAW_LATENCY if kind == 2 else LATENCY)
        wanted.append(last_put)
    around = Surroundings(jobs, random.Random(0))
    await finish(bench, around)
    assert around.done_in == wanted


@testbench(PARTS["activation_unit"])
async def set_before_go(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """An entry that may not go yet gets its set, and nothing more; then it begins at once."""
    made, _ = random_job(config, 0, 3, True, ParameterSet(np.zeros(0), np.zeros(0)), rng)
    around = Surroundings([made], random.Random(0))
    around.scoreboard.hold = True
    await run(bench, [around], lambda: around.parameters.done)
    assert bench.cycles == config.set_beats
    await run(bench, [around], lambda: bench.cycles == 2 * config.set_beats)
    around.scoreboard.hold = False
    await finish(bench, around)
    assert around.done_in == [2 * config.set_beats + len(made.sums) + LATENCY]
