"""Testbench of a stream for several receivers."""

import random

import numpy as np

from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS


@testbench(PARTS["broadcast"])
async def everyone(bench: Bench, config: tuple[int, int, int], rng: np.random.Generator) -> None:
    """All receivers get all beats in order, whoever stalls, and also those who are far ahead of each other."""
    width, receivers, _ = config
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(12):
        beats = [some.getrandbits(width) for _ in range(40)]
        source = Source("i", beats, some.choice([0, 0.5]), some)
        sinks = [
            Sink(f"o_{n}", len(beats), some.choice([0, 0.3, 0.8]), some, after_valid=number % 3 == 2)
            for n in range(receivers)
        ]
        await run(bench, [source, *sinks], lambda sinks=sinks: all(sink.done for sink in sinks))
        await bench.peek({"i_valid": 0})
        assert source.done and all(sink.beats == beats for sink in sinks)


@testbench(PARTS["broadcast"])
async def room(bench: Bench, config: tuple[int, int, int], rng: np.random.Generator) -> None:
    """It takes one beat more than wait behind the one that is offered, and a beat a cycle if all are ready."""
    width, receivers, waiting = config
    stalled = {f"o_{n}_ready": int(n > 0) for n in range(receivers)}
    taken = 0
    for _ in range(waiting + 5):
        taken += (await bench.cycle({"i_valid": 1, "i_payload": taken % 2, **stalled}))["i_ready"]
    assert taken == waiting + 1
    got = []
    for _ in range(20):
        outputs = await bench.cycle({"i_payload": taken % 2, "o_0_ready": 1})
        taken += outputs["i_ready"]
        got.append(outputs["o_0_payload"])
        assert outputs["o_0_valid"]
    assert got == [n % 2 for n in range(20)] and taken >= waiting + 20
