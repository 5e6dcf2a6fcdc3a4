"""Scaling of integers by powers of two."""

import numpy as np

from ...hw.config import check_int

__all__ = ["round_shift"]


def round_shift(sums: np.ndarray, shift: int, bits: int) -> np.ndarray:
    """Divide int64 `sums` by ``2**shift``, round to the nearest integer (half upwards), saturate to so many `bits`.

    Parameters
    ----------
    sums
        Integers of less than 62 bits.
    shift
        0 to 61.
    bits
        Width of the result, two's complement.
    """
    check_int("shift", shift, 0, 61)
    check_int("bits", bits, 2, 62)
    half = (1 << shift) >> 1
    limit = 1 << bits - 1
    return np.clip((np.asarray(sums, np.int64) + half) >> shift, -limit, limit - 1)
