"""Exact integer matrix product."""

import numpy as np

from ...hw.config import check
from .tensors import check_tensor, magnitude

__all__ = ["matmul"]


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply integer matrices exactly: ``y[m, n] = sum over k of a[m, k] * b[k, n]``.

    Where no partial sum can reach 2**53, in whatever order they are added, the product is
    taken in float64: every step of it is exact, and BLAS is a hundred times faster than
    numpy's integer loops.

    Parameters
    ----------
    a, b
        Integer arrays, M x K and K x N. Zero points are the caller's to subtract.

    Returns
    -------
    numpy.ndarray
        M x N, int64.

    Raises
    ------
    TypeError
        If an operand is not an integer array.
    ConfigError
        If a rank is not 2, the inner sizes differ, or a sum might leave int64.
    """
    check_tensor("a", a, 2)
    check_tensor("b", b, 2)
    check("rows of b", len(b) == a.shape[1], f"the {a.shape[1]} columns of a", len(b))
    bound = a.shape[1] * magnitude(a) * magnitude(b)
    check("K * max|a| * max|b|", bound < 1 << 63, "less than 2**63", bound)
    exact = np.float64 if bound < 1 << 53 else np.int64
    return (a.astype(exact) @ b.astype(exact)).astype(np.int64)
