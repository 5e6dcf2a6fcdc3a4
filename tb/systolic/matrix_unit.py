"""Testbench of the matrix unit."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.commands import MATRIX_COMMAND
from ...sim.systolic.golden import matrix_unit
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .programs import Program, make_program, random_program
from .vectors import random_bytes

INPUTS = ("i_weights", "i_activations", "i_commands")

STALLS: list[dict[str, float]] = [
    {},
    dict.fromkeys([*INPUTS, "o_sums"], 0.4),
    {"o_sums": 0.8},
    {"i_weights": 0.8},
    {"i_activations": 0.7, "o_sums": 0.3},
    {"i_commands": 0.9, "i_weights": 0.2},
]
"""Probabilities of a stall by stream; one after the other is tried."""


async def execute(
    bench: Bench,
    program: Program,
    numbers: random.Random,
    stalls: Mapping[str, float],
    *,
    stop: int | None = None,
    after_valid: bool = False,
) -> Mapping[str, Any]:
    """Run a program to its end and compare all sums, or until `stop` of its activations were taken."""
    sources = [Source(name, program.beats(name), stalls.get(name, 0.0), numbers) for name in INPUTS]
    sink = Sink("o_sums", len(program.sums), stalls.get("o_sums", 0.0), numbers, after_valid=after_valid)

    def done() -> bool:
        if stop is not None:
            return sources[1].sent >= stop
        return sink.done and all(source.done for source in sources)

    outputs = await run(bench, [*sources, sink], done, watchdog=2000)
    if stop is None:
        assert sink.beats == program.sums.tolist()
    return outputs


async def settle(bench: Bench) -> Mapping[str, Any]:
    """Nothing is offered, everything is taken: nothing may come out; returns the last outputs."""
    quiet = {f"{name}_valid": 0 for name in INPUTS} | {"o_sums_ready": 1}
    outputs: Mapping[str, Any] = {}
    for _ in range(60):
        outputs = await bench.cycle(quiet)
        assert not outputs["o_sums_valid"], "a row that nobody asked for"
    return outputs


def commands_of(*fields: Mapping[str, int]) -> np.ndarray:
    """Commands from some of their fields; the others are 0, `rows` 1."""
    commands = np.zeros(len(fields), MATRIX_COMMAND)
    commands["rows"] = 1
    for command, values in zip(commands, fields, strict=True):
        for name, value in values.items():
            command[name] = value
    return commands


@testbench(PARTS["matrix_unit"])
async def random_programs(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Random commands under every kind of stall; counters and error flag."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    issued = 0
    for stalls, after_valid in (*((stalls, False) for stalls in STALLS), *((stalls, True) for stalls in STALLS[:2])):
        program = random_program(config, rng, 25)
        await execute(bench, program, numbers, stalls, after_valid=after_valid)
        issued += len(program.activations)
        outputs = await settle(bench)
        counters = outputs["o_counters"]
        assert counters["issued"] == issued
        assert counters["cycles"] >= sum(count for name, count in counters.items() if name != "cycles")
        assert not outputs["o_error"]
        assert (await settle(bench))["o_counters"] == counters  # nothing counts without work


@testbench(PARTS["matrix_unit"])
async def reset_in_the_middle(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """A reset of one cycle at any time leaves a unit that works like a new one."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    for stalls in (*STALLS[:4], {}, {}):
        program = random_program(config, rng, 10)
        await execute(bench, program, numbers, stalls, stop=int(rng.integers(1, len(program.activations))))
        await bench.cycle({f"{name}_valid": 0 for name in INPUTS} | {"o_sums_ready": 0})
        await bench.reset()
        outputs = await bench.peek()
        assert not any(outputs["o_counters"].values())
        assert not outputs["o_sums_valid"]
        await execute(bench, random_program(config, rng, 6), numbers, {})
        await settle(bench)


@testbench(PARTS["matrix_unit"])
async def extreme_values(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Largest and smallest products of each pair of operand kinds, wrapping where sums no longer fit, and zeros."""
    for weight in (0x00, 0x80, 0xFF):
        for activation in (0x00, 0x80, 0xFF):
            fields = [
                {"swap": 1, "weights_signed": kind & 1, "activations_signed": kind >> 1, "drain": 1, "rows": 2}
                for kind in range(4)
            ]
            fields += [{"accumulate": 1, "shift": shift, "drain": 1} for shift in (0, 1, 2, 3, 3)]
            commands = commands_of(*fields)
            weights = np.full((config.rows * 4, config.columns), weight, np.uint8)
            activations = np.full((int(commands["rows"].sum()), config.rows), activation, np.uint8)
            sums = matrix_unit(config, weights, activations, commands)
            await execute(bench, Program(weights, activations, commands, sums), random.Random(1), {})


@testbench(PARTS["matrix_unit"])
async def one_accumulator_row(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Commands of one row, a new tile for each, all on one accumulator row."""
    fields = [{"swap": 1, "accumulate": int(rng.random() < 0.8), "drain": int(rng.random() < 0.3)} for _ in range(30)]
    fields[0]["accumulate"] = 0
    program = make_program(config, commands_of(*fields), rng)
    for stalls in STALLS[:2]:
        await execute(bench, program, random.Random(1), stalls)


@testbench(PARTS["matrix_unit"])
async def output_stalls_long(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Nothing is taken until the unit stands still; then nothing was lost."""
    size = config.accumulator_rows
    fields = [{"rows": 1, "address": index % size, "drain": 1, "swap": int(index == 0)} for index in range(3 * size)]
    program = make_program(config, commands_of(*fields), rng)
    numbers = random.Random(1)
    sources = [Source(name, program.beats(name), 0, numbers) for name in INPUTS]
    held = Sink("o_sums", 0, 1.0, numbers)
    outputs: dict[str, Any] = {}
    for _ in range(200):
        outputs = await bench.cycle({key: value for actor in (*sources, held) for key, value in actor.drive().items()})
        for actor in (*sources, held):
            actor.observe(outputs)
    assert outputs["o_sums_valid"] and not outputs["i_commands_ready"] and not outputs["i_activations_ready"]
    assert outputs["o_counters"]["wait_accumulators"] > 100
    assert sources[1].sent < len(program.activations)
    sink = Sink("o_sums", len(program.sums), 0.0, numbers)
    await run(bench, [*sources, sink], lambda: sink.done)
    assert sink.beats == program.sums.tolist()


@testbench(PARTS["matrix_unit"])
async def no_bubbles(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Commands that are long enough, each with a new tile, follow each other without a pause; the latency."""
    rows = max(config.rows, config.tile_grid[0] + 2)
    commands = commands_of(*({"rows": rows, "swap": 1} for _ in range(8)), {"rows": 1, "drain": 1})
    program = make_program(config, commands, rng)
    sources = [Source(name, program.beats(name), 0, random.Random(1)) for name in INPUTS]
    entered, sink = [], Sink("o_sums", len(program.sums), 0, random.Random(1))

    def done() -> bool:
        if len(entered) < sources[1].sent:
            entered.append(bench.cycles - 1)
        return sink.done

    outputs = await run(bench, [*sources, sink], done)
    last = bench.cycles - 1
    assert entered == list(range(entered[0], entered[0] + len(program.activations)))
    assert sink.beats == program.sums.tolist()
    assert last - entered[-1] == config.rows + config.columns + config.multiplier_registers + 3
    assert outputs["o_counters"]["issued"] == len(program.activations)


@testbench(PARTS["matrix_unit"])
async def counters(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """A command whose tile is there: each cycle from its offer until its last row has landed, and no wait."""
    program = make_program(config, commands_of({"rows": 3, "swap": 1}), rng)
    numbers = random.Random(1)
    weights, activations, commands = (Source(name, program.beats(name), 0, numbers) for name in INPUTS)
    await run(bench, [weights], lambda: weights.done)
    await settle(bench)
    await run(bench, [activations, commands], lambda: activations.done)
    got = (await settle(bench))["o_counters"]
    waits = dict.fromkeys(("wait_weights", "wait_accumulators", "wait_activations"), 0)
    assert got == {"cycles": 5 + config.flight_cycles, "issued": 3} | waits


@testbench(PARTS["matrix_unit"])
async def bad_commands(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """No rows: skipped. Beyond the last accumulator row: wraps around. Both set the error flag until a reset."""
    size = config.accumulator_rows
    good = {"swap": 1, "drain": 1, "rows": 2}
    over = {"rows": 3, "address": size - 1, "drain": 1}
    for bad, does in (
        ({"rows": 0, "drain": 1, "swap": 1}, []),
        (over, [over]),
        ({"rows": size + 1, "drain": 1}, [{"rows": rows, "drain": 1} for rows in (size, 1)]),
    ):
        commands, obeyed = commands_of(good, bad, good), commands_of(good, *does, good)
        weights = random_bytes(rng, config.rows * int(obeyed["swap"].sum()), config.columns)
        activations = random_bytes(rng, int(obeyed["rows"].sum()), config.rows)
        sums = matrix_unit(config, weights, activations, obeyed)
        await execute(bench, Program(weights, activations, commands, sums), random.Random(1), {})
        assert (await settle(bench))["o_error"] == 1
        await bench.reset()
        assert (await bench.peek())["o_error"] == 0
        await execute(bench, random_program(config, rng, 3), random.Random(1), {})
        assert (await settle(bench))["o_error"] == 0
