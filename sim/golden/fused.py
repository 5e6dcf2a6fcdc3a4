"""Fused multiply-add of integers and float32: the exact value, rounded once."""

import numpy as np
import numpy.typing as npt

__all__ = ["fused"]


def fused(x: npt.ArrayLike, factor: npt.ArrayLike, addend: npt.ArrayLike) -> np.ndarray:
    """``x * factor + addend``, exact, rounded once to float32 (half to even).

    The product has no more than 53 bits and is exact in float64. The sum is rounded to float64 to odd: where it isn't
    exact, to the neighbour whose last bit is 1. That never makes a tie of what is none, and float64 has more than two
    bits more than float32, so that rounding the odd neighbour to float32 is rounding the sum (Boldo and Melquiond,
    2008).

    Parameters
    ----------
    x
        Integers of a magnitude below 2**18.
    factor
        Finite float32.
    addend
        float32; infinity stays what it is.

    Returns
    -------
    numpy.ndarray
        float32, of the shape that the three broadcast to. What is too large is infinite; what is below normal numbers
        is rounded to a subnormal one.
    """
    product = np.asarray(factor, np.float32).astype(np.float64) * np.asarray(x, np.float64)
    other = np.asarray(addend, np.float32).astype(np.float64)
    infinite = np.isinf(other)
    product, finite = np.broadcast_arrays(product, np.where(infinite, 0, other))
    rounded = product + finite
    # what is lost by rounding, exactly (Knuth)
    back = rounded - product
    lost = (product - (rounded - back)) + (finite - back)
    even = rounded.view(np.int64) % 2 == 0
    odd = np.where((lost != 0) & even, np.nextafter(rounded, np.where(lost > 0, np.inf, -np.inf)), rounded)
    with np.errstate(over="ignore", under="ignore"):
        return np.where(infinite, other, odd).astype(np.float32)
