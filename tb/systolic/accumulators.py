"""Testbench of the accumulators."""

import dataclasses
import random
from collections import Counter
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.golden.wrap import wrap
from ...sim.systolic.commands import MATRIX_COMMAND, command_fields
from ..bench import Bench, Sink
from ..cocotb_bench import testbench
from .parts import PARTS
from .programs import random_commands
from .vectors import pack_lanes


@dataclasses.dataclass(frozen=True)
class Row:
    """A row on its way: of which command, which one, its psums."""

    command: dict[str, int]
    index: int
    psums: np.ndarray

    @property
    def landing(self) -> dict[str, int]:
        """What `i_landing` says of it."""
        address = self.command["address"] + self.index
        return {name: self.command[name] for name in ("accumulate", "shift", "drain")} | {"address": address}


def random_rows(config: SystolicConfig, commands: np.ndarray, rng: np.random.Generator) -> list[Row]:
    """Rows of the commands with random psums, some of them extreme."""
    half = 1 << config.psum_bits - 1
    rows = []
    for fields in command_fields(commands):
        psums = rng.integers(-half, half, (fields["rows"], config.columns))
        psums[rng.random(psums.shape) < 0.2] = rng.choice([-half, half - 1, 0, -1])
        rows += [Row(fields, index, line) for index, line in enumerate(psums)]
    return rows


def drained(config: SystolicConfig, rows: list[Row]) -> list[list[int]]:
    """The rows that must leave."""
    sums = np.zeros((config.accumulator_rows, config.columns), np.int64)
    out = []
    for row in rows:
        at = row.landing["address"]
        kept = sums[at] if row.command["accumulate"] else 0
        sums[at] = wrap(kept + (row.psums << 8 * row.command["shift"]), config.accumulator_bits)
        out += [sums[at].tolist()] if row.command["drain"] else []  # each of a command's rows is another one
    return out


async def work(
    bench: Bench,
    config: SystolicConfig,
    rows: list[Row],
    numbers: random.Random,
    *,
    latency: int,
    pause: float,
    stall: float,
    after_valid: bool = False,
) -> Counter:
    """Send rows as the sequencer does and compare what leaves; returns what happened how often."""
    wanted = drained(config, rows)
    sink = Sink("o_sums", len(wanted), stall, numbers, after_valid=after_valid)
    pending = list(reversed(rows))
    flight: dict[int, Row] = {}
    events: Counter[str] = Counter()
    pushed, now, quiet = 0, 0, 0
    while pending or flight or not sink.done:
        row = pending[-1] if pending and numbers.random() >= pause else None
        inputs: dict[str, Any] = sink.drive() | dict.fromkeys(("i_push", "i_issue", "i_take"), 0)
        inputs |= _arrivals(config, flight, now - latency, numbers)
        if pending:
            inputs |= _present(pending[-1])
        if row:
            first = row.index == 0
            outputs = await bench.peek(inputs)
            full = bool(first and row.command["drain"] and outputs["o_full"])
            events.update(conflict=outputs["o_conflict"], full=full)
            if not outputs["o_conflict"] and not full:
                flight[now] = pending.pop()
                inputs |= {"i_push": int(first and row.command["drain"]), "i_issue": 1}
                if pending:
                    where = "i_following" if pending[-1].index else "i_next_address"
                    inputs |= {"i_take": int(not pending[-1].index), where: pending[-1].landing["address"]}
        busy = pushed > len(sink.beats)
        outputs = await bench.cycle(inputs)
        assert outputs["o_busy"] == busy
        if row and inputs["i_push"]:
            pushed += row.command["rows"]
        quiet = 0 if sink.observe(outputs) or now in flight else quiet + 1
        assert quiet < 500, f"nothing moved for {quiet} cycles"
        flight.pop(now - latency - 2, None)
        now += 1
    assert sink.beats == wanted
    events["cycles"] = now
    return events


def _present(row: Row) -> dict[str, int]:
    """The row whose turn it is."""
    own = int(row.index > 0 and row.command["drain"])
    return {"i_address": row.landing["address"], "i_rows": row.command["rows"] - row.index, "i_own": own}


def _arrivals(config: SystolicConfig, flight: dict[int, Row], landed: int, numbers: random.Random) -> dict[str, Any]:
    """Landing of the row that was sent in cycle `landed`, psums of the one two cycles before; noise where none is."""
    width = config.tile_columns * config.psum_bits
    row, before = flight.get(landed), flight.get(landed - 2)
    noise = {"address": 0, "accumulate": 1, "shift": 1, "drain": 1}
    inputs: dict[str, Any] = {"i_landing_valid": int(row is not None), "i_landing": row.landing if row else noise}
    for bus in range(config.tile_grid[1]):
        columns = slice(bus * config.tile_columns, (bus + 1) * config.tile_columns)
        bits = pack_lanes(before.psums[None, columns], config.psum_bits)[0] if before else numbers.getrandbits(width)
        inputs[f"i_psums_{bus}"] = bits
    return inputs


@testbench(PARTS["accumulators"])
async def random_work(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Ranges of all kinds that meet each other, with pauses and stalls, near and far from the array."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    events: Counter[str] = Counter()
    for latency, pause, stall in ((1, 0, 0), (2, 0.2, 0.2), (5, 0, 0.5), (3, 0.7, 0), (9, 0, 0), (4, 0, 0.9)):
        rows = random_rows(config, random_commands(config, rng, 25), rng)
        events += await work(bench, config, rows, numbers, latency=latency, pause=pause, stall=stall)
    assert events["conflict"], events
    for stall in (0, 0.5):
        rows = random_rows(config, random_commands(config, rng, 25), rng)
        await work(bench, config, rows, numbers, latency=2, pause=0.1, stall=stall, after_valid=True)


@testbench(PARTS["accumulators"])
async def full_queue(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Commands of one row on many rows, while nearly nothing leaves."""
    commands = np.zeros(60, MATRIX_COMMAND)
    commands["rows"], commands["drain"] = 1, 1
    commands["address"] = np.arange(60) % config.accumulator_rows
    rows = random_rows(config, commands, rng)
    for latency in (1, 4):
        events = await work(bench, config, rows, random.Random(latency), latency=latency, pause=0.1, stall=0.9)
        assert events["full"], events


@testbench(PARTS["accumulators"])
async def accumulate_on_one_row(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """A row is hit again in each of the next cycles, drains, and is hit again."""
    commands = np.zeros(60, MATRIX_COMMAND)
    commands["rows"], commands["address"] = 1, rng.choice([0, 3], 60, p=[0.8, 0.2])
    commands["accumulate"], commands["drain"] = rng.random(60) < 0.85, rng.random(60) < 0.15
    commands["accumulate"][np.unique(commands["address"], return_index=True)[1]] = 0  # the first on each row
    rows = random_rows(config, commands, rng)
    for latency in (1, 6):
        await work(bench, config, rows, random.Random(1), latency=latency, pause=0, stall=0)


@testbench({part: config for part, config in PARTS["accumulators"].items() if config.half_rows >= 4})
async def drains_at_full_speed(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """A row in and a row out in each cycle, also while the rows that come accumulate."""
    half = config.accumulator_rows // 2
    commands = np.zeros(16, MATRIX_COMMAND)
    commands["rows"], commands["drain"] = half, 1
    commands["address"] = np.arange(16) % 2 * half
    commands["accumulate"][2:] = 1
    rows = random_rows(config, commands, rng)
    events = await work(bench, config, rows, random.Random(1), latency=1, pause=0, stall=0)
    assert events["cycles"] == len(rows) + 6, events  # written, read, and taken


@testbench(PARTS["accumulators"])
async def reset_in_the_middle(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """After a reset nothing of the past drains or is in conflict."""
    whole = dict.fromkeys(("accumulate", "shift"), 0) | {"drain": 1, "address": 0}
    for cycles in (1, 2, 3, 5, 8):
        push = {"i_push": 1, "i_address": 0, "i_rows": config.accumulator_rows, "i_own": 0, "o_sums_ready": 0}
        await bench.cycle({name: value for name, value in push.items() if name in bench.inputs})
        for row in range(cycles):
            address = row % config.accumulator_rows
            await bench.cycle({"i_push": 0, "i_landing_valid": 1, "i_landing": whole | {"address": address}})
        await bench.cycle({"i_landing_valid": int(cycles % 2)})
        await bench.reset()
        outputs = await bench.peek({"i_landing_valid": 0})
        assert not (outputs["o_busy"] or outputs["o_conflict"] or outputs["o_full"] or outputs["o_sums_valid"])
        rows = random_rows(config, random_commands(config, rng, 6), rng)
        await work(bench, config, rows, random.Random(cycles), latency=2, pause=0.1, stall=0.3)
