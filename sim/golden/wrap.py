"""Two's complement wrapping, as a register of a given width does it."""

import numpy as np

from ...hw.config import check_int

__all__ = ["wrap"]


def wrap(values: np.ndarray, bits: int) -> np.ndarray:
    """Keep the low `bits` bits (1 to 64) of int64 `values`, read as a signed number."""
    check_int("bits", bits, 1, 64)
    return np.asarray(values, np.int64) << (64 - bits) >> (64 - bits)
