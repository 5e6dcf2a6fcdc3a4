"""Testbench of the register file of operands."""

from typing import Any

import numpy as np

from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_values import random_value

Config = tuple[int, int, Any, int]


class _Entries:
    """What was stored, and what must be read of it."""

    def __init__(self, config: Config) -> None:
        self.beats, self.width, _, self.readers = config
        self.stored: list[Any] = [None] * (self.beats * self.width)
        self.shown: list[Any] = [None] * self.readers  # what is not known may be anything

    async def cycle(self, bench: Bench, beat: int, asked: list[int], store: int, rng: np.random.Generator) -> None:
        """Ask for an entry for most readers, see what they asked for last, and store something."""
        entries, read = random_value(rng, bench.inputs["i_entries"]), rng.random(self.readers) < 0.8
        inputs = {"i_store": store, "i_beat": beat, "i_entries": entries}
        inputs |= {"i_read": sum(1 << int(reader) for reader in np.flatnonzero(read))}
        outputs = await bench.cycle(inputs | {f"i_address_{reader}": address for reader, address in enumerate(asked)})
        for reader, address in enumerate(asked):
            wanted, got = self.shown[reader], outputs[f"o_entry_{reader}"]
            assert wanted is None or got == wanted, f"{reader} must show {wanted}, not {got}"
            known = read[reader] and not (store and address // self.width == beat)
            self.shown[reader] = self.stored[address] if known else None
        if store:
            self.stored[beat * self.width : (beat + 1) * self.width] = entries


@testbench(PARTS["entry_file"])
async def every_entry(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """All beats in any order; every reader reads all entries, all of them the same or each another."""
    entries, count = _Entries(config), config[0] * config[1]
    for _ in range(2):
        for beat in rng.permutation(config[0]).tolist():
            await entries.cycle(bench, beat, [0] * config[3], 1, rng)
        orders = [rng.permutation(count).tolist() for _ in range(config[3])]
        for asked in [*([address] * config[3] for address in range(count)), *zip(*orders, strict=True)]:
            await entries.cycle(bench, int(rng.integers(config[0])), list(asked), 0, rng)


@testbench(PARTS["entry_file"])
async def random_traffic(bench: Bench, config: Config, rng: np.random.Generator) -> None:
    """Stores while anything is read, also what is being replaced."""
    entries, count = _Entries(config), config[0] * config[1]
    for _ in range(200 + 2 * config[0]):
        beat = int(rng.integers(config[0]))
        asked = rng.integers(count, size=config[3])
        own = rng.random(config[3]) < 0.3
        asked[own] = beat * config[1] + rng.integers(config[1], size=int(own.sum()))
        await entries.cycle(bench, beat, asked.tolist(), int(rng.random() < 0.6), rng)
