"""Random values of any width and shape."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..bits import unpack_bits

__all__ = ["random_bits", "random_value"]


def random_bits(rng: np.random.Generator, width: int) -> int:
    """A number of `width` bits, however many these are."""
    return int.from_bytes(rng.bytes(width // 8 + 1), "little") & (1 << width) - 1


def random_value(rng: np.random.Generator, shape: Mapping[str, Any]) -> Any:
    """A value of a manifest's shape, as `Bench` takes it."""
    return unpack_bits(random_bits(rng, shape["width"]), shape)
