"""Testbench of the byte unpacker."""

import random

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS


class Words:
    """A stream of random words, and the bytes of those that were taken and not used up."""

    def __init__(self, width: int, some: random.Random, stall: float) -> None:
        self.width, self.some, self.stall = width, some, stall
        self.bytes: list[int] = []
        self.given, self._word, self._offered = 0, [0] * width, False

    def drive(self) -> dict[str, int]:
        """Offer a word, or rubbish."""
        if not self._offered:
            self._word = [self.some.randrange(256) for _ in range(self.width)]
            self._offered = self.some.random() >= self.stall
        return {"i_words_valid": int(self._offered), "i_words_payload": int.from_bytes(bytes(self._word), "little")}

    def observe(self, ready: int) -> None:
        """Whether it was taken."""
        if self._offered and ready:
            self.bytes += self._word
            self.given += 1
            self._offered = False


@testbench(PARTS["byte_unpacker"])
async def random_bytes(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """Some, all or none of the bytes are taken, words are skipped, all is forgotten; stalls anywhere."""
    (width,) = config
    some = random.Random(int(rng.integers(1 << 32)))
    for stall, idle, skips, clears in ((0, 0, 0, 0), (0.5, 0, 0.1, 0), (0, 0.5, 0.3, 0.02), (0.3, 0.3, 0.1, 0.1)):
        await bench.cycle({"i_words_valid": 0, "i_take": 0, "i_skip": 0, "i_clear": 0})
        await bench.reset()
        words = Words(width, some, stall)
        for _ in range(400):
            before = words.bytes
            count = min(width, len(before))
            take = 0 if some.random() < idle else some.choice([0, count, some.randint(0, count)])
            skip = int(some.random() < skips)
            take, clear = 0 if skip else take, int(some.random() < clears)
            outputs = await bench.cycle(words.drive() | {"i_take": take, "i_skip": skip, "i_clear": clear})
            # The first bytes are those of a word that is in use, so at least those of it are there.
            assert outputs["o_count"] == count
            got = list(outputs["o_bytes"].to_bytes(width, "little"))
            assert got[:count] == before[:count]
            left = before[take:]
            left = left[len(left) % width :] if skip else left
            assert outputs["o_used"] == (len(before) + width - 1) // width - (len(left) + width - 1) // width
            words.bytes = left
            words.observe(outputs["i_words_ready"])
            words.bytes = [] if clear else words.bytes


@testbench(PARTS["byte_unpacker"])
async def a_word_a_cycle(bench: Bench, config: tuple[int], rng: np.random.Generator) -> None:
    """From the third cycle on a word's bytes are taken in each cycle, wherever they begin."""
    (width,) = config
    for first in range(1, width + 1):
        await bench.cycle({"i_words_valid": 0, "i_take": 0, "i_skip": 0, "i_clear": 1})
        taken = []
        for cycle in range(20):
            take = 0 if cycle < 2 else first if cycle == 2 else width
            outputs = await bench.cycle({"i_words_valid": 1, "i_words_payload": cycle, "i_take": take, "i_clear": 0})
            taken.append(outputs["o_count"])
        assert taken[2:] == [width] * 18
