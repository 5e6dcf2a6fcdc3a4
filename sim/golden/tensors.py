"""Checks of tensors that come from a caller."""

from collections.abc import Collection, Sequence

import numpy as np

from ...hw.config import check

__all__ = ["check_tensor", "check_tensors", "magnitude"]


def check_tensor(field: str, tensor: object, layout: str, dtypes: Collection[np.dtype] | None = None) -> np.ndarray:
    """Check that `tensor` is a non-empty numpy array of integers, and return it in this machine's byte order.

    Parameters
    ----------
    field
        What to call the tensor in the error.
    layout
        What its dimensions are, such as ``M x K``.
    dtypes
        Allowed element types; by default every integer type that int64 holds. The byte order doesn't matter.

    Raises
    ------
    TypeError
        If it is not an array, or has another element type.
    ConfigError
        If it has another rank, or no elements.
    """
    return check_tensors((field,), (tensor,), (layout,), dtypes)[0]


def check_tensors(
    fields: Sequence[str],
    tensors: Sequence[object],
    layouts: Sequence[str],
    dtypes: Collection[np.dtype] | None = None,
) -> list[np.ndarray]:
    """Check several tensors as `check_tensor` does, the types of all of them before any shape."""
    arrays = [_native(field, tensor, dtypes) for field, tensor in zip(fields, tensors, strict=True)]
    for field, array, layout in zip(fields, arrays, layouts, strict=True):
        rank = layout.count(" x ") + 1
        check(field, array.ndim == rank, f"of rank {rank} ({layout})", array.shape)
        check(field, array.size > 0, f"non-empty ({layout})", array.shape)
    return arrays


def _native(field: str, tensor: object, dtypes: Collection[np.dtype] | None) -> np.ndarray:
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f"{field} must be a numpy array, not {tensor!r:.80}")
    dtype = tensor.dtype.newbyteorder("=")
    if dtypes is None:
        rule = "of an integer dtype that int64 holds"
        allowed = dtype.kind in "iu" and np.can_cast(dtype, np.int64)
    else:
        rule = f"of dtype {', '.join(map(str, dtypes))}"
        allowed = dtype in dtypes
    if not allowed:
        raise TypeError(f"{field} must be {rule}, not {tensor.dtype}")
    return tensor.astype(dtype, copy=False)


def magnitude(tensor: np.ndarray) -> int:
    """Largest absolute value, exact for the most negative int64 too."""
    return max(int(tensor.max()), -int(tensor.min()))
