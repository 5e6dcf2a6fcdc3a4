"""Random lists of matches, as the AIM makes them."""

from typing import Any

import numpy as np

from ...hw.snap.config import SnapConfig

__all__ = ["position_of", "random_head", "random_list"]


def random_list(config: SnapConfig, rng: np.random.Generator, density: float) -> dict[str, Any]:
    """A value of `match_list`; positions where nothing matches are noise."""
    lanes = config.window_entries
    return {
        "valid": _random_bits(rng, lanes, density, 1)[0],
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
