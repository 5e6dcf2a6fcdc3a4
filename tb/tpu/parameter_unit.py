"""Testbench of the unit that reads parameter sets."""

import itertools
import random

import numpy as np

from ...hw.tpu.config import QUEUES, TpuConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .dma_actors import STALLS, MemoryBeats
from .dma_parts import PARTS


@testbench(PARTS["parameter_unit"])
async def in_order(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """Beats of one to many sets go through as they are, whoever stalls; done as the last one goes into the FIFO.

    Entries wait outside while as many are inside as there is room for.
    """
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in STALLS:
        counts = [1, config.parameter_sets, 1, some.randint(1, config.parameter_sets), *[1] * 2 * QUEUES["parameters"]]
        entries = [{"address": some.getrandbits(config.bus.beat_address_bits), "sets": count} for count in counts]
        requests = [(entry["address"], entry["sets"] * config.set_beats) for entry in entries]
        ends = itertools.accumulate(beats for _, beats in requests)
        memory = MemoryBeats(requests, 8 * config.bus_bytes, stalls, some, ends)
        source = Source("i_entries", entries, stalls["entries"], some)
        sink = Sink("o_beats", len(memory.beats), stalls["out"], some, after_valid=bool(stalls["after_valid"]))
        await run(bench, [source, memory, sink], lambda source=source, sink=sink: source.done and sink.done)
        assert sink.beats == memory.beats and memory.done
        for _ in range(4):
            outputs = await bench.cycle({"i_entries_valid": 0, "i_beats_valid": 1, "o_beats_ready": 1})
            assert not (outputs["o_beats_valid"] or outputs["i_beats_ready"] or outputs["o_requests_valid"])


@testbench(PARTS["parameter_unit"])
async def room(bench: Bench, config: TpuConfig, rng: np.random.Generator) -> None:
    """All sets that may wait are taken, a beat a cycle, while nobody wants one; then they go out, a beat a cycle."""
    beats = config.parameter_sets * config.set_beats
    entry = {"address": 1, "sets": config.parameter_sets}
    nothing = {"i_beats_valid": 0, "o_beats_ready": 0, "o_requests_ready": 1}
    await bench.cycle({"i_entries_valid": 1, "i_entries_payload": entry, **nothing})
    await bench.cycle({"i_entries_valid": 0})
    for number in range(beats):
        outputs = await bench.cycle({"i_beats_valid": 1, "i_beats_payload": number})
        assert outputs["i_beats_ready"] and outputs["o_done"] == (number == beats - 1)
        assert outputs["o_beats_valid"] == (number >= 2)
    await bench.cycle({"i_beats_valid": 0})
    await bench.cycle()
    for number in range(beats):
        outputs = await bench.cycle({"o_beats_ready": 1})
        assert outputs["o_beats_valid"] and outputs["o_beats_payload"] == number
