"""Testbenches of what surrounds the mesh: delay lines, skews, left edge."""

import numpy as np

from ...hw.systolic.config import SystolicConfig
from ..bench import Bench, play
from ..cocotb_bench import testbench
from .parts import DELAYS, PARTS, TRIANGLES
from .vectors import extended, pack_lanes, random_bytes, shifted


@testbench(DELAYS)
async def delay(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """What goes in comes out so many cycles later, whatever was there before a reset."""
    width, cycles = config
    for _ in range(3):
        values = rng.integers(0, 1 << width, int(rng.integers(cycles + 5, 40))).tolist()
        await play(bench, {"i": values}, {"o": shifted(values, cycles)})
        await bench.reset()


@testbench(TRIANGLES)
async def skew(bench: Bench, config: tuple[int, int, bool], rng: np.random.Generator) -> None:
    """Lane j comes j cycles later, or `lanes - 1 - j`."""
    lanes, width, reverse = config
    values = rng.integers(0, 1 << width, (60, lanes))
    wanted = np.zeros_like(values)
    for lane in range(lanes):
        cycles = lanes - 1 - lane if reverse else lane
        wanted[cycles:, lane] = values[: len(values) - cycles, lane]
    expected = [None] * lanes + pack_lanes(wanted, width)[lanes:]
    await play(bench, {"i": pack_lanes(values, width)}, {"o": expected})


@testbench(PARTS["left_edge"])
async def left_edge(bench: Bench, config: SystolicConfig, rng: np.random.Generator) -> None:
    """Control and activations meet in every row, and control in the next tile row; reset clears control."""
    rows, cycles = config.tile_rows, 80
    planes = random_bytes(rng, cycles, rows)
    flags = {name: rng.integers(0, 2, cycles) for name in ("swap", "weights_signed", "activations_signed", "load")}
    operands = extended(planes, flags["activations_signed"][:, None].astype(bool))
    at = np.arange(rows, cycles)
    activations = np.stack([operands[at - row, row] for row in range(rows)], axis=1)
    control = flags["swap"] + 2 * flags["weights_signed"] + 4 * flags["load"]
    controls = np.stack([control[at - row] for row in range(rows)], axis=1)
    skipped = [None] * rows
    expected = {
        "o_activations": skipped + pack_lanes(activations, config.operand_bits),
        "o_controls": skipped + pack_lanes(controls, 3),
    }
    expected |= {f"o_{name}": shifted(values.tolist(), rows + (name == "load")) for name, values in flags.items()}
    inputs = {f"i_{name}": values.tolist() for name, values in flags.items()}
    await play(bench, inputs | {"i_activations": pack_lanes(planes, config.data_bits)}, expected)
    await bench.cycle({f"i_{name}": 1 for name in flags})
    await bench.reset()
    outputs = await bench.peek({f"i_{name}": 0 for name in flags})
    assert not any(value for name, value in outputs.items() if name != "o_activations"), outputs
