"""What the performance counters of any engine have in common."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

__all__ = ["Counters"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counters:
    """Base of an engine's counters, as its hardware shows them and its cycle model predicts them.

    A subclass adds a field for each counter: a number, an array, or a dict of them. Fields that are not compared
    (``compare=False``) are no counters, but what a cycle model knows beside them.

    Parameters
    ----------
    cycles
        Cycles that the whole work took; None in a prediction of all else.
    """

    cycles: int | None

    def differences(self, other: Self) -> list[str]:
        """Names of the counters whose values are not equal, each of a dict by its own name.

        What `other` doesn't say, as it is None, is not compared.
        """
        mine, theirs = dict(_leaves(self)), dict(_leaves(other))
        mine = {name: value for name, value in mine.items() if name not in theirs or theirs[name] is not None}
        theirs = {name: value for name, value in theirs.items() if value is not None}
        return [name for name in mine | theirs if not np.array_equal(mine.get(name, ()), theirs.get(name, ()))]

    def where_cycles_went(self) -> dict[str, float]:
        """Shares of all cycles by what was done in them; they add up to 1."""
        raise NotImplementedError


def _leaves(counters: Counters) -> Iterator[tuple[str, Any]]:
    for field in (field for field in dataclasses.fields(counters) if field.compare):
        value = getattr(counters, field.name)
        yield from value.items() if isinstance(value, Mapping) else [(field.name, value)]
