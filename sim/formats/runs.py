"""Compressed runs: the non-zeros of many short vectors with their indices, and where each vector begins."""

import dataclasses

import numpy as np

from ...hw.errors import UsageError, wrong_type

__all__ = ["CompressionReport", "FormatError", "Runs"]


class FormatError(UsageError, ValueError):
    """A malformed compressed tensor: what is wrong and where."""


@dataclasses.dataclass(frozen=True)
class CompressionReport:
    """Size of a compressed tensor.

    Parameters
    ----------
    elements, non_zeros
        Entries of the tensor, and those that are stored.
    value_bits, index_bits, pointer_bits
        Bits of all values, c-idx and pointers.
    dense_bits
        Bits of the tensor as it is.
    """

    elements: int
    non_zeros: int
    value_bits: int
    index_bits: int
    pointer_bits: int
    dense_bits: int

    @property
    def bits(self) -> int:
        """Bits in all."""
        return self.value_bits + self.index_bits + self.pointer_bits

    @property
    def bits_per_non_zero(self) -> float:
        """Bits for each non-zero (infinite without any)."""
        return self.bits / self.non_zeros if self.non_zeros else float("inf")

    @property
    def ratio(self) -> float:
        """Size against dense; below 1 is smaller."""
        return self.bits / self.dense_bits


@dataclasses.dataclass(frozen=True)
class Runs:
    """Vectors in compressed form.

    Parameters
    ----------
    values
        Non-zero values of all vectors, one after the other.
    indices
        Index of each value in its vector, increasing within a vector.
    pointers
        ``[vectors + 1]``: vector v is ``values[pointers[v]:pointers[v + 1]]``.
    lengths
        ``[vectors]``: length of each vector.
    """

    values: np.ndarray
    indices: np.ndarray
    pointers: np.ndarray
    lengths: np.ndarray

    @classmethod
    def encode(cls, vectors: list[np.ndarray]) -> "Runs":
        """Compress groups of vectors, each group an array ``[vectors, length]``."""
        found = [np.nonzero(group) for group in vectors]
        counts = [np.bincount(row, minlength=len(group)) for (row, _), group in zip(found, vectors, strict=True)]
        return cls(
            np.concatenate([group[at] for group, at in zip(vectors, found, strict=True)]).astype(np.int64),
            np.concatenate([at[1] for at in found]),
            np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
            np.concatenate([np.full(len(group), group.shape[1]) for group in vectors]),
        )

    def owners(self) -> np.ndarray:
        """Vector of each value."""
        return np.repeat(np.arange(len(self.lengths)), np.diff(self.pointers))

    def check(self) -> None:
        """Refuse what `encode` can't have made.

        Raises
        ------
        TypeError
            If an array is not of integers.
        FormatError
            With the first position of the fault: pointers out of range or decreasing, indices out of range, unsorted
            or repeated, stored zeros.
        """
        for name in ("values", "indices", "pointers"):
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu" or array.ndim != 1:
                raise wrong_type(name, "a vector of integers", array)
        _require(len(self.indices) == len(self.values), f"indices must be {len(self.values)}, not {len(self.indices)}")
        vectors = len(self.lengths)
        _require(len(self.pointers) == vectors + 1, f"pointers must be {vectors + 1}, not {len(self.pointers)}")
        outside = (self.pointers < 0) | (self.pointers > len(self.values))
        _refuse("pointers", outside, f"from 0 to {len(self.values)}", self.pointers)
        _refuse("pointers", np.append(False, np.diff(self.pointers) < 0), "non-decreasing", self.pointers)
        edges = np.zeros(len(self.pointers), bool)
        edges[0], edges[-1] = self.pointers[0] != 0, self.pointers[-1] != len(self.values)
        _refuse("pointers", edges, f"0 at the start and {len(self.values)} at the end", self.pointers)
        owner = self.owners()
        outside = (self.indices < 0) | (self.indices >= self.lengths[owner])
        _refuse("indices", outside, "within the channel tile", self.indices)
        same = np.append(False, np.diff(owner) == 0)
        _refuse("indices", same & np.append(False, np.diff(self.indices) <= 0), "increasing in a vector", self.indices)
        _refuse("values", self.values == 0, "non-zero", self.values)

    def decode(self) -> list[np.ndarray]:
        """Expand, vector by vector, after `check`."""
        self.check()
        dense = np.zeros((len(self.lengths), int(self.lengths.max(initial=0))), np.int64)
        dense[self.owners(), self.indices] = self.values
        return [row[:length] for row, length in zip(dense, self.lengths.tolist(), strict=True)]

    def report(self, data_bits: int, pointers: int, pointer_bits: int) -> CompressionReport:
        """Size with values of `data_bits` and c-idx as wide as the longest vector needs."""
        count, elements = len(self.values), int(self.lengths.sum())
        index_bits = int(self.lengths.max() - 1).bit_length()
        return CompressionReport(
            elements, count, count * data_bits, count * index_bits, pointers * pointer_bits, elements * data_bits
        )


def tiled(tensor: np.ndarray, tile: int) -> list[np.ndarray]:
    """Cut ``[vectors, channels]`` into channel tiles."""
    return [tensor[:, at : at + tile] for at in range(0, tensor.shape[1], tile)]


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise FormatError(text)


def _refuse(field: str, faults: np.ndarray, rule: str, array: np.ndarray) -> None:
    if faults.any():
        at = int(np.flatnonzero(faults)[0])
        raise FormatError(f"{field}[{at}] must be {rule}, not {int(array[at])}")
