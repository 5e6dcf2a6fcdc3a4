"""Tensors as users hand them in."""

from typing import Any

import numpy as np

from ..hw.errors import ConfigError, WrongTypeError

__all__ = ["to_tensor"]

KINDS = (np.int8, np.uint8, np.int16, np.uint16)
"""Types that a list of integers can become, the narrowest first."""


def to_tensor(field: str, values: Any) -> np.ndarray:
    """The array that an array, or nested lists of integers, stand for.

    What an engine demands of it (integers, rank, sizes) is checked where it is mapped.

    Raises
    ------
    WrongTypeError
        If nothing can be made of it.
    ConfigError
        For lists of unequal lengths, and masked elements.
    """
    if np.ma.is_masked(values):
        raise ConfigError(f"{field} must have no masked elements: give them a value first, with filled()", field=field)
    try:
        array = np.asarray(values)
    except ValueError:
        raise ConfigError(
            f"{field} must be an array, or lists of equal lengths in each dimension", field=field
        ) from None
    except Exception as error:  # what its own conversion raises
        raise WrongTypeError(f"{field} must be an array or lists of integers: {error}", field=field) from error
    if not isinstance(values, list | tuple):
        return array
    if not array.size:
        return array.astype(np.int8)
    if array.dtype == np.int64:  # numbers of Python have no type of their own
        low, high = int(array.min()), int(array.max())
        for kind in KINDS:
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return array.astype(kind)
    return array
