"""Marks of parametrized tests."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

__all__ = ["slow"]


def slow(values: Iterable[Any], chosen: Callable[[Any], bool]) -> list[Any]:
    """Parameters of a test; those that are chosen run with ``-m slow`` only."""
    return [pytest.param(value, marks=pytest.mark.slow) if chosen(value) else value for value in values]
