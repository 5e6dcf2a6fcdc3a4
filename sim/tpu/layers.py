"""Weights of layers, and what becomes of their sums."""

import dataclasses
from typing import Literal

import numpy as np

from ...hw.config import check, check_bool, check_int
from ..golden.requantize import requantize
from ..golden.tensors import check_tensor
from ..golden.wrap import wrap

__all__ = ["BYTES", "Layer", "RawLayer"]

BYTES = np.dtype(np.int8), np.dtype(np.uint8)
"""Types of activations and weights."""

RAW_TYPES = {1: np.dtype(np.uint8), 2: np.dtype(np.int16), 4: np.dtype(np.int32)}
"""What the lowest bytes of a sum are read as, by how many there are."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """A fully connected layer whose sums are scaled down to 8 bits.

    Output: ``clip(round((x - input's zero point) @ weights + bias) * factors) + zero, lo, hi)``; a ReLU is a `lo` of
    `zero`.

    Parameters
    ----------
    weights
        K x N, int8 or uint8, zero point 0.
    bias
        int32, N.
    factors
        float32, N; positive and not denormal.
    kind
        Type of the outputs: ``int8`` or ``uint8``.
    zero
        Their zero point.
    lo, hi
        Smallest and largest output; by default those of the type.
    """

    weights: np.ndarray
    bias: np.ndarray
    factors: np.ndarray
    kind: Literal["int8", "uint8"] = "uint8"
    zero: int = 0
    lo: int | None = None
    hi: int | None = None

    def __post_init__(self) -> None:
        check("kind", self.kind in ("int8", "uint8"), "int8 or uint8", self.kind)
        columns = check_tensor("weights", self.weights, "K x N", BYTES).shape[1]
        for field, dtype in (("bias", np.int32), ("factors", np.float32)):
            values = check_tensor(field, getattr(self, field), "N", {np.dtype(dtype)})
            check(field, len(values) == columns, f"of {columns} values, one a column of weights", len(values))
        normal = np.isfinite(self.factors) & (self.factors >= np.finfo(np.float32).tiny)
        check("factors", bool(normal.all()), "positive, finite and not denormal", self.factors)
        low, high = self.limits
        check_int("zero", self.zero, low, high)
        check_int("hi", self.highest, check_int("lo", self.lowest, low, high), high)

    @property
    def dtype(self) -> np.dtype:
        """Of the outputs."""
        return np.dtype(self.kind)

    @property
    def planes(self) -> int:
        """Bytes of an output."""
        return 1

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of the outputs' type."""
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    @property
    def lowest(self) -> int:
        """Smallest output."""
        return self.limits[0] if self.lo is None else self.lo

    @property
    def highest(self) -> int:
        """Largest output."""
        return self.limits[1] if self.hi is None else self.hi

    def outputs(self, sums: np.ndarray) -> np.ndarray:
        """What becomes of the sums."""
        outputs = requantize(wrap(sums + self.bias, 32), self.factors, self.zero, self.dtype)
        return outputs.clip(self.lowest, self.highest)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class RawLayer:
    """A product whose outputs are the lowest bytes of its sums: uint8, int16 or int32 for 1, 2 or 4.

    Parameters
    ----------
    weights
        K x N, int8 or uint8.
    planes
        Bytes of an output: 1, 2 or 4.
    relu
        0 in place of negative sums.
    """

    weights: np.ndarray
    planes: int = 4
    relu: bool = False

    def __post_init__(self) -> None:
        check_tensor("weights", self.weights, "K x N", BYTES)
        check("planes", self.planes in RAW_TYPES, "1, 2 or 4", self.planes)
        check_bool("relu", self.relu)

    @property
    def dtype(self) -> np.dtype:
        """Of the outputs."""
        return RAW_TYPES[self.planes]

    @property
    def zero(self) -> int:
        """Zero point of the outputs."""
        return 0

    def outputs(self, sums: np.ndarray) -> np.ndarray:
        """What becomes of the sums."""
        kept = wrap(sums, 32)
        return wrap(kept.clip(0) if self.relu else kept, 8 * self.planes).astype(self.dtype)
