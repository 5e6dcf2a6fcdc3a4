"""Random streams of a row of PEs, cut at random, and the psums that they mean: no layer is behind them."""

import dataclasses
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from .random_values import random_bits

__all__ = ["Block", "Group", "Item", "block_psums", "random_block", "random_tile", "random_window"]

Beat = dict[str, Any]


@dataclasses.dataclass
class Item:
    """A window of a column, or a tile of the row: its beats, whose ``mask`` says which columns store them.

    The mask of a window's beat is that of the column's own store: 0 or 1.
    """

    beats: list[Beat]

    def entries(self, receiver: int) -> list[dict[str, int]]:
        """What a receiver stores of it."""
        return [
            entry for beat in self.beats if beat["mask"] >> receiver & 1 for entry in beat["entries"][: beat["count"]]
        ]

    def stored(self, receiver: int) -> int:
        """Beats that a receiver stores."""
        return sum(beat["mask"] >> receiver & 1 for beat in self.beats)


@dataclasses.dataclass
class Group:
    """Windows by column, of each of which each meets each tile."""

    windows: list[list[Item]]
    tiles: list[Item]


Block = list[Group]


def _entry(config: SnapConfig, rng: np.random.Generator, index: int) -> dict[str, int]:
    half = 1 << config.data_bits - 1
    return {"value": int(rng.integers(1, half)) * int(rng.choice([-1, 1])), "index": index}


def random_window(config: SnapConfig, rng: np.random.Generator, beats: int, *, entries: int | None = None) -> Item:
    """A window of so many beats, some of which hold less than they could, or nothing, or aren't stored."""
    made = []
    for number in range(beats):
        parts: list[dict[str, int]] = []
        for _ in range(config.beat_entries):
            entry = _entry(config, rng, int(rng.integers(config.channel_tile)))
            parts.append(entry | {"slot": int(rng.integers(config.psum_slots)), "kind": int(rng.integers(4))})
        count = int(rng.integers(config.beat_entries + 1)) if entries is None else entries
        last = int(number == beats - 1)
        mask = int(rng.random() < 0.8) if entries is None else 1
        flags = {"mask": mask, "last": last, "group_last": last, "block_last": 0}
        made.append({"entries": parts, "count": count} | flags)
    return Item(made)


def random_tile(config: SnapConfig, rng: np.random.Generator, beats: int) -> Item:
    """A tile of so many beats, of which each column stores some."""
    indices = iter(sorted(rng.permutation(config.channel_tile)[: beats * config.beat_entries].tolist()))
    made = []
    for number in range(beats):
        parts = [_entry(config, rng, next(indices)) for _ in range(config.beat_entries)]
        count = int(rng.integers(config.beat_entries + 1)) if rng.random() < 0.5 else config.beat_entries
        last = int(number == beats - 1)
        mask = random_bits(rng, config.core_columns) | random_bits(rng, config.core_columns)
        tag = {"slot": int(rng.integers(config.psum_slots)), "classes": int(rng.choice([15, int(rng.integers(16))]))}
        made.append({"entries": parts, "count": count, "mask": mask, "last": last, "group_last": 0} | tag)
    return Item(made)


def random_block(config: SnapConfig, rng: np.random.Generator, groups: int) -> Block:
    """Groups of one window or several, of one tile or several: as many as fit if they are needed more than once."""
    block = []
    for _ in range(groups):
        windows, tiles = int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 2, 4]))
        most = config.tile_beats
        if windows > 1:
            tiles = min(tiles, config.activation_tiles)
            most = min(most, config.activation_beats // tiles)
        most = max(1, most >> int(rng.integers(4)))
        made = Group(
            [
                [random_window(config, rng, int(rng.integers(1, config.window_beats + 1))) for _ in range(windows)]
                for _ in range(config.core_columns)
            ],
            [random_tile(config, rng, int(rng.integers(1, most + 1))) for _ in range(tiles)],
        )
        for column in made.windows:
            for window in column[:-1]:
                window.beats[-1]["group_last"] = 0
        made.tiles[-1].beats[-1]["group_last"] = 1
        block.append(made)
    for column in block[-1].windows:
        column[-1].beats[-1]["block_last"] = 1
    return block


def block_psums(config: SnapConfig, block: Block, column: int) -> tuple[list[int], list[int], int]:
    """Psums of a column without wrapping, the sums of the magnitudes of what was added to each, and pairs."""
    sums, sizes, pairs = [0] * config.psum_slots, [0] * config.psum_slots, 0
    for group in block:
        for tile in group.tiles:
            values = {entry["index"]: entry["value"] for entry in tile.entries(column)}
            tag = tile.beats[-1]
            for window in group.windows[column]:
                for weight in window.entries(0):
                    if weight["index"] in values and tag["classes"] >> weight["kind"] & 1:
                        place = (weight["slot"] + tag["slot"]) % config.psum_slots
                        product = weight["value"] * values[weight["index"]]
                        sums[place] += product
                        sizes[place] += abs(product)
                        pairs += 1
    return sums, sizes, pairs
