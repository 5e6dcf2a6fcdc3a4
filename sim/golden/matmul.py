"""Exact integer matrix product."""

import numpy as np

from ...hw.config import check
from .tensors import check_tensors, magnitude

__all__ = ["matmul"]


def matmul(a: np.ndarray, b: np.ndarray, *, names: tuple[str, str] = ("a", "b")) -> np.ndarray:
    """Multiply integer matrices exactly: ``y[m, n] = sum over k of a[m, k] * b[k, n]``.

    Where no partial sum can reach 2**53, in whatever order they are added, the product is
    taken in float64: every step of it is exact, and BLAS is a hundred times faster than
    numpy's integer loops.

    Parameters
    ----------
    a, b
        Integer arrays, M x K and K x N. Zero points are the caller's to subtract.
    names
        What to call the two in errors.

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
    a, b = check_tensors(names, (a, b), ("M x K", "K x N"))
    check(f"rows of {names[1]}", len(b) == a.shape[1], f"the {a.shape[1]} columns of {names[0]}", len(b))
    bound = a.shape[1] * magnitude(a) * magnitude(b)
    check(f"K * max|{names[0]}| * max|{names[1]}|", bound < 1 << 63, "less than 2**63", bound)
    exact = np.float64 if bound < 1 << 53 else np.int64
    return (a.astype(exact) @ b.astype(exact)).astype(np.int64)
