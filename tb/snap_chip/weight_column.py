"""Testbench of weight buffer and feeder together."""

import random

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .weight_feeder import check_beats
from .weight_images import random_layers
from .weight_memory import WeightMemory
from .weight_ring import jobs_and_rows


@testbench(PARTS["weight_column"])
async def random_work(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """From images in memory to beats, several layers in a row, with stalls on each stream."""
    some = random.Random(int(rng.integers(1 << 32)))
    for jobs_stall, requests, silence, blocks, beats in (
        (0, 0, 0, 0, 0),
        (0.5, 0.7, 0.5, 0, 0),
        (0, 0, 0, 0.7, 0.5),
        (0.2, 0.2, 0.2, 0.2, 0.2),
    ):
        layers = random_layers(config, some, 3)
        jobs, rows = jobs_and_rows(layers, some)
        memory = WeightMemory(config, rows, requests, silence, some)
        source = Source("i_blocks", [block for layer in layers for _, block in layer.blocks()], blocks, some)
        sink = Sink("o_beats", sum(len(layer.beats()) for layer in layers), beats, some)
        actors = [Source("i_jobs", jobs, jobs_stall, some), memory, source, sink]
        await run(bench, actors, lambda source=source, sink=sink: source.done and sink.done)
        check_beats(sink.beats, layers)
        assert len(memory.asked) == sum(job["beats"] * job["passes"] for job in jobs)
