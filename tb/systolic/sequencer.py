"""Testbench of the sequencer."""

import random

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ...sim.systolic.commands import command_fields
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .programs import random_commands

REASONS = {"i_weights_ready": False, "i_conflict": True, "i_queue_full": True, "i_activations_valid": False}
"""What can hold a row back, and whether it does so when it is 1."""


async def work(bench: Bench, config: SystolicConfig, rng: np.random.Generator, flow: float) -> None:
    """Compare every output in every cycle with a walk through the commands."""
    numbers = random.Random(int(rng.integers(1 << 32)))
    commands = random_commands(config, rng, 40)
    commands["swap"] = rng.integers(0, 2, len(commands))
    pending = command_fields(commands)
    current: dict[str, int] = {}  # the command that is underway, if there is one
    row = waits = 0
    while pending or current:
        offered = int(bool(pending) and numbers.random() < flow)
        inputs = {name: int(numbers.random() < (1 - flow if reverse else flow)) for name, reverse in REASONS.items()}
        payload = pending[0] if offered else numbers.choice(pending or [current])
        outputs = await bench.cycle(inputs | {"i_commands_payload": payload, "i_commands_valid": offered})
        first = row == 0
        no_tile = bool(current) and first and current["swap"] and not inputs["i_weights_ready"]
        not_drained = inputs["i_conflict"] or (current and first and current["drain"] and inputs["i_queue_full"])
        free = bool(current) and not no_tile and not not_drained
        issue = free and bool(inputs["i_activations_valid"])
        last = issue and row == current["rows"] - 1
        wanted = {
            "i_commands_ready": not current or last,
            "o_activations_ready": free,
            "o_active": bool(current),
            "o_issue": issue,
            "o_wait_weights": no_tile,
            "o_wait_accumulators": bool(current) and not no_tile and bool(not_drained),
            "o_wait_activations": free and not inputs["i_activations_valid"],
            "o_swap": issue and first and bool(current["swap"]),
            "o_error": False,
        }
        if current:
            landing = {name: current[name] for name in ("accumulate", "shift", "drain")}
            wanted |= {"o_landing": landing | {"address": current["address"] + row}, "o_first": first}
            wanted |= {f"o_{name}": current[name] for name in ("weights_signed", "activations_signed")}
            wanted["o_rows"] = current["rows"] - row
            wanted["o_following"] = (current["address"] + row + 1) % config.accumulator_rows
        assert {name: outputs[name] for name in wanted} == wanted
        row += issue
        waits += not issue
        assert waits < 20_000, f"{len(pending)} commands left after {waits} cycles of waiting"
        if last or not current:
            current, row = (pending.pop(0), 0) if offered else ({}, 0)


@testbench(PARTS["sequencer"])
async def everything_holds_it_back(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Each reason to wait, alone and together, at several rates."""
    for flow in (1.0, 0.8, 0.5):
        await work(bench, config, rng, flow)
        await bench.reset()


@testbench(PARTS["sequencer"])
async def error_flag(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Set by no rows and by rows beyond the end, not by rows up to the end; stays until reset."""
    size = config.accumulator_rows
    flows = {"i_weights_ready": 1, "i_conflict": 0, "i_queue_full": 0, "i_activations_valid": 1}
    for rows, address, error in ((0, 0, 1), (1, size - 1, 0), (2, size - 1, 1), (size, 0, 0), (size, 1, 1)):
        command = dict.fromkeys(bench.inputs["i_commands_payload"]["fields"], 0) | {"rows": rows, "address": address}
        await bench.cycle(flows | {"i_commands_payload": command, "i_commands_valid": 1})
        issued, outputs = [], {}
        for _ in range(size + 5):
            outputs = await bench.cycle({"i_commands_valid": 0})
            issued += [outputs["o_landing"]["address"]] if outputs["o_issue"] else []
        assert issued == [(address + row) % size for row in range(rows)]
        assert outputs["o_error"] == error
        assert not outputs["o_active"]
        await bench.reset()
        assert (await bench.peek())["o_error"] == 0
