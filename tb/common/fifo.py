"""Testbench of the FIFO."""

import random

import numpy as np

from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["fifo"])
async def in_order(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """All beats come out as they went in, whoever stalls; after a reset it is empty."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in ((0, 0), (0.8, 0), (0, 0.8), (0.5, 0.5)):
        for after_valid in (False, True):
            beats = [some.getrandbits(config[0]) for _ in range(60)]
            source = Source("i", beats, stalls[0], some)
            sink = Sink("o", len(beats), stalls[1], some, after_valid=after_valid)
            await run(bench, [source, sink], lambda source=source, sink=sink: source.done and sink.done)
            assert sink.beats == beats
        for _ in range(config[1] + 2):
            await bench.cycle({"i_valid": 1, "o_ready": 0})
        await bench.cycle({"i_valid": 0})
        await bench.reset()
        for _ in range(3):
            assert not (await bench.cycle({"o_ready": 1}))["o_valid"]


@testbench(PARTS["fifo"])
async def room_and_latency(bench: Bench, config: tuple[int, int], rng: np.random.Generator) -> None:
    """It takes `depth` beats and one more at the output; a beat is offered two cycles after it was taken."""
    depth = config[1]
    taken, offered = 0, []
    for cycle in range(depth + 6):
        outputs = await bench.cycle({"i_valid": 1, "i_payload": cycle % 2, "o_ready": 0})
        taken += outputs["i_ready"]
        offered.append(outputs["o_valid"])
    assert taken == depth + 1 and offered == [0, 0] + [1] * (depth + 4)
    left = 0
    for _ in range(30):
        left += (await bench.cycle({"i_valid": 1, "o_ready": 1}))["o_valid"]
    assert left == (30 if depth > 1 else 16)
