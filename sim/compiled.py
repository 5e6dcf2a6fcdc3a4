"""Compiled cycle models: Python functions on numpy arrays that numba turns into machine code at their first call.

numba brings its own code generator, so no C++ compiler is needed. What it made is kept beside the source, or else in
the user's cache, and made again when that file changes: a compiled function and all its parts belong into one file.
"""

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled", "part"]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that Python calls; its machine code is kept for the next run where a folder can be written."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no such folder
        return numba.njit(nogil=True, error_model="numpy")(function)


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A piece of a compiled function, put in where it is called."""
    return numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
