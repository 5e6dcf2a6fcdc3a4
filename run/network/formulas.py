"""What nodes compute beside what machines compute, for every operand that there is."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from ...sim.golden.fused import fused
from ...sim.golden.requantize import requantize
from ...sim.golden.residual_add import residual_add, residual_terms
from ...sim.network.execute import compute
from ...sim.network.graph import Add, Lookup, Multiply, Node, Pool, Value
from .plan import RefusalError

__all__ = ["average_factors", "average_results", "evaluate", "product_terms", "sums_commute", "table_factor"]


def evaluate(node: Node, *arrays: np.ndarray, shape: tuple[int, ...] | None = None, **changes) -> np.ndarray:
    """What a node makes of other operands than a network has, of other shapes.

    Parameters
    ----------
    arrays
        The operands.
    shape
        Of the result; by default that of the first operand.
    changes
        Fields of the node.
    """
    sources = tuple(
        dataclasses.replace(source, name=f"{number}", shape=array.shape)
        for number, (source, array) in enumerate(zip(node.sources, arrays, strict=True))
    )
    result = dataclasses.replace(node.result, name="result", shape=shape or arrays[0].shape)
    changed = dataclasses.replace(node, sources=sources, result=result, **changes)
    return compute(changed, *arrays)


def values_of(value: Value) -> np.ndarray:
    """All 256 of its type, in order."""
    low, high = value.limits
    return np.arange(low, high + 1).astype(value.dtype)


def average_results(node: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a window, less the zero points, and the averages that a node makes of them.

    Raises
    ------
    RefusalError
        If windows at the border are averaged over fewer values, or an average depends on the order in which real values
        are added.
    """
    if any(node.pads) and not node.count_pads:
        raise RefusalError("windows at the border are averages of fewer values")
    low, high = node.source.limits
    count = math.prod(node.kernel)
    if node.kind == "average":
        _check_ties(node, np.arange(count * low, count * high + 1) - count * node.source.zero)
    most, rest = np.divmod(np.arange(count * (high - low) + 1), count)
    windows = (low + most[:, None] + (np.arange(count) < rest[:, None])).astype(node.source.dtype)
    results = evaluate(
        node, windows.reshape(-1, 1, *node.kernel), shape=(len(windows), 1, 1, 1), pads=(0, 0, 0, 0), strides=(1, 1),
        dilations=(1, 1),
    )  # fmt: skip
    return windows.sum(1, dtype=np.int64) - count * node.source.zero, results.ravel()


def _check_ties(node: Pool, sums: np.ndarray) -> None:
    """Refuse averages of real values so near to ties that rounding errors of their sums decide."""
    count, (low, high) = math.prod(node.kernel), node.clip
    factor = float(node.source.meaning[0]) / float(node.result.meaning[0])
    real = sums * factor / count
    margin = (count + 4) * 2.0**-24 * (256 * factor + 256)
    ties = np.abs(np.abs(real - np.floor(real)) - 0.5) < margin
    inside = (low - 1 < real + node.result.zero) & (real + node.result.zero < high + 1)
    if (ties & inside).any():
        raise RefusalError("it adds real values, and rounding decides ties")


def average_factors(node: Pool) -> Iterator[np.float32]:
    """From sums to averages, as float32 that differ in their last bits."""
    (scale, _), (target, _), count = node.source.meaning, node.result.meaning, np.float32(math.prod(node.kernel))
    yield scale / (target * count)
    yield scale / target / count


def product_terms(node: Multiply) -> dict[str, float] | None:
    """Factor and addend of ``round(product * factor + addend)``, if that is what a node makes of every pair."""
    a, b = node.sources
    pairs = [grid.ravel() for grid in np.meshgrid(values_of(a), values_of(b))]
    expected = evaluate(node, *(one.reshape(1, -1) for one in pairs)).ravel()
    products = (pairs[0].astype(np.int64) - a.zero) * (pairs[1].astype(np.int64) - b.zero)
    found = np.rint(fused(products, node.factor, np.float32(node.result.zero))).clip(*node.clip)
    return (
        {"factor_a": float(node.factor), "addend": float(node.result.zero)} if np.array_equal(found, expected) else None
    )


def sums_commute(node: Add) -> bool:
    """Whether a sum is the same with its operands in the other order, in which it rounds otherwise."""
    a, b, (low, high) = *node.sources, node.clip
    back = residual_terms(*b.meaning, *a.meaning, *node.result.meaning)
    x, y = np.meshgrid(values_of(a), values_of(b))
    return np.array_equal(residual_add(x, y, node.terms, low, high), residual_add(y, x, back, low, high))


def table_factor(node: Lookup) -> float | None:
    """Factor of the `requantize` that a table is within its least and greatest value; None if it isn't."""
    source, result = node.source, node.result
    values = values_of(source)
    expected, centred = node.table[values.view(np.uint8)], values.astype(np.int64) - source.zero
    factor = source.meaning[0] / result.meaning[0]
    for one in (factor, *(np.nextafter(factor, np.float32(end)) for end in (0, np.inf))):
        found = requantize(centred, one, result.zero, result.dtype)
        if np.array_equal(found.clip(expected.min(), expected.max()), expected):
            return float(one)
    return None
