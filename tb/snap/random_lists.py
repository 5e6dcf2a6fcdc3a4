"""Random lists of matches, as the AIM makes them."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig

__all__ = ["position_of", "random_head", "random_list"]


def random_list(config: SnapConfig, rng: np.random.Generator, density: float) -> dict[str, Any]:
    """A value of `match_list`, every other one with matches in a few neighbouring lanes; other positions are noise."""
    lanes = config.window_entries
    valid = _random_bits(rng, lanes, density, 1)[0]
    if density and rng.random() < 0.5:
        group = lanes >> int(rng.integers(1, lanes.bit_length()))
        valid = _random_bits(rng, group, rng.choice([0.5, 0.8, 1]), 1)[0] << group * int(rng.integers(lanes // group))
    return {
        "valid": valid,
        "position": _random_bits(rng, lanes, 0.5, config.index_bits),
    }


def position_of(matches: dict[str, Any], lane: int) -> int:
    """Position that a value of `match_list` has for a lane."""
    return sum((plane >> lane & 1) << bit for bit, plane in enumerate(matches["position"]))


def _random_bits(rng: np.random.Generator, bits: int, density: float, count: int) -> list[int]:
    return [int("".join("01"[int(bit)] for bit in row), 2) for row in rng.random((count, bits)) < density]


def random_head(config: SnapConfig, rng: np.random.Generator, end: float = 0.5) -> dict[str, Any]:
    """A value of `list_head`, which ends its block with probability `end`."""
    return {
        "weight_start": int(rng.integers(config.weight_beats)),
        "tile_start": int(rng.integers(config.activation_beats)),
        "mode": int(rng.integers(3)),
        "slot": int(rng.integers(config.psum_slots)),
        "frees_window": int(rng.integers(2)),
        "frees_tile": int(rng.integers(2)),
        "ends_block": int(rng.random() < end),
    }
