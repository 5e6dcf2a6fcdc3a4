"""State by its address: parts see the same as in the tuple."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numba.core.errors import TypingError

from tensorloom.sim.compiled import compiled, part
from tensorloom.sim.state import by_address


class Inner(NamedTuple):
    factor: int
    values: np.ndarray


class Whole(NamedTuple):
    places: np.ndarray
    scale: float
    inners: tuple[Inner, ...]
    one: Inner


PLACE = np.dtype([("at", "i8"), ("seen", "?")], align=True)


@part
def visit(m: Any, number: int) -> Any:
    """A place takes up an inner tuple that is chosen at run time."""
    inner = m.inners[number]
    place = m.places[number]
    place.at = len(inner.values) * 1000 + inner.factor + inner.values[-1]
    place.seen = m.scale > 1
    m.one.values[number] += m.one.factor * place.at


@compiled
def visit_all(m: Any) -> float:
    m = by_address(m)
    for number in range(len(m.places)):
        visit(m, number)
    return m.scale


@compiled
def look(m: Any) -> Any:
    return by_address(m).missing


def whole(count: int, scale: float, rng: np.random.Generator) -> Whole:
    inners = tuple(Inner(int(rng.integers(100)), rng.integers(0, 100, number + 1)) for number in range(count))
    return Whole(np.zeros(count, PLACE), scale, inners, Inner(int(rng.integers(9)), rng.integers(0, 9, count)))


@pytest.mark.parametrize("count, scale", [(1, 0.5), (2, 1.5), (5, 7.0)])
def test_parts_see_and_change_what_the_tuple_holds(count: int, scale: float, seed: int) -> None:
    m = whole(count, scale, np.random.default_rng(seed))
    at = [len(inner.values) * 1000 + inner.factor + inner.values[-1] for inner in m.inners]
    sums = m.one.values + m.one.factor * np.array(at)
    assert visit_all(m) == scale
    assert m.places["at"].tolist() == at
    assert m.places["seen"].tolist() == [scale > 1] * count
    assert m.one.values.tolist() == sums.tolist()


def test_a_field_that_is_not_there(seed: int) -> None:
    with pytest.raises(TypingError, match="Unknown attribute 'missing'"):
        look(whole(1, 1.0, np.random.default_rng(seed)))
