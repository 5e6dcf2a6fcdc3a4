"""Testbench of the packer of stored tiles."""

import itertools
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .activations import tile_bytes
from .parts import PARTS

STALLS = ((0, 0), (0.7, 0), (0, 0.7), (0.3, 0.3))
"""Of pixels, of who takes the beats."""


class Segments:
    """Pixels, and the beats that they make.

    Attributes
    ----------
    words
        By number of pixels: words that they make, with those that fill up a segment behind its last pixel.
    """

    def __init__(self, config: SnapChipConfig, zero: int, sizes: list[int], rng: np.random.Generator, fullest: float):
        self.pixels: list[dict[str, Any]] = []
        self.beats: list[dict[str, int]] = []
        self.words = [0]
        size = config.data_bits // 8
        for count in sizes:
            text = b""
            for number in range(count):
                values = rng.integers(0, 256, config.tile_channels)
                close = zero ^ (1 << rng.integers(0, 8, len(values)))
                values = np.where(rng.random(len(values)) < 0.5, values, close)
                density = fullest * rng.choice([0, 0.1, 0.5, 0.9, 1])
                values = np.where(rng.random(len(values)) < density, values, zero)
                self.pixels.append({"values": values.tolist(), "last": int(number == count - 1)})
                tile = tile_bytes(config, values, values != zero)
                text += tile
                self.words.append(self.words[-1] + len(tile) // WORD_BYTES)
            self.words[-1] += -len(text) % size // WORD_BYTES
            text += bytes(-len(text) % size)
            starts = range(0, len(text), size)
            self.beats += [
                {"data": int.from_bytes(text[at : at + size], "little"), "last": int(at == starts[-1])} for at in starts
            ]


class Idle:
    """Something is left as long as not all words of what was taken have come out."""

    def __init__(self, config: SnapChipConfig, segments: Segments, pixels: Source, beats: Sink) -> None:
        self.config, self.segments, self.pixels, self.beats = config, segments, pixels, beats

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare, before the others see this cycle."""
        left = self.segments.words[self.pixels.sent] - len(self.beats.beats) * self.config.beat_words
        assert outputs["o_idle"] == (left == 0), f"{left} words are left"
        return False


@testbench(PARTS["tile_packer"])
async def segments(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Dense, sparse and empty pixels in segments of one pixel and more, whoever stalls; after a reset all is gone."""
    some = random.Random(int(rng.integers(1 << 32)))
    for number in range(16):
        zero = int(rng.choice([0, 255, 128, int(rng.integers(256))]))
        sizes = [int(rng.choice([1, 1, 2, int(rng.integers(1, 20))])) for _ in range(4)]
        made = Segments(config, zero, sizes, rng, 1)
        await bench.cycle({"i_zero": zero, "i_pixels_valid": 0, "o_beats_ready": some.randrange(2)})
        stalls = STALLS[number % len(STALLS)]
        pixels = Source("i_pixels", made.pixels, stalls[0], some)
        beats = Sink("o_beats", len(made.beats), stalls[1], some, after_valid=number % 3 == 2)
        stop = bench.cycles + some.randint(1, 20) if number % 4 == 3 else None
        await run(
            bench,
            [Idle(config, made, pixels, beats), pixels, beats],
            lambda pixels=pixels, beats=beats, stop=stop: (pixels.done and beats.done) or bench.cycles == stop,
        )
        assert beats.beats == made.beats[: len(beats.beats)]
        if stop:
            await bench.cycle({"i_pixels_valid": 0})
            await bench.reset()
        outputs = await bench.cycle({"i_pixels_valid": 0, "o_beats_ready": 1})
        assert outputs["o_idle"] and not outputs["o_beats_valid"]


@testbench(PARTS["tile_packer"])
async def pace(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """A pixel a cycle as long as none makes more than a beat, which comes two cycles behind the pixel that ends it."""
    width = config.beat_words
    fits = min(1.0, (width * WORD_BYTES - config.bitmap_bytes) / config.tile_channels)  # share of values
    await bench.cycle({"i_zero": 7, "i_pixels_valid": 0, "o_beats_ready": 1})
    ends, pixels = [0, 0], []
    while len(pixels) < 100:
        made = Segments(config, 7, [int(rng.integers(1, 5))], rng, fits / 2)
        beats = [after // width - before // width for before, after in itertools.pairwise(made.words)]
        if max(beats) <= 1:
            ends, pixels = ends + beats, pixels + made.pixels
    for pixel, end in zip(pixels, ends, strict=False):
        outputs = await bench.cycle({"i_pixels_valid": 1, "i_pixels_payload": pixel})
        assert outputs["i_pixels_ready"] and outputs["o_beats_valid"] == end
