"""Testbench of the sequencer of blocks."""

import dataclasses
import random

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .activations import block_tokens
from .nest import Shape, blocks, far_shape, fields_of, random_shape
from .parts import PARTS


async def layer(bench: Bench, config: SnapChipConfig, shape: Shape, stall: float, some: random.Random, **sink) -> None:
    """Blocks of one layer; nothing is left at the end."""
    fields = fields_of(config, shape)
    names = bench.inputs["i_layer"]["fields"]
    wanted = list(zip(blocks(config, shape), block_tokens(config, shape), strict=True))
    await bench.cycle({"i_layer": {name: fields[name] for name in names}, "i_start": 1, "o_blocks_ready": 0})
    await bench.peek({"i_start": 0})
    assert not (await bench.peek())["o_idle"]
    taker = Sink("o_blocks", len(wanted), stall, some, **sink)
    start = bench.cycles
    await run(bench, [taker], lambda: taker.done, watchdog=200)
    pixels = sum(block["pixels"] for block, _ in wanted)
    assert stall or sink.get("after_valid") or bench.cycles - start == pixels + len(wanted)
    assert (await bench.peek())["o_idle"]
    for got, (block, token) in zip(taker.beats, wanted, strict=True):
        assert got["token"] == token, (got["token"], token, shape)
        slots = block["pixels"] * shape.kernels % (1 << config.core.psum_slots.bit_length())
        assert got["slots"] == slots and got["end"] == block["end"], (got, block, shape)


@testbench(PARTS["block_sequencer"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Blocks of layers of all kinds, one layer after the other."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(30):
        shape = random_shape(config, some, pool=number % 5 == 4)
        await layer(bench, config, shape, some.choice([0, 0.6]), some, after_valid=number % 3 == 2)


@testbench(PARTS["block_sequencer"])
async def far_layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Numbers as large as the fields hold."""
    some = random.Random(int(rng.integers(1 << 32)))
    short = [("lines", 600), ("lines", 60), ("rounds", 60)]
    for direction, pixels in [("lines", 4095), ("groups", 1023), ("rounds", 500), *short * 4]:
        shape = far_shape(config, some, direction, pixels)
        await layer(bench, config, shape, 0, some)


@testbench({"block_sequencer_tiny": PARTS["block_sequencer"]["block_sequencer_tiny"]})
async def most_rounds(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """About as many rounds as the field holds, an odd number."""
    some = random.Random(int(rng.integers(1 << 32)))
    shape = far_shape(config, some, "rounds", 1 << 18)
    while shape.out_tiles * config.core_kernels // shape.kernels % 2 == 0:
        shape = far_shape(config, some, "rounds", 1 << 18)
    await layer(bench, config, dataclasses.replace(shape, out_lines=1, out_columns=1), 0, some)
