"""Testbench of the maximum over tiles."""

import random

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["max_pool"])
async def windows(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Windows of random size with pixels outside, dense, sparse and empty tiles, both types, whoever stalls."""
    some, channels = random.Random(int(rng.integers(1 << 32))), config.tile_channels
    for number in range(8):
        signed = number % 2
        zero = some.choice([0, 5, 127, -128] if signed else [0, 5, 255])
        least = -128 if signed else 0
        tiles, wanted = [], []
        for _ in range(12):
            best = [least] * channels
            taps = some.randint(1, 9)
            for tap in range(taps):
                density = some.choice([0, 0.2, 0.9, 1])
                stored = [channel for channel in range(channels) if some.random() < density]
                inside = some.choice([0, 1, 1, 1])
                values = [some.choice([least, least + 255, some.randrange(least, least + 256)]) for _ in stored]
                tag = {
                    "number": 0, "rest": 1, "last": 1, "slot": some.randrange(config.core.psum_slots), "group_last": 1,
                    "block_last": int(tap == taps - 1),
                    "inside": inside,
                }  # fmt: skip
                garbage = [some.randrange(256) for _ in range(channels - len(stored))]
                tiles.append(
                    {
                        "bitmap": sum(1 << channel for channel in stored) if inside else 0,
                        "values": [value & 255 for value in values] + garbage,
                        "tag": tag,
                    }
                )
                if inside:
                    dense = dict.fromkeys(range(channels), zero) | dict(zip(stored, values, strict=True))
                    best = [max(best[channel], dense[channel]) for channel in range(channels)]
            wanted.append([value & 255 for value in best])
        stall = some.choice([(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
        await bench.peek({"i_layer": {"in_zero": zero, "signed_inputs": signed}})
        source = Source("i_tiles", tiles, stall[0], some)
        sink = Sink("o_pixels", len(wanted), stall[1], some, after_valid=number % 3 == 2)
        await run(bench, [source, sink], lambda source=source, sink=sink: source.done and sink.done)
        await bench.peek({"i_tiles_valid": 0})
        assert sink.beats == wanted
