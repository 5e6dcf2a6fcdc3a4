"""Checks of tensors that come from a caller."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from ...hw.config import check
from ...hw.errors import ConfigError, WrongTypeError, wrong_type

__all__ = ["LARGEST", "check_elements", "check_tensor", "check_tensors", "magnitude"]

LARGEST = 1 << 28
"""Elements of a tensor, a padded input or a result; more would take hours to simulate."""


def check_elements(field: str, shape: Sequence[int]) -> None:
    """Refuse a tensor that no machine simulates, before any memory is taken for it."""
    count = math.prod(shape)
    if count > LARGEST:
        raise ConfigError(f"{field} must have at most {LARGEST:,} elements, not {count:,}", field=field, value=count)


def check_tensor(field: str, tensor: object, layout: str, dtypes: Collection[np.dtype] | None = None) -> np.ndarray:
    """Check that `tensor` is a non-empty numpy array of integers, and return it in this machine's byte order.

    Parameters
    ----------
    field
        What to call the tensor in the error.
    layout
        What its dimensions are, such as ``M x K``.
    dtypes
        Allowed element types; by default every integer type, for values that int64 holds. The byte order doesn't
        matter.

    Raises
    ------
    WrongTypeError
        If it is not an array, or has another element type.
    ConfigError
        If it has another rank, no elements, or some that int64 doesn't hold.
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
        raise wrong_type(field, "a numpy array", tensor)
    dtype = tensor.dtype.newbyteorder("=")
    rule = "of an integer dtype" if dtypes is None else f"of dtype {', '.join(map(str, dtypes))}"
    if not (dtype.kind in "iu" if dtypes is None else dtype in dtypes):
        raise WrongTypeError(f"{field} must be {rule}, not {tensor.dtype}", field=field, value=tensor.dtype)
    if dtypes is None and dtype == np.uint64:
        largest = int(tensor.max(initial=0))
        check(field, largest < 1 << 63, "of values less than 2**63", largest)
        dtype = np.dtype(np.int64)
    return tensor.astype(dtype, copy=False)


def magnitude(tensor: np.ndarray) -> int:
    """Largest absolute value, exact for the most negative int64 too."""
    return max(int(tensor.max()), -int(tensor.min()))
