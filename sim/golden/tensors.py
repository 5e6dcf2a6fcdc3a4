"""Checks of tensors that come from a caller."""

from collections.abc import Collection

import numpy as np

from ...hw.config import check

__all__ = ["check_tensor", "magnitude"]


def check_tensor(field: str, tensor: object, rank: int, dtypes: Collection[np.dtype] | None = None) -> None:
    """Check that `tensor` is a non-empty numpy array of integers.

    Parameters
    ----------
    field
        What to call the tensor in the error.
    rank
        Number of dimensions it must have.
    dtypes
        Allowed element types; by default every integer type that int64 holds.

    Raises
    ------
    TypeError
        If it is not an array, or has another element type.
    ConfigError
        If it has another rank, or no elements.
    """
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f"{field} must be a numpy array, not {tensor!r:.80}")
    if dtypes is None:
        rule = "of an integer dtype that int64 holds"
        allowed = tensor.dtype.kind in "iu" and np.can_cast(tensor.dtype, np.int64)
    else:
        rule = f"of dtype {', '.join(map(str, dtypes))}"
        allowed = tensor.dtype in dtypes
    if not allowed:
        raise TypeError(f"{field} must be {rule}, not {tensor.dtype}")
    check(field, tensor.ndim == rank, f"of rank {rank}", tensor.shape)
    check(field, tensor.size > 0, "non-empty", tensor.shape)


def magnitude(tensor: np.ndarray) -> int:
    """Largest absolute value, exact for the most negative int64 too."""
    return max(int(tensor.max()), -int(tensor.min()))
