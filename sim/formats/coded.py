"""Sparse matrices whose weights are shared: positions of the non-zeros, and codes into a codebook."""

import dataclasses

import numpy as np

from ...hw.config import check, check_int
from ...hw.errors import wrong_type
from ..golden.tensors import check_elements, check_tensor
from .runs import FormatError

__all__ = ["CodedMatrix", "check_integers", "refuse"]


@dataclasses.dataclass(frozen=True, eq=False)
class CodedMatrix:
    """A matrix by columns.

    Parameters
    ----------
    rows
        Its rows.
    pointers
        ``[columns + 1]``: column j is ``codes[pointers[j]:pointers[j + 1]]``.
    indices
        Row of each entry, increasing in a column.
    codes
        Of each entry's weight.
    codebook
        Weight of each code.
    """

    rows: int
    pointers: np.ndarray
    indices: np.ndarray
    codes: np.ndarray
    codebook: np.ndarray

    @classmethod
    def encode(cls, codes: np.ndarray, codebook: np.ndarray, stored: np.ndarray | None = None) -> "CodedMatrix":
        """Compress a whole matrix of codes.

        Parameters
        ----------
        codes
            Rows x columns.
        codebook
            Weight of each code.
        stored
            Which of them are entries; by default those whose code is not 0.
        """
        codes = check_tensor("codes", codes, "rows x columns")
        kept = codes != 0 if stored is None else stored
        check("stored", kept.shape == codes.shape, f"of shape {codes.shape}", kept.shape)
        column, row = np.nonzero(kept.T)
        matrix = cls(len(codes), _pointers(column, codes.shape[1]), row, codes[row, column], codebook)
        matrix.check()
        return matrix

    @property
    def columns(self) -> int:
        """Its columns."""
        return len(self.pointers) - 1

    @property
    def owners(self) -> np.ndarray:
        """Column of each entry."""
        return np.repeat(np.arange(self.columns), np.diff(self.pointers))

    @property
    def weights(self) -> np.ndarray:
        """Weight of each entry."""
        return self.codebook[self.codes]

    def check(self) -> None:
        """Refuse what is no such matrix.

        Raises
        ------
        TypeError
            If an array is not of integers.
        FormatError
            With the first position of the fault: pointers that fall, indices beyond the last row or not increasing,
            codes that the codebook doesn't have.
        """
        check_int("rows", self.rows, 1)
        for name in ("pointers", "indices", "codes", "codebook"):
            check_integers(name, getattr(self, name))
        pointers, count = self.pointers.astype(np.int64), len(self.codes)
        if len(self.indices) != count:
            raise FormatError(f"indices must be {count}, not {len(self.indices)}")
        if len(pointers) < 2:
            raise FormatError(f"pointers must be at least 2, not {len(pointers)}")
        refuse("pointers", np.append(False, np.diff(pointers) < 0), "non-decreasing", pointers)
        ends = np.zeros(len(pointers), bool)
        ends[0], ends[-1] = pointers[0] != 0, pointers[-1] != count
        refuse("pointers", ends, f"0 at the start and {count} at the end", pointers)
        outside = (self.indices < 0) | (self.indices >= self.rows)
        refuse("indices", outside, f"from 0 to {self.rows - 1}", self.indices)
        falls = np.append(False, np.diff(self.indices.astype(np.int64)) <= 0)[:count]
        falls[pointers[:-1][pointers[:-1] < count]] = False
        refuse("indices", falls, "increasing in a column", self.indices)
        outside = (self.codes < 0) | (self.codes >= len(self.codebook))
        refuse("codes", outside, f"from 0 to {len(self.codebook) - 1}", self.codes)

    def decode(self) -> np.ndarray:
        """All weights, rows x columns."""
        self.check()
        check_elements("matrix", (self.rows, self.columns))
        dense = np.zeros((self.rows, self.columns), np.int64)
        dense[self.indices, self.owners] = self.weights
        return dense

    def row_range(self, first: int, after: int) -> "CodedMatrix":
        """The rows from `first` to before `after`."""
        kept = (self.indices >= first) & (self.indices < after)
        pointers = _pointers(self.owners[kept], self.columns)
        return CodedMatrix(after - first, pointers, self.indices[kept] - first, self.codes[kept], self.codebook)

    def spread(self, places: np.ndarray, columns: int) -> "CodedMatrix":
        """Column j at ``places[j]`` of a matrix of so many `columns`; the others are empty."""
        owners = places[self.owners]
        order = np.argsort(owners, kind="stable")
        pointers = _pointers(owners, columns)
        return CodedMatrix(self.rows, pointers, self.indices[order], self.codes[order], self.codebook)


def _pointers(owners: np.ndarray, columns: int) -> np.ndarray:
    return np.append(0, np.cumsum(np.bincount(owners, minlength=columns)))


def check_integers(name: str, array: object, rank: int = 1) -> None:
    """Refuse what is no vector, or matrix, of integers."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu" or array.ndim != rank:
        raise wrong_type(name, f"a {'vector' if rank == 1 else 'matrix'} of integers", array)


def refuse(field: str, faults: np.ndarray, rule: str, array: np.ndarray) -> None:
    """Refuse an array with faults: a `FormatError` names the first."""
    if faults.any():
        at = int(np.flatnonzero(faults)[0])
        raise FormatError(f"{field}[{at}] must be {rule}, not {int(array[at])}")
