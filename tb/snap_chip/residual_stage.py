"""Testbench of the stage that adds a residual."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...sim.golden.residual_add import residual_add
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from ..common.lanes import BYTE_ENDS, float_bits
from ..common.residual_add import KINDS, Terms
from .activations import tile_bytes
from .parts import PARTS

STALLS = ((0, 0, 0), (0.7, 0, 0), (0, 0.7, 0), (0, 0, 0.7), (0.3, 0.3, 0.3))
"""Of pixels, of the residual, of who takes the sums."""


def exact_terms(rng: np.random.Generator) -> Terms:
    """Factors of 24 bits, of which few are left where one of the operands is the other's negative, or 1 alone."""
    factor, other = int(rng.integers(1 << 23, 1 << 24)), int(rng.integers(-60, 60))
    kind = rng.integers(3)
    constant = 0 if kind == 0 else int(rng.choice([-1, 1])) * (factor + int(rng.integers(-60, 60)))
    near = min(max(factor + other, 1 << 23), (1 << 24) - 1)
    terms = (factor, near, constant) if kind < 2 else (int(rng.integers(1 << 22)), factor, constant)
    scale = 0 if kind else int(rng.integers(0, 3))
    return np.float32(terms[0]), np.float32(terms[1]), np.float32(np.ldexp(terms[2], -scale))


def plain_terms(rng: np.random.Generator) -> Terms:
    """Sums of which most are inside the ends, so that each bit of the operands counts."""
    a_factor, b_factor = rng.choice([0.5, 0.75, 1, 1, 1.25], 2)
    return np.float32(a_factor), np.float32(b_factor), np.float32(rng.integers(-250, 130))


class Layer:
    """Pixels and a residual, as they come in and as they must go out.

    Attributes
    ----------
    pixels, wanted
        Payloads.
    segments
        Beats of the residual: behind the values of a tile any bytes up to a word, behind a segment's up to a beat.
    cycles
        That the pixels take, if nobody stalls.
    """

    def __init__(self, config: SnapChipConfig, rng: np.random.Generator, residual: bool, count: int) -> None:
        channels, size = config.tile_channels, config.data_bits // 8
        kinds = exact_terms, plain_terms, KINDS[rng.integers(len(KINDS))]
        terms = kinds[rng.integers(len(kinds))](rng)
        low, high = BYTE_ENDS[int(rng.integers(2)) if rng.random() < 0.8 else int(rng.integers(len(BYTE_ENDS)))]
        signs = [int(sign) for sign in rng.integers(0, 2, 2)]
        least = [-128 * sign for sign in signs]
        zero = int(rng.integers(least[1], least[1] + 256))
        a, b = (rng.integers(one, one + 256, (count, channels)) for one in least)
        few = rng.random((count, channels)) < 0.4
        near = [np.maximum(rng.integers(-2, 3, few.shape), one) for one in least]
        a, b = np.where(few, near[0], a), np.where(few, near[1], b)
        b = np.where(rng.random(few.shape) < 0.3, np.clip(-a, least[1], least[1] + 255), b)
        stored = rng.random((count, channels)) < rng.choice([0, 0.3, 0.6, 1, 1], count)[:, None]
        b = np.where(stored, b, zero)
        last = rng.random(count) < 0.3
        last[-1] = True
        wanted = residual_add(a, b, terms, low, high) if residual else a
        self.pixels, self.wanted = (
            [{"values": values, "last": int(end)} for values, end in zip((one & 255).tolist(), last, strict=True)]
            for one in (a, wanted)
        )  # fmt: skip
        self.segments, text, self.cycles = [], b"", 0
        for values, mask, end in zip(b & 255, stored, last, strict=True):
            tile = tile_bytes(config, values, mask)
            used = config.bitmap_bytes + int(mask.sum())
            text += tile[:used] + rng.bytes(len(tile) - used)
            runs = -(-len(tile) // 8 // config.run_words)
            self.cycles += max(channels // config.residual_lanes, runs)
            if end:
                text += rng.bytes(-len(text) % size)
                self.segments += [int.from_bytes(text[at : at + size], "little") for at in range(0, len(text), size)]
                text = b""
        lows = (-1, -256, int(rng.integers(-256, 0))) if signs[0] else (0, 255, int(rng.integers(256)))
        sum_low = int(rng.choice(lows))
        names = ("sum_factor", "residual_factor", "residual_offset")
        self.fields: dict[str, int] = {name: float_bits(term) for name, term in zip(names, terms, strict=True)}
        self.fields |= {
            "residual": int(residual), "sum_low": sum_low, "signed_residual": signs[1], "residual_zero": zero,
            "residual_low": low, "residual_high": high,
        }  # fmt: skip


class Idle:
    """Something is left as long as pixels that were taken have not come out; without a residual they do at once."""

    def __init__(self, layer: Layer, pixels: Source, sums: Sink) -> None:
        self.layer, self.pixels, self.sums = layer, pixels, sums

    def drive(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Compare, before the others see this cycle."""
        left = self.pixels.sent - len(self.sums.beats)
        assert outputs["o_idle"] == (left == 0), f"{left} pixels are left"
        if not self.layer.fields["residual"]:
            assert left == 0
        return False


async def play(
    bench: Bench, layer: Layer, stalls: tuple[float, float, float], after_valid: bool, beats: Source,
    some: random.Random,
) -> int:  # fmt: skip
    """One layer; returns its cycles."""
    beats.stall = stalls[1]
    pixels = Source("i_pixels", layer.pixels, stalls[0], some)
    sums = Sink("o_pixels", len(layer.wanted), stalls[2], some, after_valid=after_valid)
    await bench.peek({"i_layer": layer.fields})
    start = bench.cycles
    await run(bench, [Idle(layer, pixels, sums), pixels, beats, sums], lambda: pixels.done and sums.done)
    for number, (got, want) in enumerate(zip(sums.beats, layer.wanted, strict=True)):
        assert got == want, f"pixel {number}, {layer.fields}"
    return bench.cycles - start


@testbench(PARTS["residual_stage"])
async def layers(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Layers with a residual and without, one behind the other, whose beats may come before them; whoever stalls."""
    some = random.Random(int(rng.integers(1 << 32)))
    most = max(4, 120 // config.tile_channels)  # pixels
    todo = [Layer(config, rng, number % 5 != 3, int(rng.integers(1, most + 1))) for number in range(20)]
    beats = Source("i_beats", [beat for one in todo if one.fields["residual"] for beat in one.segments], 0, some)
    for number, layer in enumerate(todo):
        await play(bench, layer, STALLS[number % len(STALLS)], number % 3 == 2, beats, some)
        for _ in range(some.randrange(3)):
            outputs = await bench.cycle({"i_pixels_valid": 0, "o_pixels_ready": 1} | beats.drive())
            assert outputs["o_idle"] and not outputs["o_pixels_valid"]
            beats.observe(outputs)
    assert beats.done


@testbench(PARTS["residual_stage"])
async def pace(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """As many cycles as the channels of a pixel need, or its words, and the lanes'; also after a reset in between."""
    some = random.Random(int(rng.integers(1 << 32)))
    for _ in range(2):
        layer = Layer(config, rng, True, 12)
        cycles = await play(bench, layer, (0, 0, 0), False, Source("i_beats", layer.segments, 0, some), some)
        assert layer.cycles <= cycles <= layer.cycles + 12
        layer = Layer(config, rng, True, 12)
        sources = Source("i_pixels", layer.pixels, 0, some), Source("i_beats", layer.segments, 0, some)
        stop = bench.cycles + some.randint(1, 20)
        await bench.peek({"i_layer": layer.fields, "o_pixels_ready": 0})
        await run(bench, sources, lambda stop=stop: bench.cycles == stop)
        await bench.cycle({"i_pixels_valid": 0, "i_beats_valid": 0})
        await bench.reset()
