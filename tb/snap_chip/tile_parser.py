"""Testbench of the parser of stored tiles."""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .activations import tile_bytes
from .parts import PARTS


class Run(NamedTuple):
    """Words of a tile that must come together."""

    words: list[int]
    first: bool
    last: bool
    whole: int
    """Words of the tile."""
    final: bool
    """The tile is the last of its segment."""
    gap: int
    """Cycles without a run after this one, as the beat behind it was used up together with its own."""


class Runs(Sink):
    """Takes runs, and says whether the tile of the next one is the last of its segment."""

    def __init__(self, runs: list[Run], stall: float, rng: random.Random, *, after_valid: bool) -> None:
        super().__init__("o_runs", len(runs), stall, rng, after_valid=after_valid)
        self.runs = runs

    def drive(self) -> dict[str, Any]:
        """Ready, and what only the taker knows."""
        final = self.runs[len(self.beats)].final if not self.done else self.rng.getrandbits(1)
        return super().drive() | {"i_final": int(final)}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Take a run, without what is behind its words."""
        payload = outputs["o_runs_payload"]
        payload = payload | {"data": payload["data"][: payload["more"] + 1]}
        return super().observe({**outputs, "o_runs_payload": payload})


def random_tile(config: SnapChipConfig, some: random.Random, rng: np.random.Generator) -> list[int]:
    """Words of a tile with nothing, everything, or any values; behind them is anything."""
    density = some.choice([0, 1, some.random()])
    channels = config.tile_channels
    stored = (rng.random(channels) < density).astype(int)
    text = tile_bytes(config, rng.integers(0, 256, channels), stored)
    used = config.bitmap_bytes + stored.sum()
    text = text[:used] + rng.bytes(len(text) - used)
    return [int.from_bytes(text[at : at + WORD_BYTES], "little") for at in range(0, len(text), WORD_BYTES)]


def runs_of(config: SnapChipConfig, tiles: list[list[int]]) -> list[Run]:
    """Runs of a segment's tiles."""
    width, most, runs, at = config.beat_words, config.run_words, list[Run](), 0
    for number, tile in enumerate(tiles):
        for start in range(0, len(tile), most):
            words = tile[start : start + most]
            last, final = start + len(words) == len(tile), number + 1 == len(tiles)
            end = at % width + len(words)
            gap = int(end > width and (end == 2 * width or (last and final)))
            runs.append(Run(words, start == 0, last, len(tile), final, gap))
            at += len(words)
    return runs


def beats_of(config: SnapChipConfig, tiles: list[list[int]], some: random.Random) -> list[int]:
    """Beats of a segment; behind its last tile is anything."""
    words = [word for tile in tiles for word in tile]
    words += [some.getrandbits(64) for _ in range(-len(words) % config.beat_words)]
    starts = range(0, len(words), config.beat_words)
    return [sum(word << 64 * n for n, word in enumerate(words[at : at + config.beat_words])) for at in starts]


@testbench(PARTS["tile_parser"])
async def segments(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Every tile's words, whoever stalls; a run a cycle if nobody does, but for beats that are used up two at once."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number, stalls in enumerate([(0, 0), (0.7, 0), (0, 0.7), (0.3, 0.3), (0, 0)]):
        made = [[random_tile(config, some, rng) for _ in range(some.choice([1, 1, 2, 9]))] for _ in range(30)]
        beats = [beat for tiles in made for beat in beats_of(config, tiles, some)]
        runs = [one for tiles in made for one in runs_of(config, tiles)]
        source = Source("i_beats", beats, stalls[0], some)
        sink = Runs(runs, stalls[1], some, after_valid=number == 2)
        start = bench.cycles
        await run(bench, [source, sink], lambda source=source, sink=sink: source.done and sink.done)
        assert stalls != (0, 0) or bench.cycles - start == len(runs) + 1 + sum(one.gap for one in runs[:-1])
        for got, want in zip(sink.beats, runs, strict=True):
            assert got["data"] == want.words
            assert (got["first"], got["last"]) == (want.first, want.last)
            assert not want.first or got["words"] == want.whole - 1
        assert not (await bench.cycle({"i_beats_valid": 0, "o_runs_ready": 1}))["o_runs_valid"]
