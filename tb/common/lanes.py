"""What testbenches of lanes have in common: streams that stall, latency, numbers that are hard to round."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..bench import Actor, Bench, Sink, Source, run

__all__ = ["BYTE_ENDS", "check_latency", "float_bits", "mantissa", "pass_through", "rounded"]

STALLS = ((0, 0, False), (0.5, 0, False), (0, 0.5, False), (0.3, 0.3, False), (0, 0, True), (0.3, 0.3, True))
"""Of the source, of the sink, and whether that waits for valid."""

BYTE_ENDS = ((0, 255), (-128, 127), (3, 254), (-1, 0), (0, 0), (-127, -127), (255, 255), (127, 128))
"""Lowest and highest results."""


def rounded(number: int, bits: int) -> int:
    """An integer rounded to its first `bits` bits, half to even."""
    dropped = max(abs(number).bit_length() - bits, 0)
    kept, rest = divmod(abs(number), 1 << dropped)
    kept += 2 * rest > 1 << dropped or (2 * rest == 1 << dropped and kept % 2 == 1)
    return (kept if number >= 0 else -kept) << dropped


def float_bits(number: np.float32) -> int:
    """The bits of a float32."""
    return int(number.view(np.uint32))


def mantissa(rng: np.random.Generator) -> int:
    """With few ones, with few zeros, or any; the first is a one."""
    few = 1 << 23 | 1 << int(rng.integers(24)) | int(rng.integers(2))
    return int(rng.choice([few, few ^ (1 << 24) - 1, int(rng.integers(1 << 23, 1 << 24))])) | 1 << 23


async def pass_through(
    bench: Bench, beats: Sequence[Mapping[str, Any]], number: int, rng: np.random.Generator, watch: Any = None
) -> list[dict[str, Any]]:
    """Send beats through a lane with stalls that depend on `number`; `watch` makes one more actor of the source."""
    some = random.Random(int(rng.integers(1 << 32)))
    input_stall, output_stall, after_valid = STALLS[number % len(STALLS)]
    source = Source("i", beats, input_stall, some)
    sink = Sink("o", len(beats), output_stall, some, after_valid=after_valid)
    actors: list[Actor] = [*([watch(source)] if watch else []), source, sink]
    await run(bench, actors, lambda: source.done and sink.done)
    return sink.beats


async def check_latency(bench: Bench, beats: Sequence[Mapping[str, Any]], latency: int) -> None:
    """A beat a cycle, offered `latency` cycles after it was taken; a full lane holds that many; a reset empties it."""
    left = 0
    for _ in range(2):
        for cycle in range(3 * latency):
            beat = beats[cycle % len(beats)]
            outputs = await bench.cycle({"i_valid": 1, "i_payload": beat, "o_ready": 1})
            assert outputs["i_ready"] and outputs["o_valid"] == (cycle >= latency), f"cycle {cycle}"
        for _ in range(latency):
            outputs = await bench.cycle({"i_valid": 1, "o_ready": 0})
            assert outputs["o_valid"] and not outputs["i_ready"]
        for _ in range(2 * latency):
            left += (await bench.cycle({"i_valid": 0, "o_ready": 1}))["o_valid"]
    assert left == 2 * latency
    for _ in range(latency):
        await bench.cycle({"i_valid": 1, "o_ready": 0})
    await bench.cycle({"i_valid": 0})
    await bench.reset()
    for _ in range(2 * latency):
        outputs = await bench.cycle({"o_ready": 1})
        assert outputs["i_ready"] and not outputs["o_valid"]
