"""Weights for testbenches: random layers, their form in memory, and the beats that a core must get of them.

Written from the description of the formats alone.
"""

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

from ...hw.snap_chip.config import SnapChipConfig

__all__ = ["Group", "Layer", "beats_of", "encode", "random_layer", "random_layers"]

WINDOWS, WORD = 4, 8


@dataclasses.dataclass(frozen=True)
class Group:
    """Weights of one step and tap for a column.

    Attributes
    ----------
    kernels
        By kernel, the weight of each channel.
    windows
        Entries of each.
    """

    kernels: list[list[int]]
    windows: list[int]


@dataclasses.dataclass(frozen=True)
class Layer:
    """A column's weights of a layer, and how often they are used.

    Attributes
    ----------
    rounds
        Groups by round.
    regions
        Blocks of each round, by region.
    resident
        Whether the weights are loaded once and not once a region.
    """

    config: SnapChipConfig
    rounds: list[list[Group]]
    regions: list[int]
    resident: bool

    @property
    def images(self) -> list[bytes]:
        """Of each round, in whole beats."""
        size = self.config.data_bits // 8
        return [image + bytes(-len(image) % size) for image in (encode(self.config, groups) for groups in self.rounds)]

    @property
    def rows(self) -> int:
        """Beats of all rounds."""
        return 8 * sum(map(len, self.images)) // self.config.data_bits

    @property
    def passes(self) -> int:
        """Times that it is loaded."""
        return 1 if self.resident else len(self.regions)

    def blocks(self) -> Iterator[tuple[int, dict[str, int]]]:
        """Number of its round, and what the feeder is told, of each block."""
        for region, blocks in enumerate(self.regions):
            more_regions = region != len(self.regions) - 1
            for number, groups in enumerate(self.rounds):
                round_end = 1 if number != len(self.rounds) - 1 else 2 if more_regions else 3
                for block in range(blocks):
                    yield (
                        number,
                        {
                            "kernels": len(groups[0].kernels),
                            "weight_groups": len(groups),
                            "end": round_end if block == blocks - 1 else 0,
                            "again": int(self.resident and more_regions),
                        },
                    )

    def beats(self) -> list[dict[str, Any]]:
        """Everything that the core gets."""
        each = [
            [
                beat | {"block_last": int(beat["group_last"] and group is groups[-1])}
                for group in groups
                for beat in beats_of(self.config, group)
            ]
            for groups in self.rounds
        ]
        return [beat for number, _ in self.blocks() for beat in each[number]]


def encode(config: SnapChipConfig, groups: list[Group]) -> bytes:
    """A round's bytes, without those that fill its last beat."""
    image = b""
    for group in groups:
        more = [128] * (len(group.windows) - 1) + [0]
        header = [entries + flag for entries, flag in zip(group.windows, more, strict=True)]
        image += bytes(header + [0] * (WINDOWS - len(header)))
        for weights in group.kernels:
            bits = sum(1 << channel for channel, weight in enumerate(weights) if weight)
            image += bits.to_bytes(config.tile_channels // 8, "little")
        image += bytes(weight & 255 for weights in group.kernels for weight in weights if weight)
        image += bytes(-len(image) % WORD)
    return image


def beats_of(config: SnapChipConfig, group: Group) -> list[dict[str, Any]]:
    """The beats of a group's windows: entries, and which ends they are."""
    most, rows = config.core.beat_entries, config.core.core_rows
    left = [
        [
            {"value": weight, "index": channel, "slot": slot, "kind": 0}
            for channel, weight in enumerate(weights)
            if weight
        ]
        for slot, weights in enumerate(group.kernels)
    ]
    beats: list[dict[str, Any]] = []
    for window, entries in enumerate(group.windows):
        group_last = int(window == len(group.windows) - 1)
        if not entries:
            beats.append({"entries": [], "mask": 0, "last": 1, "group_last": group_last})
            left = left[1:] if left and not left[0] else left
        while entries:
            taken = [entry for kernel in left[:2] for entry in kernel][: min(most, entries)]
            left = [[entry for entry in kernel if entry not in taken] for kernel in left]
            left = left if left[0] else left[1:]
            entries -= len(taken)
            if taken:
                last = int(not entries)
                beats.append({"entries": taken, "mask": (1 << rows) - 1, "last": last, "group_last": last & group_last})
    assert not any(left)
    return beats


def random_layer(config: SnapChipConfig, rng: random.Random, kernels: int | None = None) -> Layer:
    """A layer that the buffer can work on; small, but for some rounds that fill the buffer or are longer than it."""
    kernels = kernels or rng.choice([k for k in (1, 2, 4, 8) if k <= min(config.core_kernels, config.core.psum_slots)])
    density = rng.choice([0.05, 0.3, 0.6, 1.0])
    rounds = [_round(config, rng, kernels, density) for _ in range(rng.randint(1, 3))]
    layer = Layer(config, rounds, [rng.randint(1, 3) for _ in range(rng.randint(1, 3))], rng.random() < 0.6)
    if rng.random() < 0.5:  # one round fills the buffer: alone, beside the others that stay in it, or it is longer
        others = layer.rows - len(layer.images[0]) * 8 // config.data_bits
        rows = config.weight_rows - others if layer.resident else config.weight_rows
        rows += 0 if layer.resident else rng.choice([0, 0, rng.randint(1, rows // 2)])
        if rows >= 4:
            rounds[0] = _round_of(config, rng, kernels, rows)
            rng.shuffle(rounds)
    if max(map(len, layer.images)) * 8 // config.data_bits > config.weight_rows:
        layer = dataclasses.replace(layer, regions=[1 for _ in layer.regions])
    return dataclasses.replace(layer, resident=False) if layer.rows > config.weight_rows else layer


def random_layers(config: SnapChipConfig, rng: random.Random, count: int) -> list[Layer]:
    """Some layers of all kinds; the numbers of kernels in turn."""
    numbers = [k for k in (8, 4, 2, 1) if k <= config.core_kernels]
    return [random_layer(config, rng, numbers[index % len(numbers)]) for index in range(count)]


def _round(config: SnapChipConfig, rng: random.Random, kernels: int, density: float) -> list[Group]:
    return [_group(config, rng, kernels, rng.choice([density, density, 0, 1])) for _ in range(rng.randint(1, 4))]


def _round_of(config: SnapChipConfig, rng: random.Random, kernels: int, rows: int) -> list[Group]:
    """A round of exactly so many beats."""
    size = config.data_bits // 8
    blank = len(encode(config, [_group(config, rng, kernels, 0)]))
    while True:
        groups: list[Group] = []
        while (rest := rows * size - len(encode(config, groups))) >= blank:
            group = _group(config, rng, kernels, rng.choice([0.5, 1, 1]))
            groups.append(group if len(encode(config, [group])) <= rest else _group(config, rng, kernels, 0))
        if rest < size:
            return groups


def _group(config: SnapChipConfig, rng: random.Random, kernels: int, density: float) -> Group:
    def weights(chance: float) -> list[int]:
        some = [rng.choice([-128, -1, 1, 127, rng.randint(1, 127)]) for _ in range(config.tile_channels)]
        return [weight if rng.random() < chance else 0 for weight in some]

    group = [weights(rng.choice([density, density, 0]) if density < 1 else 1) for _ in range(kernels)]
    return Group(group, _cut(rng, sum(weight != 0 for kernel in group for weight in kernel), 2 * config.tile_channels))


def _cut(rng: random.Random, entries: int, most: int) -> list[int]:
    """Windows of so many entries: as long as can be, of equal length, or anyhow; the last ones may be empty."""
    least = max(1, -(-entries // most))
    count = rng.randint(least, WINDOWS)
    kind = rng.choice(["long", "equal", "any"])
    if kind == "equal":
        return [(entries + count - 1 - number) // count for number in range(count)]
    windows: list[int] = []
    for number in range(count):
        after = (count - 1 - number) * most
        low, high = max(0, entries - after), min(most, entries)
        windows.append(high if kind == "long" else rng.randint(low, high))
        entries -= windows[-1]
    return windows
