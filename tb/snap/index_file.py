"""Testbench of the register file of indices."""

from typing import Any

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_values import random_value

Config = tuple[int, int, Any]


class _Beats:
    """What was stored, and what must be seen of it."""

    def __init__(self, config: Config) -> None:
        self.beats, self.span, _ = config
        self.stored: list[Any] = [None] * self.beats

    async def cycle(self, bench: Bench, address: int, start: int, store: int, rng: np.random.Generator) -> None:
        """Read from `start` on, and store something at `address`."""
        beat = random_value(rng, bench.inputs["i_beat"])
        inputs = {"i_store": store, "i_address": address, "i_beat": beat, "i_start": start}
        shown = (await bench.cycle(inputs))["o_beats"]
        for number in range(start, start + self.span):
            wanted, got = self.stored[number % self.beats], shown[number % self.span]
            assert wanted is None or got == wanted, f"beat {number % self.beats} from {start} on must be {wanted}"
        if store:
            self.stored[address] = beat


@testbench(PARTS["index_file"])
async def every_start(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """All beats in any order, read from everywhere, with what wasn't stored between them."""
    beats = _Beats(config)
    for _ in range(3):
        for address in rng.permutation(config[0]).tolist():
            await beats.cycle(bench, address, int(rng.integers(config[0])), 1, rng)
        for start in range(config[0]):
            await beats.cycle(bench, int(rng.integers(config[0])), start, 0, rng)


@testbench(PARTS["index_file"])
async def random_traffic(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """Stores while anything is read, also what is being replaced."""
    beats = _Beats(config)
    for _ in range(200 + 2 * config[0]):
        address, near = int(rng.integers(config[0])), int(rng.integers(config[1]))
        start = (address - near) % config[0] if rng.random() < 0.5 else int(rng.integers(config[0]))
        await beats.cycle(bench, address, start, int(rng.random() < 0.7), rng)
