"""Testbench of the weight feeder."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench, Sink, Source, run
from ..cocotb_bench import testbench
from .parts import PARTS
from .weight_images import Group, Layer, beats_of, encode, random_layers

__all__ = ["check_beats"]


def check_beats(got: list[dict[str, Any]], layers: list[Layer]) -> None:
    """Compare beats; entries beyond the count, and ends of groups and blocks beside that of a window, are anything."""
    wanted = [beat for layer in layers for beat in layer.beats()]
    for number, (beat, one) in enumerate(zip(got, wanted, strict=True)):
        found = beat | {"entries": beat["entries"][: beat["count"]]}
        for ends in ("group_last", "block_last"):
            found[ends] = found[ends] if found["last"] else 0
        assert found == one | {"count": len(one["entries"])}, f"beat {number}"


class RingModel:
    """Words of the blocks of some layers, as a ring gives them: behind those of a block come others.

    Parameters
    ----------
    stall
        Probability that no new word is offered in a cycle.
    """

    def __init__(self, layers: list[Layer], stall: float, rng: random.Random) -> None:
        self.stall, self.rng = stall, rng
        self._blocks = [
            (encode(layer.config, layer.rounds[number]), block) for layer in layers for number, block in layer.blocks()
        ]
        self.block = self.given = self.used = 0
        self._offered, self._word = False, 0

    @property
    def done(self) -> bool:
        """All blocks are through."""
        return self.block == len(self._blocks)

    def drive(self) -> dict[str, Any]:
        """A word, or rubbish."""
        if not self._offered:
            self._offered = not self.done and self.rng.random() >= self.stall
            self._word = self.rng.getrandbits(64)
            if self._offered:
                word = self._blocks[self.block][0][8 * self.given : 8 * self.given + 8]
                self._word = int.from_bytes(word, "little") if word else self._word
        return {"i_words_valid": int(self._offered), "i_words_payload": self._word}

    def observe(self, outputs: Mapping[str, Any]) -> bool:
        """Count words; at the end of a block as many as it has must have been used up."""
        control = outputs["o_control"]
        taken = bool(self._offered and outputs["i_words_ready"])
        self.given += taken
        self._offered &= not taken
        self.used += control["used"]
        if control["used"] or control["restart"]:
            image, block = self._blocks[self.block]
            flags = {"final": block["end"] != 0, "region": block["end"] == 2, "again": block["again"]}
            assert flags.items() <= control.items()
            assert self.used <= self.given
            if control["restart"]:
                assert self.used == len(image) // 8
                self.block, self.given, self.used, self._offered = self.block + 1, 0, 0, False
        return bool(taken or control["restart"])


@testbench(PARTS["weight_feeder"])
async def random_blocks(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Blocks of all kinds, with stalls on each stream."""
    some = random.Random(int(rng.integers(1 << 32)))
    for blocks, words, beats in ((0, 0, 0), (0.7, 0, 0), (0, 0.7, 0), (0.2, 0.2, 0.6)):
        layers = random_layers(config, some, 3)
        source = Source("i_blocks", [block for layer in layers for _, block in layer.blocks()], blocks, some)
        ring = RingModel(layers, words, some)
        sink = Sink("o_beats", sum(len(layer.beats()) for layer in layers), beats, some, after_valid=words > beats)
        await run(bench, [source, ring, sink], lambda sink=sink, source=source: sink.done and source.done)
        assert ring.done
        check_beats(sink.beats, layers)


@testbench(PARTS["weight_feeder"])
async def cycles(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Without stalls a dense group takes a cycle for its header, one a bitmap, one a beat, and one at its end."""
    channels, kernels = config.tile_channels, config.core_kernels
    entries = channels * kernels
    weights = [int(weight) for weight in rng.integers(1, 128, channels)]
    windows = [min(2 * channels, entries - start) for start in range(0, entries, 2 * channels)]
    group = Group([weights] * kernels, windows)
    layer = Layer(config, [[group] * 10], [1], False)
    beats = 10 * len(beats_of(config, group))
    source = Source("i_blocks", [block for _, block in layer.blocks()], 0, random.Random(0))
    ring, sink = RingModel([layer], 0, random.Random(0)), Sink("o_beats", beats, 0, random.Random(0))
    start = bench.cycles
    await run(bench, [source, ring, sink], lambda: sink.done)
    assert beats == 10 * entries // config.core.beat_entries
    # A word arrives in the first cycle, the last beat goes out a cycle after its bytes, and before that group's end.
    assert bench.cycles - start == 1 + 10 * (1 + kernels + beats // 10 + 1)
