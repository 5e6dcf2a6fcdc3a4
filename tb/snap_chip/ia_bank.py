"""Testbench of a bank of activations."""

from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from ..snap.random_values import random_value
from .parts import PARTS


class Contents:
    """What a bank holds; what it has never got is not compared, nor what is written as it is read."""

    def __init__(self, bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.words: dict[int, int] = {}
        self.entries: dict[int, dict[str, int]] = {}
        self.compared = 0
        self._shown: tuple[list[int | None], dict[str, int] | None] = ([], None)

    def near(self, size: int) -> int:
        """Any row; more often the first ones, the last ones, those that differ in one bit from a low one."""
        any_, bit = int(self.rng.integers(size)), 1 << int(self.rng.integers((size - 1).bit_length()))
        return [any_, bit, (bit + any_ % 4) % size, any_ % 4, size - 1 - any_ % 4][self.rng.integers(5)]

    async def cycle(self, **inputs: Any) -> None:
        """A cycle in which all inputs that aren't given are rubbish, and nothing happens that isn't asked for."""
        named = {name: random_value(self.rng, shape) for name, shape in self.bench.inputs.items()}
        named |= dict.fromkeys(("i_write", "i_list", "i_read", "i_look"), 0)
        named["i_more"] %= self.config.run_words
        named |= inputs
        outputs = await self.bench.cycle(named)
        words, entry = self._shown
        for place, word in enumerate(words):
            self.compared += word is not None
            assert word is None or outputs["o_data"][place] == word, f"word {place}"
        self.compared += entry is not None
        assert entry is None or outputs["o_entry"] == entry
        written = self._run(named["i_address"], named["i_more"] + 1) if named["i_write"] else []
        listed = [named["i_index"]] if named["i_list"] else []
        read = self._run(named["i_read_address"], self.config.row_words) if named["i_read"] else []
        looked = named["i_look"] and named["i_look_index"] not in listed
        self._shown = (
            [None if place in written else self.words.get(place) for place in read],
            self.entries.get(named["i_look_index"]) if looked else None,
        )
        self.words |= dict(zip(written, named["i_data"], strict=False))
        self.entries |= {index: named["i_entry"] for index in listed}

    def _run(self, first: int, count: int) -> list[int]:
        """Words that follow each other; behind the last one comes the first."""
        return [(first + number) % self.config.bank_words for number in range(count)]


@testbench(PARTS["ia_bank"])
async def everything(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Words in runs of any length from any place on, and all entries; everything keeps what it got."""
    contents = Contents(bench, config, rng)
    first = start = int(rng.integers(config.bank_words))
    while first < start + config.bank_words:
        more = int(rng.integers(config.run_words))
        await contents.cycle(i_write=1, i_address=first % config.bank_words, i_more=more)
        first += more + 1
    for index in rng.permutation(config.directory_entries).tolist():
        await contents.cycle(i_list=1, i_index=index)
    assert len(contents.words) == config.bank_words
    for place in rng.permutation(config.bank_words).tolist():
        await contents.cycle(
            i_read=1, i_read_address=place, i_look=1, i_look_index=int(rng.integers(config.directory_entries))
        )
    for index in rng.permutation(config.directory_entries).tolist():
        await contents.cycle(i_look=1, i_look_index=index)
    await contents.cycle()
    assert contents.compared > config.row_words * config.bank_words


@testbench(PARTS["ia_bank"])
async def traffic(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """All that a bank can do, at any time and all at once."""
    contents = Contents(bench, config, rng)
    for often in (0.9, 0.5):
        for _ in range(250):
            asked = dict(zip(("i_write", "i_list", "i_read", "i_look"), (rng.random(4) < often).tolist(), strict=True))
            places = {name: contents.near(config.bank_words) for name in ("i_address", "i_read_address")}
            indices = {name: contents.near(config.directory_entries) for name in ("i_index", "i_look_index")}
            await contents.cycle(**{name: int(value) for name, value in asked.items()}, **places, **indices)
    assert contents.compared > 200
