"""Testbench of the buffer of input activations."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .activations import block_tokens, pack_segments, random_tensor, row_tiles
from .nest import Shape, fields_of, random_shape
from .parts import PARTS


@testbench(PARTS["ia_buffer"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every row gets the tiles of its pixels, layer after layer, whoever stalls; nothing is left at the end."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(6):
        shape = random_shape(config, some, pool=number % 6 == 5)
        await layer(bench, config, shape, rng, some, number)


@testbench({"ia_buffer_tiny": PARTS["ia_buffer"]["ia_buffer_tiny"]})
async def wide_outputs(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Column groups far behind the image, where rows get nothing."""
    some = random.Random(int(rng.integers(1 << 32)))
    groups, full = 300, config.core.core_columns == 1
    shape = Shape(
        height=1, width=some.randint(1, 4 * config.banks), tiles=1, band_lines=1, out_lines=1,
        out_columns=groups * config.banks, region_lines=1, block_lines=1, kernels=config.core_kernels, out_tiles=1,
        group_rounds=1, group_tiles=1, full_steps=int(full), rest_steps=int(not full), rest_tiles=1,
    )  # fmt: skip
    await layer(bench, config, shape, rng, some, 0)


async def layer(bench: Bench, config, shape, rng: np.random.Generator, some: random.Random, number: int) -> None:
    """One layer."""
    tensor = random_tensor(config, shape, rng)
    beats = [beat for segment in pack_segments(config, shape, tensor) for beat in segment]
    stalls = some.choice([(0, 0, 0), (0.7, 0, 0), (0, 0.6, 0), (0, 0, 0.7), (0.4, 0.4, 0.4)])
    source = Source("i_beats", beats, stalls[0], some)
    tokens = Source("i_blocks", block_tokens(config, shape), stalls[1], some)
    wanted = [list(row_tiles(config, shape, tensor, row)) for row in range(config.banks)]
    sinks = [
        Sink(f"o_tiles_{row}", len(tiles), stalls[2], some, after_valid=number % 3 == 2)
        for row, tiles in enumerate(wanted)
    ]
    outputs = {}
    for _ in range(100):
        outputs = await bench.cycle()
    assert outputs["o_idle"]
    await bench.cycle({"i_layer": fields_of(config, shape), "i_start": 1, "i_end": 0})
    await bench.peek({"i_start": 0})
    await run(bench, [source, tokens, *sinks], lambda: tokens.done and all(sink.done for sink in sinks))
    await bench.peek({"i_end": 1, "i_blocks_valid": 0})
    await run(bench, [source], lambda: source.done)  # of bands below the last region's lines
    await bench.peek({"i_beats_valid": 0})
    check_tiles(sinks, wanted, shape)


def check_tiles(sinks: Sequence[Sink], wanted: Sequence[Sequence[dict[str, Any]]], shape: Shape) -> None:
    """Compare the tiles that each row got."""
    for row, (sink, tiles) in enumerate(zip(sinks, wanted, strict=True)):
        for place, (got, want) in enumerate(zip(sink.beats, tiles, strict=True)):
            what = f"row {row}, tile {place} of {shape}"
            assert got["bitmap"] == want["bitmap"], what
            assert got["values"][: len(want["values"])] == want["values"], what
            assert got["tag"]["inside"] == want["inside"], what
            for name in ("number", "rest", "last"):
                assert got["tag"][name] == want[name], (name, what)
            if want["last"]:
                for name in ("slot", "group_last", "block_last"):
                    assert got["tag"][name] == want[name], (name, what)
