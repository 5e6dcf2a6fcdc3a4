"""Testbench of the PE: a core of one PE, whose AIM and reducer are played by the testbench."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.snap.batch import join_programs
from ...sim.snap.beats import beat_values, program_inputs
from ...sim.snap.golden import core_sums
from ...sim.snap.program import CoreProgram
from ...sim.snap.work import core_work
from ..bench import Bench
from ..cocotb_bench import testbench
from .aim import matches
from .job_signature import crc16
from .parts import PARTS
from .random_lists import random_list
from .random_programs import (
    corner_programs,
    mixed_program,
    random_convolution,
    random_fully_connected,
    tall_convolution,
)


def match_lists(config: SnapConfig, operands: dict[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
    """What an AIM makes of a PE's operands; positions of lanes that don't match are noise."""
    operation = {f"i_{name}": value for name, value in operands.items()}
    lists = []
    for number in range(2):
        found = matches(config, operation, number)
        entry = random_list(config, rng, 0.5)
        entry["valid"] = sum(1 << lane for lane in found)
        for bit, plane in enumerate(entry["position"]):
            known = sum(1 << lane for lane in found)
            entry["position"][bit] = plane & ~known | sum((at >> bit & 1) << lane for lane, at in found.items())
        lists.append(entry)
    return lists


def alone(config: SnapConfig) -> SnapConfig:
    """A core of this PE alone: a PE doesn't depend on how many there are."""
    return config.replace(core_rows=1, core_columns=1)


def signatures(config: SnapConfig, program: CoreProgram) -> list[int]:
    """CRC-16 of what ends with each job, at the end of each block."""
    work, crc, found = core_work(config, program), 1, []
    for flags in work.jobs[["frees_window", "frees_tile", "ends_block"]].tolist():
        crc = crc16(crc, tuple(map(int, flags)))
        if flags[-1]:
            found.append(crc)
    return found


class Surroundings:
    """What a PE is connected to: two streams, an AIM that also serves others, a reducer."""

    def __init__(self, config: SnapConfig, program: CoreProgram, rng: np.random.Generator, stall: float) -> None:
        inputs = program_inputs(program)
        self.config, self.program, self.rng, self.stall = config, program, rng, stall
        self.beats = {name: beat_values(inputs[f"i_{name}_0"]) for name in ("weights", "activations")}
        self.sent = dict.fromkeys(self.beats, 0)
        self.operands: Any = None  # of the operation that the AIM does now
        self.block = self.slot = self.granted = self.made = self.cycles = self.active = 0
        self.reading = False
        self.sums = [[0] * slots for slots in program.slots.tolist()]

    @property
    def done(self) -> bool:
        """All psums were read."""
        return self.block == len(self.sums)

    def goes(self) -> bool:
        """Whether something that might happen does."""
        return bool(self.rng.random() >= self.stall)

    def drive(self, seen: dict[str, Any]) -> dict[str, Any]:
        """Inputs of this cycle, of whose outputs those that come from registers are known."""
        inputs: dict[str, Any] = {"i_bank": self.block % 2}
        for name, beats in self.beats.items():
            beat = beats[self.sent[name]] if self.sent[name] < len(beats) else None
            room = seen[f"o_{name}_item_room"] and (seen[f"o_{name}_beat_room"] or not (beat and beat["mask"]))
            taken = beat is not None and room and self.goes()
            shown = beat if beat is not None and taken else beats[int(self.rng.integers(len(beats)))]
            inputs |= {
                f"i_{name}": shown,
                f"i_{name}_store": int(taken and shown["mask"] & 1),
                f"i_{name}_end": int(taken and shown["last"]),
            }
            self.sent[name] += taken
        grant = seen["o_request"] and self.goes()
        if self.operands is None:
            lists = [random_list(self.config, self.rng, 0.5) for _ in range(2)]
        else:
            lists = match_lists(self.config, self.operands, self.rng)
        inputs |= {"i_grant": int(grant), "i_lists": lists}
        self.operands = seen["o_operands"] if grant else None
        self.granted += bool(grant)
        self.made += seen["o_made"] if grant else 0
        self.reading = bool(seen["o_done"] >> self.block % 2 & 1) and self.goes()
        last = self.slot == len(self.sums[self.block]) - 1
        inputs["i_free"] = int(self.reading and last)
        inputs["i_slot"] = self.slot + 1 if self.reading and not last else 0 if self.reading else self.slot
        return inputs

    def observe(self, outputs: dict[str, Any]) -> bool:
        """Take the psum that was read; whether a block is complete."""
        self.cycles += 1
        self.active += outputs["o_active"]
        if not self.reading:
            return False
        self.sums[self.block][self.slot] = outputs["o_psum"]
        self.slot += 1
        if self.slot < len(self.sums[self.block]):
            return False
        self.block, self.slot = self.block + 1, 0
        return True


async def multiply(
    bench: Bench, config: SnapConfig, program: CoreProgram, rng: np.random.Generator, stall: float
) -> None:
    """Run a program after a reset, and compare psums, signatures and counters with what they must be."""
    await bench.reset()
    work, golden = core_work(config, program), core_sums(config, program)
    around, quiet, crcs = Surroundings(config, program, rng, stall), 0, []
    complete = [False]  # a block, by cycle
    idle = {name: 0 for name in ("i_weights_store", "i_weights_end", "i_activations_store", "i_activations_end")}
    idle |= {"i_grant": 0, "i_free": 0, "i_bank": 0, "i_slot": 0}
    seen = await bench.peek(idle)
    while not around.done:
        before = dict(around.sent), around.granted, around.block, around.slot
        complete = [*complete, around.observe(await bench.cycle(around.drive(seen)))]
        seen = await bench.peek(idle)
        if complete[-1 - config.pipelined]:
            crcs.append(seen["o_signature"])
        quiet = 0 if before != (around.sent, around.granted, around.block, around.slot) else quiet + 1
        assert quiet < 200, f"nothing happened for 200 cycles, up to block {around.block}"
        assert around.granted <= 2 * len(work.jobs), "more is asked of the AIM than there are jobs"
    if config.pipelined:  # the last block is freed, and its signature shown, a cycle later
        await bench.cycle(idle)
        seen = await bench.peek(idle)
        crcs.append(seen["o_signature"])
    assert around.sums == [sums[0].tolist() for sums in golden]
    assert crcs == signatures(config, program)
    assert around.made == len(work.jobs)
    assert not seen["o_request"] and not seen["o_done"] and not seen["o_active"]
    counters = dict((await bench.peek({"i_cycles": around.cycles}))["o_counters"])
    assert counters.pop("multiplies") == work.matches.sum()
    assert counters["wait_weights"] == around.cycles - around.active
    assert sum(counters.values()) == around.cycles


@testbench(PARTS["pe"])
async def every_density(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """From none to all: convolution, pointwise and fully connected layer back to back, with and without pauses."""
    config = alone(config)
    channels = config.channel_tile
    for densities in ((0, 0), (1, 0), (0, 1), (0.3, 0.4), (1, 1)):
        program = join_programs([
            random_convolution(config, rng, (1, 2, channels + 1), (2, 1, 2), densities, padding=1),
            random_convolution(config, rng, (1, 2, 2 * channels), (1, 1, 3), densities),
            random_fully_connected(config, rng, channels + 3, 3, densities),
            tall_convolution(config, rng, densities),
        ])  # fmt: skip
        await multiply(bench, config, program, rng, float(rng.choice([0, 0.3])))


@testbench(PARTS["pe"])
async def pauses(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Streams, AIM and reducer that pause, seldom and mostly."""
    config = alone(config)
    for stall in (0, 0.3, 0.8):
        await multiply(bench, config, mixed_program(config, rng, 1), rng, stall)


@testbench(PARTS["pe"])
async def corners(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Nothing, everything, one pair, the largest values, blocks of a single pair."""
    config = alone(config)
    for program in corner_programs(config, rng).values():
        await multiply(bench, config, program, rng, 0.2)
