"""Testbench of the core reducer."""

import random
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench, Sink, Source
from ..cocotb_bench import testbench
from .parts import PARTS

Blocks = list[dict[str, Any]]


def random_blocks(config: SnapConfig, rng: np.random.Generator, count: int) -> Blocks:
    """Commands with the psums of all PEs ``[rows, columns, psum_slots]``, some of them extreme."""
    # Of all that a PE may give, or so little that no sum wraps.
    half = 1 << (config.pe_psum_bits - 1 if rng.random() < 0.5 else config.psum_bits - 4)
    shape = (config.core_rows, config.core_columns, config.psum_slots)
    blocks = []
    for _ in range(count):
        psums = rng.integers(-half, half, shape)
        psums[rng.random(shape) < 0.2] = rng.choice([-half, half - 1, 0])
        slots = int(rng.integers(1, config.psum_slots + 1))
        ports = int(rng.integers(1 << config.ports)) if rng.random() < 0.7 else (1 << config.ports) - 1
        mode = int(rng.integers(2))
        if mode:
            ports &= (1 << config.core_rows) - 1
        blocks.append({"command": {"slots": slots, "ports": ports, "row_mode": mode}, "psums": psums})
    return blocks


def summands(config: SnapConfig, port: int, row_mode: int) -> list[tuple[int, int]]:
    """The PEs whose psums a port adds up."""
    pes = np.ndindex(config.core_rows, config.core_columns)
    return [(r, c) for r, c in pes if port == (r if row_mode else r - c + config.core_columns - 1)]


def expected_sums(config: SnapConfig, blocks: Blocks) -> tuple[list[list[dict[str, int]]], list[list[bool]]]:
    """What each port sends, and which of it wraps around."""
    sums: list[list[dict[str, int]]] = [[] for _ in range(config.ports)]
    wraps: list[list[bool]] = [[] for _ in range(config.ports)]
    half = 1 << config.psum_bits - 1
    for block in blocks:
        command = block["command"]
        for port in range(config.ports):
            if command["ports"] >> port & 1:
                parts = [block["psums"][pe].tolist() for pe in summands(config, port, command["row_mode"])]
                for slot, values in enumerate(list(zip(*parts, strict=True))[: command["slots"]]):
                    value = (sum(values) + half) % (2 * half) - half
                    sums[port].append({"value": value, "slot": slot})
                    wraps[port].append(value != sum(values))
    return sums, wraps


async def reduce(
    bench: Bench,
    config: SnapConfig,
    blocks: Blocks,
    numbers: random.Random,
    stall: float,
    *,
    after_valid: bool = False,
) -> int:
    """Complete the blocks PE by PE, in any order, and compare what leaves; returns the cycles."""
    source = Source("i_commands", [block["command"] for block in blocks], stall, numbers)
    wanted, wraps = expected_sums(config, blocks)
    sinks = [
        Sink(f"o_sums_{port}", len(sums), stall, numbers, after_valid=after_valid) for port, sums in enumerate(wanted)
    ]
    completed, freed = (np.zeros((config.core_rows, config.core_columns), int) for _ in range(2))
    pes = list(np.ndindex(completed.shape))
    cycles = quiet = shown = 0
    slots = dict.fromkeys(pes, 0)  # to read, as they were in the cycle before
    while not (source.done and all(sink.done for sink in sinks)):
        inputs: dict[str, Any] = source.drive()
        for sink in sinks:
            inputs |= sink.drive()
        for pe in pes:
            if completed[pe] - freed[pe] < 2 and completed[pe] < len(blocks) and numbers.random() >= stall:
                completed[pe] += 1
            done = sum(1 << block % 2 for block in range(freed[pe], completed[pe]))
            inputs["i_done_{}_{}".format(*pe)] = done
        outputs = await bench.peek(inputs)
        bank, shown = shown if config.pipelined else outputs["o_bank"], outputs["o_bank"]
        for row, column in pes:
            # Of a bank that isn't complete any number may be read, but it must not get out.
            ready = [block for block in range(freed[row, column], completed[row, column])]
            block = next((block for block in ready if block % 2 == bank), None)
            slot = slots[row, column]
            psum = numbers.getrandbits(3) if block is None else blocks[block]["psums"][row, column, slot]
            inputs[f"i_psums_{row}_{column}"] = int(psum)
        outputs = await bench.cycle(inputs)
        for pe in pes:
            slots[pe] = outputs["o_slots_{}_{}".format(*pe)]
            free = outputs["o_free_{}_{}".format(*pe)]
            assert not free or freed[pe] < completed[pe], f"PE {pe} was freed before its block was complete"
            freed[pe] += free
        seen = inputs["i_commands_valid"] or any(outputs[f"{sink.name}_valid"] for sink in sinks)
        assert outputs["o_busy"] >= seen if config.pipelined else outputs["o_busy"] == seen
        before = [
            wrap[: len(sink.beats) + outputs[f"{sink.name}_valid"]] for sink, wrap in zip(sinks, wraps, strict=True)
        ]
        assert outputs["o_overflow"] == any(map(any, before))
        moved = [actor.observe(outputs) for actor in (source, *sinks)]
        quiet = 0 if any(moved) else quiet + 1
        assert quiet < 500, "nothing moved for 500 cycles"
        cycles += 1
    assert [sink.beats for sink in sinks] == wanted
    assert (freed == len(blocks)).all()
    outputs = {}
    for _ in range(4):
        outputs = await bench.cycle({"i_commands_valid": 0} | {f"{sink.name}_ready": 0 for sink in sinks})
        assert not any(outputs[f"{sink.name}_valid"] for sink in sinks), "more sums than expected"
    assert outputs["o_counts"] == [len(sums) for sums in wanted]
    assert not outputs["o_error"]
    assert outputs["o_overflow"] == any(map(any, wraps))
    return cycles


@testbench(PARTS["core_reducer"])
async def random_work(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Modes, slots and ports of every kind, back to back, with and without stalls."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    for stall, after_valid in ((0, False), (0.3, False), (0.8, False), (0, True), (0.5, True)):
        await reduce(bench, config, random_blocks(config, rng, 20), numbers, stall, after_valid=after_valid)
        await bench.reset()


@testbench(PARTS["core_reducer"])
async def full_speed(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Blocks of all ports follow each other without a pause, a sum a port and cycle."""
    blocks = random_blocks(config, rng, 8)
    for number, block in enumerate(blocks):
        mode = number % 2
        ports = (1 << (config.core_rows if mode else config.ports)) - 1
        block["command"] = {"slots": config.psum_slots, "ports": ports, "row_mode": mode}
    cycles = await reduce(bench, config, blocks, random.Random(1), 0)
    assert cycles == 8 * (config.psum_slots + config.pipelined) + 1 + config.pipelined


@testbench(PARTS["core_reducer"])
async def overflow_of_each(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """One sum of one port that just fits, and one that just doesn't, or looks as if it did without its high bits."""
    limit, half = 1 << config.psum_bits - 1, 1 << config.pe_psum_bits - 1
    spare = config.pe_psum_bits - config.psum_bits + config.core_columns.bit_length()
    shape = (config.core_rows, config.core_columns, config.psum_slots)
    for mode, port in [(0, port) for port in range(config.ports)] + [(1, row) for row in range(config.core_rows)]:
        wide = [(0, sign * limit << bit) for bit in range(1, spare + 1) for sign in (1, -1)]
        for totals in ((limit - 1, limit), (-limit, -limit - 1), *wide):
            slot, blocks = int(rng.integers(min(8, config.psum_slots))), []
            for total in totals:
                psums, rest = np.zeros(shape, np.int64), total
                for pe in summands(config, port, mode):
                    psums[(*pe, slot)] = min(max(rest, -half), half - 1)
                    rest -= int(psums[(*pe, slot)])
                ports = (1 << (config.core_rows if mode else config.ports)) - 1
                command = {"slots": slot + 1, "ports": ports, "row_mode": mode}
                blocks.append({"command": command, "psums": psums})
            await reduce(bench, config, blocks, random.Random(port), 0)
            await bench.reset()


@testbench(PARTS["core_reducer"])
async def reset_in_the_middle(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """After a reset nothing of the past leaves."""
    done = {f"i_done_{row}_{column}": 3 for row in range(config.core_rows) for column in range(config.core_columns)}
    idle = {name: 0 for name in done}
    for cycles in (1, 2, 3, config.psum_slots + 1):
        command = {"slots": config.psum_slots, "ports": (1 << config.core_rows) - 1, "row_mode": 1}
        await bench.cycle({"i_commands_valid": 1, "i_commands_payload": command} | done)
        for _ in range(cycles):
            await bench.cycle()
        await bench.cycle({"i_commands_valid": 0} | idle)
        await bench.reset()
        assert not (await bench.peek())["o_busy"]
        await reduce(bench, config, random_blocks(config, rng, 4), random.Random(cycles), 0.2)
        await bench.reset()


@testbench(PARTS["core_reducer"])
async def bad_commands(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """A command without slots, with too many, or in row mode for a port without a row is an error for good."""
    for port in range(config.ports):
        for mode in range(2):
            command = {"slots": 1, "ports": 1 << port, "row_mode": mode}
            await bench.cycle({"i_commands_valid": 1, "i_commands_payload": command})
            await bench.cycle({"i_commands_valid": 0})
            assert (await bench.cycle())["o_error"] == (mode and port >= config.core_rows)
            await bench.reset()
    for slots in range(2 * config.psum_slots):
        command = {"slots": slots, "ports": 1, "row_mode": 0}
        await bench.cycle({"i_commands_valid": 1, "i_commands_payload": command})
        await bench.cycle({"i_commands_valid": 0})
        assert (await bench.cycle())["o_error"] == (not 1 <= slots <= config.psum_slots), slots
        await bench.reset()
