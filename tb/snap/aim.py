"""Testbench of the AIM, both ways of matching."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig
from ..bench import Bench
from ..cocotb_bench import testbench
from .parts import PARTS
from .random_lists import position_of

FULL, QUARTER = 0, 2


def random_operation(config: SnapConfig, rng: np.random.Generator) -> dict[str, Any]:
    """A window and one or two tiles somewhere in their rings; few indices or many, holes at the ends of beats."""
    lanes, width, every = config.window_entries, config.aim_entries, (1 << config.classes) - 1
    mode, most = int(rng.integers(3)), int(rng.choice([2, width]))  # of two indices nearly all match
    weights = [
        {"valid": 0, "index": int(rng.integers(most)), "kind": int(rng.integers(config.classes))} for _ in range(lanes)
    ]
    start, density = int(rng.integers(lanes)), rng.choice([0.3, 0.9, 1])
    for place in range(int(rng.integers(lanes + 1))):
        weights[(start + place) % lanes]["valid"] = int(rng.random() < density)
    indices = rng.integers(0, width, width)
    tile = [{"first": 0, "second": 0, "index": int(index)} for index in indices]
    at, density = int(rng.integers(width)), rng.choice([0.5, 1])
    for name in ("first", "second")[: 1 + (mode == QUARTER)]:
        length = int(rng.integers(1 + min(most, width >> mode)))
        for place, index in enumerate(sorted(rng.permutation(most)[:length].tolist())):
            tile[(at + place) % width] |= {name: int(rng.random() < density), "index": index}
        at += length
    return {
        "i_weights": weights,
        "i_tile": tile,
        "i_classes": [int(rng.choice([every, int(rng.integers(every + 1))])) for _ in range(2)],
        "i_mode": mode,
        "i_half": int(rng.integers(2)),
    }


def matches(config: SnapConfig, operation: dict[str, Any], number: int) -> dict[int, int]:
    """Position of the match by weight lane, found by trying all pairs."""
    width, mode = config.aim_entries, operation["i_mode"]
    flag, classes = ("first", "second")[number], operation["i_classes"][number]
    tile = [(place, lane["index"]) for place, lane in enumerate(operation["i_tile"]) if lane[flag]]
    return {
        lane: place % (width >> mode)
        for lane, weight in enumerate(operation["i_weights"])
        if weight["valid"] and classes >> weight["kind"] & 1 and (mode != FULL or lane // width == operation["i_half"])
        for place, index in tile
        if weight["index"] == index
    }


@testbench(PARTS["aim"])
async def random_operations(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Every match is found and nothing else."""
    operation: dict[str, Any] | None = None
    found = [0, 0]
    for _ in range(400):
        following = random_operation(config, rng)
        outputs = await bench.cycle(following)
        if operation is not None:
            for number, got in enumerate(outputs["o_lists"]):
                mask = (config.aim_entries >> operation["i_mode"]) - 1
                lanes = [lane for lane in range(config.window_entries) if got["valid"] >> lane & 1]
                positions = {lane: position_of(got, lane) & mask for lane in lanes}
                assert positions == matches(config, operation, number), f"list {number} of {operation}"
                found[number] += len(lanes)
        operation = following
    assert min(found) > 10


@testbench(PARTS["aim"])
async def every_class(bench: Bench, config: SnapConfig, rng: np.random.Generator) -> None:
    """Each set of classes with each class in each lane: all lanes hold the one index of the tile."""
    every, flags = (1 << config.classes) - 1, ("first", "second")
    index = int(rng.integers(config.aim_entries))
    operations = []
    for number in range(2):
        for classes in range(every + 1):
            for offset in range(config.classes):
                operation = random_operation(config, rng) | {"i_mode": QUARTER}
                place = int(rng.integers(config.aim_entries))
                operation["i_tile"] = [
                    {name: int(name == flags[number] and lane == place) for name in flags} | {"index": index}
                    for lane in range(config.aim_entries)
                ]
                operation["i_weights"] = [
                    {"valid": 1, "index": index, "kind": (lane + offset) % config.classes}
                    for lane in range(config.window_entries)
                ]
                operation["i_classes"] = [classes if other == number else every for other in range(2)]
                operations.append(operation)
    for operation in operations:
        await bench.cycle(operation)
        for number, got in enumerate((await bench.cycle())["o_lists"]):
            lanes = [lane for lane in range(config.window_entries) if got["valid"] >> lane & 1]
            assert lanes == sorted(matches(config, operation, number)), f"list {number} of {operation}"
