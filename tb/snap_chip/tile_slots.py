"""Testbench of the FIFOs of stored tiles."""

from collections import deque
from typing import Any

import numpy as np

from ...hw.snap_chip.config import SnapChipConfig
from ...hw.snap_chip.tile_parser import WORD_BITS
from ..bench import Bench
from ..bits import pack_bits
from ..cocotb_bench import testbench
from ..snap.random_values import random_value
from .parts import PARTS


class Tile:
    """A row's tile: its bits, and which of them were written."""

    def __init__(self) -> None:
        self.bits = self.known = 0
        self.tag: dict[str, int] = {}

    def write(self, low: int, width: int, bits: int) -> None:
        """Write some bits, over what was there."""
        mask = (1 << width) - 1 << low
        self.bits, self.known = self.bits & ~mask | bits << low, self.known | mask


class Slots:
    """The FIFOs of all rows, which get tiles together; each lets go of its own."""

    def __init__(self, bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
        self.bench, self.config, self.rng = bench, config, rng
        self.rows: list[deque[Tile]] = [deque() for _ in range(config.banks)]
        self.written = [Tile() for _ in range(config.banks)]
        self.pushed = self.taken = 0

    async def cycle(self, write: float, push: float, ready: list[float]) -> None:
        """Perhaps write, push and take, with these probabilities, and look at all that is there."""
        config, rng, banks = self.config, self.rng, range(self.config.banks)
        room = config.tile_slots - max(map(len, self.rows))
        inputs = {name: random_value(rng, shape) for name, shape in self.bench.inputs.items()}
        inputs["i_part"] = int(rng.integers(config.tile_parts))
        inputs["i_write"] = sum(1 << row for row in banks if room and rng.random() < write)
        inputs["i_push"] = int(room > 0 and rng.random() < push)
        inputs |= {f"o_tiles_{row}_ready": int(rng.random() < chance) for row, chance in enumerate(ready)}
        outputs = await self.bench.cycle(inputs)
        assert outputs["o_room"] == room
        assert bool(outputs["o_empty"]) == (not any(self.rows))
        for row, held in enumerate(self.rows):
            assert bool(outputs[f"o_tiles_{row}_valid"]) == bool(held), f"row {row}"
            if held:
                self._compare(held[0], outputs[f"o_tiles_{row}_payload"])
                if inputs[f"o_tiles_{row}_ready"]:
                    held.popleft()
                    self.taken += 1
        width = config.row_words * WORD_BITS
        for row in banks:
            if inputs["i_write"] >> row & 1:
                self.written[row].write(inputs["i_part"] * width, width, inputs["i_data"][row])
        if inputs["i_push"]:
            self._push(inputs["i_tag"])

    def _push(self, tag: dict[str, int]) -> None:
        self.pushed += 1
        for row, (held, tile) in enumerate(zip(self.rows, self.written, strict=True)):
            tile.tag = tag | {"inside": tag["inside"] >> row & 1}
            held.append(tile)
        self.written = [Tile() for _ in self.rows]

    def _compare(self, tile: Tile, payload: dict[str, Any]) -> None:
        """What was written of a tile, and its tag."""
        channels = self.config.tile_channels
        got = payload["bitmap"] | pack_bits(payload["values"], _bytes(channels)) << channels
        mask = (1 << 9 * channels) - 1
        assert got & tile.known == tile.bits & mask, f"tile {self.pushed}"
        assert payload["tag"] == tile.tag


def _bytes(count: int) -> dict[str, Any]:
    return {"kind": "array", "length": count, "element": {"kind": "unsigned", "width": 8}}


@testbench(PARTS["tile_slots"])
async def tiles(bench: Bench, config: SnapChipConfig, rng: np.random.Generator) -> None:
    """Tiles in any parts, seldom and often, to rows of which all, one, or none is slow."""
    slots = Slots(bench, config, rng)
    for write, push, ready in ((1, 1, 1), (0.5, 0.9, 0.3), (0.6, 0.3, 0.9), (0.8, 0.6, 0.5)):
        for slow in (None, *range(config.banks)):
            chances = [0.05 if row == slow else ready for row in range(config.banks)]
            for _ in range(20):
                await slots.cycle(write, push, chances)
        for _ in range(config.tile_slots + 1):
            await slots.cycle(write, 0, [1] * config.banks)
        assert not any(slots.rows)
        for _ in range(config.tile_slots):
            await slots.cycle(write, 1, [0] * config.banks)
        assert all(len(held) == config.tile_slots for held in slots.rows)
    assert slots.taken > 100
