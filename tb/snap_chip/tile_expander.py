"""Testbench of the expander of stored tiles."""

import random
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS


def expand(
    config: SnapChipConfig, tile: dict[str, Any], cuts: list[int], zero: int, signed: bool, diagonal: bool
) -> list[dict[str, Any]]:
    """Beats of a stored tile: cut at the columns' parts, unless all get all of it, and after so many entries."""
    channels, columns, width = config.tile_channels, config.core.core_columns, config.core.beat_entries
    tag, first = tile["tag"], tile["tag"]["number"] * config.tile_channels
    starts = cuts if tag["rest"] else [column * channels for column in range(columns)]
    ends = [*starts[1:], columns * channels]
    found: list[dict[str, Any]] = []
    stored = [bit for bit in range(channels) if tile["bitmap"] >> bit & 1]
    values = dict(zip(stored, tile["values"], strict=False))
    for column, (start, end) in enumerate(zip(starts, ends, strict=True)):
        mine = [bit for bit in stored if start <= first + bit < end]
        for at in range(0, len(mine), width):
            entries = [
                (first + bit - start, (values[bit] - 256 if signed and values[bit] > 127 else values[bit]) - zero)
                for bit in mine[at : at + width]
            ]
            found.append({"entries": entries, "mask": (1 << columns) - 1 if diagonal else 1 << column, "last": 0})
    if tag["last"] and not found:
        found.append({"entries": [], "mask": 0, "last": 1})
    if tag["last"]:
        found[-1] |= {"last": 1, "slot": tag["slot"], "group_last": tag["group_last"]}
    return found


@testbench(PARTS["tile_expander"])
async def tiles(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Tiles of all kinds, steps with and without a tile for each column, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    channels, columns = config.tile_channels, config.core.core_columns
    for number in range(8):
        count = some.randint(1, columns)
        total = some.randint((count - 1) * channels + 1, count * channels)
        cuts = [-(-n * total // columns) for n in range(columns)]
        signed = some.random() < 0.5
        zero = some.choice([0, 0, 5, 127, -128] if signed else [0, 0, 5, 255])
        source, wanted = [], []
        diagonal = config.global_accumulator and some.random() < 0.5
        for _ in range(40):
            rest = some.random() < 0.5 and not diagonal
            which = 0 if diagonal else some.randrange(count if rest else columns)
            density = some.choice([0, 0.1, 0.5, 0.9, 1])
            most = min(channels, total - which * channels) if rest else channels
            bitmap = sum(1 << bit for bit in range(most) if some.random() < density)
            values = [some.randrange(256) for _ in range(channels)]
            tag = {
                "number": which, "rest": int(rest), "last": some.randrange(2),
                "slot": some.randrange(config.core.psum_slots),
                "group_last": some.randrange(2), "block_last": some.randrange(2),
                "inside": some.randrange(2),
            }  # fmt: skip
            source.append({"bitmap": bitmap, "values": values, "tag": tag})
            wanted += expand(config, source[-1], cuts, zero, signed, diagonal)
        stall = some.choice([(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
        layer = {"in_zero": zero, "signed_inputs": int(signed)} | {f"cut_{n}": cut for n, cut in enumerate(cuts) if n}
        if config.global_accumulator:
            layer["diagonal"] = int(diagonal)
        await bench.peek({"i_layer": layer})
        sink = Sink("o_beats", len(wanted), stall[1], some, after_valid=number % 2 == 1)
        actors = Source("i_tiles", source, stall[0], some), sink
        await run(bench, actors, lambda actors=actors: all(actor.done for actor in actors))
        await bench.peek({"i_tiles_valid": 0})
        for got, want in zip(sink.beats, wanted, strict=True):
            assert got["count"] == len(want["entries"]) and got["mask"] == want["mask"] and got["last"] == want["last"]
            entries = [(entry["index"], entry["value"]) for entry in got["entries"][: got["count"]]]
            assert entries == want["entries"], (entries, want)
            if want["last"]:
                assert (got["slot"], got["group_last"], got["classes"]) == (want["slot"], want["group_last"], 1)
