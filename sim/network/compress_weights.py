"""What Deep Compression does to the weights of a layer: pruning, shared values, and how large they then are."""

import dataclasses
from typing import Any

import numpy as np

__all__ = ["INDEX_BITS", "WeightSize", "fillers", "prune", "share"]

INDEX_BITS = 4
"""Of a relative index: up to 15 zeros before a stored weight. Where there are more, a zero is stored as filler."""

SCALE_BITS = 32
"""Of a scale, a float32."""


def prune(weights: np.ndarray, density: float) -> np.ndarray:
    """Keep the weights of the largest magnitudes, and make all others zero (Deep Compression, section 2).

    Parameters
    ----------
    weights
        Of any shape.
    density
        Share of the weights to keep, rounded to a whole number of them, one at least.

    Returns
    -------
    numpy.ndarray
        A copy. Of equal magnitudes the later ones go first.
    """
    pruned = weights.copy()
    kept = max(1, round(density * weights.size))
    order = np.argsort(-np.abs(weights), axis=None, kind="stable")
    pruned.flat[order[kept:]] = 0
    return pruned


def share(weights: np.ndarray, codes: int) -> np.ndarray:
    """Give each non-zero weight the nearest of a few values (Deep Compression, section 3).

    The values are found by k-means, which starts from values at equal distances between the smallest and the largest
    weight: what is rare and large keeps a value of its own that way. Zero stays zero and has a code of its own.

    Parameters
    ----------
    weights
        Of any shape.
    codes
        Values that may be there afterwards, with zero; two at least.

    Returns
    -------
    numpy.ndarray
        A copy, as it is where it has no more values than that.
    """
    from sklearn.cluster import KMeans

    shared = weights.copy()
    chosen = shared != 0
    values, counts = np.unique(shared[chosen], return_counts=True)
    if len(values) >= codes:
        start = np.linspace(values[0], values[-1], codes - 1, dtype=np.float64)[:, None]
        options: dict[str, Any] = {"init": start, "n_init": 1}
        found = KMeans(codes - 1, **options).fit(values[:, None].astype(np.float64), sample_weight=counts)
        nearest = found.cluster_centers_[found.labels_, 0].astype(weights.dtype)
        shared[chosen] = nearest[np.searchsorted(values, shared[chosen])]
    return shared


def fillers(weights: np.ndarray) -> int:
    """Zeros that have to be stored, since more zeros lie before a weight than a relative index can say.

    Weights are in the order of memory; zeros behind the last one need none.
    """
    reach = 1 << INDEX_BITS
    at = np.flatnonzero(weights)
    return int(((np.diff(at, prepend=-1) - 1) // reach).sum())


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightSize:
    """Size of a layer's weights in memory.

    Parameters
    ----------
    weights, non_zeros, fillers
        How many there are: in all, not zero, and stored though they are zero.
    value_bits
        Of a weight, or of its code.
    side_bits
        Of the scales, and of the values that codes stand for.
    """

    weights: int
    non_zeros: int
    fillers: int
    value_bits: int
    side_bits: int

    @classmethod
    def of(cls, weights: np.ndarray, scales: int, codes: int | None) -> "WeightSize":
        """Size of int8 weights with so many scales, and codes in place of them if any."""
        return cls(
            weights=weights.size,
            non_zeros=int(np.count_nonzero(weights)),
            fillers=fillers(weights),
            value_bits=8 if codes is None else (codes - 1).bit_length(),
            side_bits=scales * SCALE_BITS + (0 if codes is None else 8 * codes),
        )

    @property
    def density(self) -> float:
        """Share of weights that are not zero."""
        return self.non_zeros / self.weights

    @property
    def indexed_bits(self) -> int:
        """With zeros left out: a value and a relative index for each non-zero and filler."""
        return (self.non_zeros + self.fillers) * (self.value_bits + INDEX_BITS) + self.side_bits

    @property
    def dense_bits(self) -> int:
        """With zeros stored."""
        return self.weights * self.value_bits + self.side_bits

    @property
    def indexed(self) -> bool:
        """Whether it is smaller with zeros left out."""
        return self.indexed_bits < self.dense_bits

    @property
    def bits(self) -> int:
        """In all, in the smaller of the two forms."""
        return min(self.indexed_bits, self.dense_bits)
