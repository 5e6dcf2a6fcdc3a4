"""Malformed streams of a SNAP core, and well-formed ones that look like them."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig

__all__ = ["END", "Beat", "Cases", "activation_cases", "beats_of", "weight_cases"]

END = {"last": 1, "group_last": 1}

Beat = dict[str, Any]
Cases = Iterator[tuple[str, list[Beat], bool]]
"""What a case is, its beats, and whether they are an error."""


def weight_cases(config: SnapConfig) -> Cases:
    """Every cause of an error of a weight stream alone, for every receiver and in every lane."""
    yield from _entry_cases(config, config.core_rows)
    yield from _length_cases(config.window_beats, config.weight_beats, config.core_rows)
    yield "block end within a group", [{"last": 1, "block_last": 1}], True
    yield "flags before the end", [{"block_last": 1}, END], False
    yield "end of a group", [END], False
    yield "end of a block", [END | {"block_last": 1}], False
    yield "repeated weights", [{}, {}, END], False


def activation_cases(config: SnapConfig) -> Cases:
    """Every cause of an error of an activation stream alone, for every receiver and in every lane."""
    yield from _entry_cases(config, config.core_columns)
    yield from _length_cases(config.tile_beats, config.activation_beats, config.core_columns)
    yield from _order_cases(config, config.core_columns)


def beats_of(config: SnapConfig, stream: str, beats: list[Beat]) -> dict[str, object]:
    """Beats whose lanes are all filled, of one entry each that receiver 0 stores, but for what `beats` says."""
    fields = ["count", "mask", "last", "group_last", *(["block_last"] if stream == "weights" else ["slot", "classes"])]
    entry = ["value", "index", *(["slot", "kind"] if stream == "weights" else [])]
    entries = {name: np.zeros((len(beats), config.beat_entries), np.int64) for name in entry}
    entries["value"][:] = 1
    entries["index"][:] = np.arange(config.beat_entries)
    rest = {name: np.zeros(len(beats), np.int64) for name in fields}
    rest["count"][:] = rest["mask"][:] = 1
    for number, beat in enumerate(beats):
        for name, value in beat.items():
            if name in entries:
                entries[name][number, : len(value)] = value
            else:
                rest[name][number] = value
    return {"entries": entries, **rest}


def _entry_cases(config: SnapConfig, receivers: int) -> Cases:
    """Zeros and counts, of either kind of stream."""
    width = config.beat_entries
    for receiver in range(receivers):
        mask = {"mask": 1 << receiver}
        for lane in range(width):
            zero = {"value": [int(other != lane) for other in range(width)]}
            for count in range(width + 1):
                yield f"zero in lane {lane} of {count}", [mask | zero | {"count": count} | END], lane < count
        yield "all full", [mask | {"count": width} | END], False
    everybody = (1 << receivers) - 1
    for count in range(width + 1):
        yield f"{count} zeros that nobody stores", [{"value": [0] * width, "count": count, "mask": 0} | END], False
        yield f"{count} entries for all", [{"count": count, "mask": everybody} | END], False
    for count in range(width + 1, 2 * width if width > 1 else 0):
        for mask in (0, 1, everybody):
            yield f"count of {count} for mask {mask}", [{"count": count, "mask": mask} | END], True


def _length_cases(most: int, held: int, receivers: int) -> Cases:
    """Windows or tiles of `most` beats and more, where a ring holds so many."""
    for receiver in range(receivers):
        empty = {"mask": 1 << receiver, "count": 0}
        yield f"longest for {receiver}", [empty] * (most - 1) + [empty | END], False
        yield f"two long ones for {receiver}", ([empty] * (held // 2 - 1) + [empty | END]) * 2, False
        if held > most:
            yield f"too long for {receiver}", [empty] * most + [empty | END], True
            yield f"two that are too long together, for {receiver}", ([empty] * (most - 1) + [empty | END]) * 2, False
    for one, other in permutations(range(receivers), 2):
        halves = [{"mask": 1 << one, "count": 0}] * most + [{"mask": 1 << other, "count": 0}] * most
        yield f"longest for {one}, then {other}", halves[:-1] + [halves[-1] | END], False


def _order_cases(config: SnapConfig, receivers: int) -> Cases:
    """Channel indices that don't increase."""
    width, top = config.beat_entries, config.channel_tile - 1
    everybody = (1 << receivers) - 1
    for lane in range(1, width):
        for step in (0, -1):
            index = {"index": [2 * at + 1 for at in range(lane)] + [2 * lane - 1 + step], "value": [1] * width}
            index["index"] += [top - width + at + 1 for at in range(lane + 1, width)]
            for count in range(width + 1):
                for mask in (0, *(1 << receiver for receiver in range(receivers))):
                    falls = count > lane and mask > 0
                    case = f"lane {lane} of {count} falls by {-step}, mask {mask}"
                    yield case, [index | {"count": count, "mask": mask} | END], falls
    for one in range(receivers):
        mask = {"mask": 1 << one}
        empty = mask | {"count": 0, "index": [0] * width}
        for count in range(1, width + 1):
            first = mask | {"count": count}
            for step in (-1, 0, 1):
                if count - 1 + step >= 0:
                    second = mask | {"index": [count - 1 + step]}
                    yield f"{count} entries, then one {step} above", [first, second | END], step < 1
                    yield f"{count} entries, nothing, one {step} above", [first, empty, second | END], step < 1
                    yield f"{count} entries, a tile, one {step} above", [first | END, second | END], False
        yield "nothing above the last", [mask | {"index": [top]}, mask | {"index": [0]} | END], True
        yield "the last above all", [mask | {"index": [top - 1]}, mask | {"index": [top]} | END], False
        yield "one for all, the same", [mask, {"mask": everybody} | END], True
        for other in range(receivers):
            if other != one:
                same = [mask | {"index": [2]}, {"mask": 1 << other, "index": [2]}]
                yield "the same for two", same[:1] + [same[1] | END], False
                yield "falls across another's", [*same, mask | {"index": [1]} | END], True
                yield "rises across another's", [*same, mask | {"index": [3]} | END], False
