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


async def expand_all(
    bench: Bench, config: SnapChipConfig, tiles: list[dict[str, Any]], layer: dict[str, int], cuts: list[int],
    some: random.Random, **sink,
) -> None:  # fmt: skip
    """Give it tiles, and compare the beats that become of them."""
    diagonal = bool(layer.get("diagonal"))
    wanted = [
        beat
        for tile in tiles
        for beat in expand(config, tile, cuts, layer["in_zero"], bool(layer["signed_inputs"]), diagonal)
    ]
    stall = some.choice([(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
    await bench.peek({"i_layer": layer | {f"cut_{n}": cut for n, cut in enumerate(cuts) if n}})
    source, taker = Source("i_tiles", tiles, stall[0], some), Sink("o_beats", len(wanted), stall[1], some, **sink)
    await run(bench, [source, taker], lambda: source.done and taker.done)
    await bench.peek({"i_tiles_valid": 0})
    for got, want in zip(taker.beats, wanted, strict=True):
        assert got["count"] == len(want["entries"]) and got["mask"] == want["mask"] and got["last"] == want["last"]
        entries = [(entry["index"], entry["value"]) for entry in got["entries"][: got["count"]]]
        assert entries == want["entries"], (entries, want)
        if want["last"]:
            assert (got["slot"], got["group_last"], got["classes"]) == (want["slot"], want["group_last"], 1)


def random_cuts(config: SnapChipConfig, some: random.Random) -> tuple[int, int, list[int]]:
    """Tiles of a step with fewer than columns, their channels, and where each column's part begins."""
    channels, columns = config.tile_channels, config.core.core_columns
    count = some.randint(1, columns)
    total = some.randint((count - 1) * channels + 1, count * channels)
    return count, total, [-(-n * total // columns) for n in range(columns)]


@testbench(PARTS["tile_expander"])
async def tiles(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Tiles of all kinds, steps with and without a tile for each column, whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    channels, columns = config.tile_channels, config.core.core_columns
    for number in range(8):
        count, total, cuts = random_cuts(config, some)
        signed = some.random() < 0.5
        layer = {
            "in_zero": some.choice([0, 0, 5, 127, -128] if signed else [0, 0, 5, 255]), "signed_inputs": int(signed),
        }  # fmt: skip
        diagonal = config.global_accumulator and some.random() < 0.5
        if config.global_accumulator:
            layer["diagonal"] = int(diagonal)
        source = []
        for _ in range(40):
            rest = some.random() < 0.5 and not diagonal
            which = 0 if diagonal else some.randrange(count if rest else columns)
            density = some.choice([0, 0.1, 0.5, 0.9, 1])
            most = min(channels, total - which * channels) if rest else channels
            source.append(_tile(config, sum(1 << bit for bit in range(most) if some.random() < density), some))
            source[-1]["tag"] |= {"number": which, "rest": int(rest), "last": some.randrange(2)}
        await expand_all(bench, config, source, layer, cuts, some, after_valid=number % 2 == 1)


@testbench(PARTS["tile_expander"])
async def every_pair(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Tiles with no channel, each one, each two, and all but each, that end a pixel, or don't."""
    some = random.Random(int(rng.integers(1 << 32)))
    channels = config.tile_channels
    pairs = {1 << one | 1 << other for one in range(channels) for other in range(channels)}
    source = [_tile(config, bitmap ^ flip, some) for bitmap in pairs for flip in (0, (1 << channels) - 1)]
    source = some.sample(source, min(len(source), 200))
    for tile in source:
        tile["tag"] |= {"number": 0, "rest": 0, "last": int(some.random() < 0.8)}
    layer = {"in_zero": 0, "signed_inputs": 0} | ({"diagonal": 0} if config.global_accumulator else {})
    await expand_all(bench, config, source, layer, random_cuts(config, some)[2], some)


def _tile(config: SnapChipConfig, bitmap: int, some: random.Random) -> dict[str, Any]:
    """A stored tile with any values, for any slot."""
    flags = {name: some.randrange(2) for name in ("group_last", "block_last", "inside")}
    tag = {"slot": some.randrange(config.core.psum_slots), **flags}
    return {"bitmap": bitmap, "values": [some.randrange(256) for _ in range(config.tile_channels)], "tag": tag}
