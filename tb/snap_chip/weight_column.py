"""Testbench of weight buffer and feeder together."""

import random
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..bus.beat_memory import BeatMemory
from ..cocotb_bench import testbench
from .parts import PARTS
from .weight_feeder import check_beats
from .weight_images import Group, Layer, random_layers
from .weight_ring import jobs_and_rows, long_jobs_begin

STALLS = ((0, 0, 0, 0, 0), (0.5, 0.7, 0.5, 0, 0), (0, 0, 0, 0.7, 0.5), (0.2, 0.2, 0.2, 0.2, 0.2))
"""Of jobs, requests, data, blocks and beats."""

IDLE = {"i_jobs_valid": 0, "i_valid": 0, "i_blocks_valid": 0}


async def work(
    bench: Bench, layers: list[Layer], stalls: tuple[float, ...], some: random.Random, *, cycles: float = float("inf")
) -> list[dict[str, Any]]:
    """Work on some layers, for so many cycles at most; the beats that came, which are compared."""
    jobs, rows = jobs_and_rows(layers, some)
    memory = BeatMemory(layers[0].config.bus, rows, stalls[1], stalls[2], some)
    source = Source("i_blocks", [block for layer in layers for _, block in layer.blocks()], stalls[3], some)
    sink = Sink("o_beats", sum(len(layer.beats()) for layer in layers), stalls[4], some)
    start = bench.cycles
    await run(
        bench,
        [Source("i_jobs", jobs, stalls[0], some), memory, source, sink],
        lambda: (source.done and sink.done) or bench.cycles - start >= cycles,
    )
    if cycles == float("inf"):
        check_beats(sink.beats, layers)
        assert len(memory.asked) == sum(job["beats"] * job["passes"] for job in jobs)
    return sink.beats


@testbench(PARTS["weight_column"])
async def random_work(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """From images in memory to beats, several layers in a row, with stalls on each stream."""
    some = random.Random(int(rng.integers(1 << 32)))
    for stalls in STALLS:
        await work(bench, random_layers(config, some, 3), stalls, some)


@testbench({name: config for name, config in PARTS["weight_column"].items() if config.core_kernels < 8})
async def resets(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Reset at any time leaves nothing behind."""
    some = random.Random(int(rng.integers(1 << 32)))
    for _ in range(5):
        layers = random_layers(config, some, 2)
        await work(bench, layers, some.choice(STALLS), some, cycles=some.randint(5, 300))
        await bench.cycle(IDLE)
        await bench.reset()
        await work(bench, random_layers(config, some, 1), some.choice(STALLS), some)


@testbench(PARTS["weight_column"])
async def cycles_of_a_block(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A block of one dense group: a cycle for its header, one a bitmap, one a beat, and three to the next block."""
    channels, kernels = config.tile_channels, config.core_kernels
    weights = [int(weight) for weight in rng.integers(1, 128, channels)]
    entries = channels * kernels
    windows = [min(2 * channels, entries - start) for start in range(0, entries, 2 * channels)]
    layer = Layer(config, [[Group([weights] * kernels, windows)]], [6], False)
    jobs, rows = jobs_and_rows([layer], random.Random(0))
    memory = BeatMemory(config.bus, rows, 0, 0, random.Random(0))
    source = Source("i_blocks", [block for _, block in layer.blocks()], 0, random.Random(0))
    actors, times = [Source("i_jobs", jobs, 0, random.Random(0)), memory, source], []
    while len(times) < 6:
        inputs = {name: value for actor in actors for name, value in actor.drive().items()}
        outputs = await bench.cycle(inputs | {"o_beats_ready": 1})
        for actor in actors:
            actor.observe(outputs)
        times += [bench.cycles] * (outputs["o_beats_valid"] and outputs["o_beats_payload"]["block_last"])
        assert bench.cycles < 5000
    beats = len(layer.beats()) // 6
    assert np.diff(times).tolist() == [1 + kernels + beats + 3] * 5


@testbench(PARTS["weight_column"])
async def long_jobs(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Of each number of beats, however large."""
    await bench.cycle(IDLE)
    for _ in range(3):
        await long_jobs_begin(bench, config, random.Random(int(rng.integers(1 << 32))))
