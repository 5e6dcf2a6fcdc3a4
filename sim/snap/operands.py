"""Checks of a layer's operands: that a SNAP core can take the values, and hold their sums."""

from collections.abc import Callable, Sequence

import numpy as np

from ...hw.config import check
from ...hw.snap.config import SnapConfig
from ..golden.tensors import check_tensors, magnitude

__all__ = ["check_operands", "check_sums"]


def check_operands(
    config: SnapConfig, names: Sequence[str], tensors: Sequence[np.ndarray], layouts: Sequence[str]
) -> list[np.ndarray]:
    """Return tensors in this machine's byte order if they are of integers of `data_bits`, in these layouts.

    Raises
    ------
    TypeError
        If one is no array, or not of an integer type.
    ConfigError
        If one has another rank, is empty, or holds values that don't fit.
    """
    arrays = check_tensors(names, tensors, layouts)
    half = 1 << config.data_bits - 1
    for name, array in zip(names, arrays, strict=True):
        for extreme in (int(array.min()), int(array.max())):
            rule = f"of values from {-half} to {half - 1} (data_bits = {config.data_bits})"
            check(name, -half <= extreme < half, rule, extreme)
    return arrays


def check_sums(
    config: SnapConfig, x: np.ndarray, w: np.ndarray, depth: int, product: Callable[..., np.ndarray]
) -> None:
    """Refuse operands with a sum that might leave `psum_bits` on its way or in the end.

    A result passes through partial sums: those of a PE's psum, or a part of it, and those of the PEs and blocks that
    are added up. The core says so (``o_errors.overflow``) when one of them wraps around, even if the result would be
    right. Each is a sum of some of the result's products, so it lies between the sum of all negative ones and that of
    all positive ones, whatever the order. Both have to fit.

    Parameters
    ----------
    config
        The core.
    x, w
        Operands of `data_bits`.
    depth
        Products of a result at most.
    product
        The exact results of `x` and `w`.

    Raises
    ------
    ConfigError
        If they don't.
    """
    limit = 1 << config.psum_bits - 1
    if depth * magnitude(x) * magnitude(w) < limit:
        return
    sums, sizes = product(x, w), product(*(np.abs(operand.astype(np.int64)) for operand in (x, w)))
    # All positive products and all negative ones: they add up to the sum, and differ by the sum of magnitudes.
    extremes = np.stack([(sums + sizes) // 2, (sums - sizes) // 2])
    largest = np.maximum(extremes, ~extremes)
    at = np.unravel_index(int(largest.argmax()), largest.shape)
    needed, place = int(largest[at]).bit_length() + 1, [int(index) for index in at[1:]]
    rule = f"at least {needed} for these operands (products of one sign at {place} add up to {extremes[at]})"
    check("psum_bits", needed <= config.psum_bits, rule, config.psum_bits)
