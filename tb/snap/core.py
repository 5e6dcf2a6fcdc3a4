"""Testbench of the whole core: programs of layers against the golden model and the cycle model."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.snap.batch import join_programs
from ...sim.snap.beats import beat_values, program_inputs, program_outputs
from ...sim.snap.cycles import WAITS, Stalls, simulate_core
from ...sim.snap.golden import port_sums
from ...sim.snap.program import CoreProgram
from ..bench import Actor, Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .malformed import activation_cases, beats_of, weight_cases
from .miscut import miscut
from .overflow import overflow_programs, work_program
from .parts import PARTS
from .program import core_counters
from .random_programs import (
    corner_programs,
    mixed_program,
    random_convolution,
    random_fully_connected,
    tall_convolution,
)

FAULTS = ("weights", "activations", "commands", "cuts")
"""Errors of the streams."""

Sums = list[list[dict[str, int]]]


class Recorder:
    """An actor that also keeps, cycle by cycle, whether a stream of it stands still: ``valid`` or ``ready`` is 0."""

    def __init__(self, actor: Actor, signal: str) -> None:
        self.actor, self.signal = actor, signal
        self.stalls: list[bool] = []

    def drive(self) -> dict[str, Any]:
        """The actor's inputs."""
        inputs = self.actor.drive()
        self.stalls.append(not inputs[self.signal])
        return inputs

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """What the actor says."""
        return self.actor.observe(outputs)


class Watch:
    """Checks in every cycle what the counters promise for every moment.

    Each PE's reasons add up to the cycles, and it multiplies no more than it has multipliers. When a PE has multiplied
    or a sum has been handed over, the cycles are those since the first beat was taken.
    """

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        self.cycle = self.first = self.work = 0

    def drive(self) -> dict[str, Any]:
        """No input."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Check the counters, which show what has happened up to the cycle before."""
        counters, before = core_counters(outputs["o_counters"]), self.work
        assert (np.sum([counters.waits[name] for name in WAITS], axis=0) == counters.cycles).all()
        assert (counters.multiplies <= self.config.pe_multipliers * counters.cycles).all()
        self.work = int(counters.sums.sum() + counters.multiplies.sum())
        if not counters.weight_beats.any() and not counters.activation_beats.any():
            self.first = self.cycle
            assert counters.cycles == 0
        elif self.work > before:
            assert counters.cycles == self.cycle - self.first
        self.cycle += 1
        return False


class Traffic:
    """A program's streams in a testbench.

    Parameters
    ----------
    stalls
        Probability that a stream pauses in a cycle, or probabilities by stream, 0 for those that aren't named.
    watch
        Takes part too.
    after_valid
        Of the sinks of all ports.
    """

    def __init__(
        self,
        config: SnapConfig,
        program: CoreProgram,
        stalls: float | Mapping[str, float],
        rng: random.Random,
        watch: Watch | None = None,
        *,
        after_valid: bool = False,
    ) -> None:
        inputs, outputs = program_inputs(program), program_outputs(config, program)
        rates = stalls if isinstance(stalls, Mapping) else dict.fromkeys([*inputs, *outputs], stalls)
        self.sources = [Source(name, beat_values(beats), rates.get(name, 0), rng) for name, beats in inputs.items()]
        self.sinks = [
            Sink(name, most, rates.get(name, 0), rng, after_valid=after_valid) for name, most in outputs.items()
        ]
        self.recorders = {source.name: Recorder(source, f"{source.name}_valid") for source in self.sources}
        self.recorders |= {sink.name: Recorder(sink, f"{sink.name}_ready") for sink in self.sinks}
        self.watch = watch

    @property
    def sums(self) -> Sums:
        """What each port has sent."""
        return [sink.beats for sink in self.sinks]

    @property
    def commands_done(self) -> int:
        """Blocks that were reduced."""
        return self.sources[-1].sent

    async def run(self, bench: Bench) -> None:
        """Play until all beats are taken and all sums have come."""

        def done() -> bool:
            return all(stream.done for stream in (*self.sources, *self.sinks))

        await run(bench, [*self.recorders.values(), *([self.watch] if self.watch else [])], done)

    async def rest(self, bench: Bench, cycles: int) -> dict[str, Any]:
        """Offer nothing for some cycles; returns the last one's outputs."""
        idle = {f"{source.name}_valid": 0 for source in self.sources}
        outputs: dict[str, Any] = {}
        for _ in range(cycles):
            outputs = await bench.cycle(idle)
            assert not any(outputs[f"{sink.name}_valid"] for sink in self.sinks), "more sums than expected"
            if self.watch:
                self.watch.observe(outputs)
        for recorder in self.recorders.values():
            recorder.stalls += [True] * cycles
        return outputs


def recorded_stalls(config: SnapConfig, *traffic: Traffic) -> Stalls:
    """Stalls that the streams had, one traffic after the other, for the cycle model."""

    def pattern(*names: str) -> np.ndarray:
        stalls = [sum((part.recorders[name].stalls for part in traffic), []) for name in names]
        return np.array(stalls).T

    return Stalls(
        weights=pattern(*(f"i_weights_{column}" for column in range(config.core_columns))),
        activations=pattern(*(f"i_activations_{row}" for row in range(config.core_rows))),
        sums=pattern(*(f"o_sums_{port}" for port in range(config.ports))),
        commands=pattern("i_commands"),
    )


async def check_program(
    bench: Bench,
    config: SnapConfig,
    program: CoreProgram,
    *,
    stalls: float | Mapping[str, float] = 0.0,
    numbers: random.Random,
    overflows: bool = False,
    after_valid: bool = False,
) -> None:
    """Run a program after a reset; sums must be as in the golden model, counters as in the cycle model."""
    await bench.reset()
    traffic, expected = Traffic(config, program, stalls, numbers, after_valid=after_valid), port_sums(config, program)
    await traffic.run(bench)
    outputs = await traffic.rest(bench, 10)
    assert traffic.sums == expected
    errors = outputs["o_errors"]
    assert overflows or not errors.pop("overflow")
    assert not any(errors[name] for name in FAULTS), errors
    predicted = simulate_core(config, program, stalls=recorded_stalls(config, traffic))
    assert core_counters(outputs["o_counters"]).differences(predicted) == []
    if not stalls and not after_valid:
        assert predicted.differences(simulate_core(config, program)) == []


@testbench(PARTS["core"])
async def every_density(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """From none to all: convolution, pointwise and fully connected layer back to back."""
    channels = config.channel_tile
    for densities in ((0, 0), (1, 0), (0, 1), (0.3, 0.4), (1, 1)):
        program = join_programs([
            random_convolution(config, rng, (2, 3, channels + 1), (3, 3, 2), densities, padding=1),
            random_convolution(config, rng, (1, 3, 2 * channels), (1, 1, 3), densities),
            random_fully_connected(config, rng, channels + 3, 3, densities),
            tall_convolution(config, rng, densities),
        ])  # fmt: skip
        await check_program(bench, config, program, numbers=random.Random(0))


@testbench(PARTS["core"])
async def stalls(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Changes of mode back to back while any stream pauses, or one of each kind, or sums are taken once seen."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    kinds = [f"i_weights_{config.core_columns - 1}", "i_activations_0", "i_commands", "o_sums_0"]
    for rates in (0.3, 0.8, *({name: 0.9} for name in kinds)):
        await check_program(bench, config, mixed_program(config, rng, 1), stalls=rates, numbers=numbers)
    for rates in (0, 0.3):
        program = mixed_program(config, rng, 1)
        await check_program(bench, config, program, stalls=rates, numbers=numbers, after_valid=True)


@testbench(PARTS["core"])
async def counters(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Two programs after each other without a reset, with a pause between them, while streams stand still at random.

    What the counters promise holds in every cycle; nothing counts in the pause, but it does once the second is done.
    """
    numbers = random.Random(int(rng.integers(1 << 32)))
    for rates in ({"i_commands": 0.95}, 0.4):
        await bench.reset()
        watch, programs, done = Watch(config), [mixed_program(config, rng, 1) for _ in range(2)], []
        for number, program in enumerate(programs):
            traffic, expected = Traffic(config, program, rates, numbers, watch), port_sums(config, program)
            await traffic.run(bench)
            done.append(traffic)
            outputs = await traffic.rest(bench, int(rng.integers(2, 30)))
            assert traffic.sums == expected
            joined = join_programs(programs[: number + 1])
            predicted = simulate_core(config, joined, stalls=recorded_stalls(config, *done))
            assert core_counters(outputs["o_counters"]).differences(predicted) == []


@testbench(PARTS["core"])
async def each_pe_alone(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One PE works, while all others and the commands wait: it alone keeps the counters counting."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    for pe in np.ndindex(config.core_rows, config.core_columns):
        window = [(1 + lane % 2, lane % config.psum_slots) for lane in range(config.pe_multipliers)]
        program = work_program(config, {pe: [window] * int(rng.integers(2, 6))}, value=-1)
        await bench.reset()
        watch = Watch(config)
        traffic = Traffic(config, program, {"i_commands": 0.95}, numbers, watch)
        await traffic.run(bench)
        outputs = await traffic.rest(bench, 10)
        assert traffic.sums == port_sums(config, program)
        assert not any(outputs["o_errors"].values())
        predicted = simulate_core(config, program, stalls=recorded_stalls(config, traffic))
        assert core_counters(outputs["o_counters"]).differences(predicted) == []


@testbench(PARTS["core"])
async def each_stream_first(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One stream begins while all others wait for some cycles: the count of cycles begins with it."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    program = mixed_program(config, rng, 1)
    for first in range(config.core_columns + config.core_rows):
        await bench.reset()
        watch = Watch(config)
        traffic = Traffic(config, program, 0, numbers, watch)
        for number, source in enumerate(traffic.sources):
            source.stall = float(number != first)
        ends = bench.cycles + 8
        await run(bench, [*traffic.recorders.values(), watch], lambda ends=ends: bench.cycles >= ends)
        for source in traffic.sources:
            source.stall = 0.0
        await traffic.run(bench)
        outputs = await traffic.rest(bench, 10)
        assert traffic.sums == port_sums(config, program)
        predicted = simulate_core(config, program, stalls=recorded_stalls(config, traffic))
        assert core_counters(outputs["o_counters"]).differences(predicted) == []


@testbench(PARTS["narrow_core"])
async def overflows(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """The flag for sums that wrap: from each lane, each PE, and each port, alone; and not where they just fit.

    Nothing is played where a psum takes more than a few products to fill.
    """
    numbers = random.Random(0)
    for case, program, wraps in overflow_programs(config):
        await bench.reset()
        traffic = Traffic(config, program, 0, numbers)
        await traffic.run(bench)
        errors = (await traffic.rest(bench, 4))["o_errors"]
        assert errors == dict.fromkeys(FAULTS, 0) | {"overflow": wraps}, case
        assert traffic.sums == port_sums(config, program), case


@testbench(PARTS["core"])
async def corners(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Nothing, everything, one pair, the largest values, blocks of a single pair."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    for name, program in corner_programs(config, rng).items():
        await check_program(bench, config, program, numbers=numbers, overflows="values" in name)
        if name == "one pair":
            assert simulate_core(config, program).cycles == 7 + config.core_columns  # the AIM serves PE after PE


@testbench(PARTS["core"])
async def malformed_streams(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Each cause of an error alone, and what looks like it; all streams of a kind at once, each with another case."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    for kind, streams, found in (
        ("weights", config.core_columns, weight_cases(config)),
        ("activations", config.core_rows, activation_cases(config)),
    ):
        cases = list(found)
        numbers.shuffle(cases)
        for at in range(0, len(cases), streams):
            some = cases[at : at + streams]
            sources = [
                Source(f"i_{kind}_{number}", beat_values(beats_of(config, kind, beats)), 0, numbers)
                for number, (_, beats, _) in enumerate(some)
            ]
            await bench.reset()
            await run(bench, sources, lambda sources=sources: all(source.done for source in sources), watchdog=50)
            await bench.cycle({f"{source.name}_valid": 0 for source in sources})
            errors = (await bench.cycle())["o_errors"]
            wrong = sum(error << number for number, (_, _, error) in enumerate(some))
            assert errors == dict.fromkeys((*FAULTS, "overflow"), 0) | {kind: wrong}, f"{kind}: {some}"


@testbench(PARTS["core"])
async def different_cuts(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """A stream that is cut otherwise than the others: sums of blocks taken without an error are right all the same."""
    flagged = 0
    numbers = random.Random(int(rng.integers(1 << 32)))
    program = mixed_program(config, rng, 1)
    for _ in range(8):
        await bench.reset()
        traffic = Traffic(config, miscut(program, rng), float(rng.choice([0, 0.3])), numbers)
        try:
            await run(bench, [*traffic.sources, *traffic.sinks], lambda: False, watchdog=40)
        except AssertionError as error:
            assert "nothing moved" in str(error)
        outputs = await bench.cycle({f"{source.name}_valid": 0 for source in traffic.sources})
        outputs = await bench.cycle()
        errors = outputs["o_errors"]
        if any(errors[name] for name in FAULTS):  # a group may also be too big now
            flagged += 1
            continue
        wanted = port_sums(config, program, traffic.commands_done)
        for got, right in zip(traffic.sums, wanted, strict=True):
            assert got[: len(right)] == right[: len(got)], "wrong sums without an error"
    assert flagged >= 2
