"""Testbench of the sequencer of blocks."""

import random

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, run
from ..cocotb_bench import testbench
from .activations import block_tokens
from .nest import blocks, fields_of, random_shape
from .parts import PARTS


@testbench(PARTS["block_sequencer"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Blocks of layers of all kinds, one layer after the other."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(30):
        shape = random_shape(config, some, pool=number % 5 == 4)
        layer = fields_of(config, shape)
        names = bench.inputs["i_layer"]["fields"]
        wanted = list(zip(blocks(config, shape), block_tokens(config, shape), strict=True))
        await bench.cycle({"i_layer": {name: layer[name] for name in names}, "i_start": 1, "o_blocks_ready": 0})
        await bench.peek({"i_start": 0})
        assert not (await bench.peek())["o_idle"]
        sink = Sink("o_blocks", len(wanted), some.choice([0, 0.6]), some, after_valid=number % 3 == 2)
        await run(bench, [sink], lambda sink=sink: sink.done, watchdog=200)
        assert (await bench.peek())["o_idle"]
        for got, (block, token) in zip(sink.beats, wanted, strict=True):
            assert got["token"] == token, (got["token"], token, shape)
            assert got["slots"] == block["pixels"] * shape.kernels and got["end"] == block["end"], (got, block, shape)
