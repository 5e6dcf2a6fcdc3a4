"""Testbench of the queue of entries."""

import random

import numpy as np
from amaranth.hdl import Shape

from ...hw.tpu.config import QUEUES, TpuConfig
from ...hw.tpu.entry_queue import ENTRIES
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .dma_parts import PARTS


def beats_of(config: TpuConfig, unit: str, entry: dict[str, int]) -> int:
    """Beats that an entry reads or writes."""
    if unit == "weights":
        return entry["beats"]
    if unit == "parameters":
        return entry["sets"] * config.set_beats
    return -(-entry["granules"] // config.bus_granules)


@testbench(PARTS["entry_queue"])
async def any_entries(bench: Bench, config: tuple[TpuConfig, str], rng: np.random.Generator) -> None:
    """Entries of any bits, and a request for each; both wait as long as they like. A full queue takes no more."""
    tpu, unit = config
    some = random.Random(int(rng.integers(1 << 32)))
    widths = {name: Shape.cast(field.shape).width for name, field in ENTRIES[unit](tpu)}
    for number, stalls in enumerate(((0, 0, 0), (0, 0.9, 0), (0, 0, 0.9), (0.5, 0.5, 0.5), (0, 0.7, 0.7))):
        entries = [{name: some.getrandbits(width) for name, width in widths.items()} for _ in range(40)]
        requests = [{"address": entry["address"], "beats": beats_of(tpu, unit, entry)} for entry in entries]
        source, late = Source("i", entries, stalls[0], some), number % 2 == 1
        out = Sink("o", len(entries), stalls[1], some, after_valid=late)
        asks = Sink("o_requests", len(entries), stalls[2], some, after_valid=late)
        await run(bench, [source, out, asks], lambda out=out, asks=asks: out.done and asks.done)
        assert (out.beats, asks.beats) == (entries, requests)
    # In each of the two FIFOs one more may wait at the output.
    entries = [{name: some.getrandbits(width) for name, width in widths.items()} for _ in range(20)]
    source, out, asks = Source("i", entries, 0, some), Sink("o", 20, 1, some), Sink("o_requests", 20, 0, some)
    for _ in range(30):
        outputs = await bench.cycle(source.drive() | out.drive() | asks.drive())
        for actor in (source, out, asks):
            actor.observe(outputs)
    assert QUEUES[unit] <= source.sent == len(asks.beats) <= QUEUES[unit] + 1
