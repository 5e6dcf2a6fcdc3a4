"""Compressed columns interleaved over processing elements (EIE paper, section III-B, Fig. 3)."""

import dataclasses

import numpy as np

from ...hw.config import check, check_int
from .coded import CodedMatrix, check_integers, refuse
from .runs import CompressionReport, FormatError

__all__ = ["InterleavedColumns", "InterleavedReport", "interleaved_rows"]


def interleaved_rows(rows: int, pes: int) -> tuple[np.ndarray, np.ndarray]:
    """The paper's distribution, row i to PE i modulo `pes`: PE and place of each row."""
    places, owners = np.divmod(np.arange(rows), pes)
    return owners, places


@dataclasses.dataclass(frozen=True)
class InterleavedReport(CompressionReport):
    """Size of columns that are interleaved over PEs; values are codes and the codebook.

    Parameters
    ----------
    entries
        Stored entries; more than non-zeros if there are fillers.
    entry_bits
        Bits of an entry.
    """

    entries: int
    entry_bits: int

    @property
    def fillers(self) -> int:
        """Entries that only move the row on."""
        return self.entries - self.non_zeros

    @property
    def entry_bits_per_non_zero(self) -> float:
        """Bits of the entries alone, for each non-zero (infinite without any)."""
        return self.entries * self.entry_bits / self.non_zeros if self.non_zeros else float("inf")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class InterleavedColumns:
    """A matrix whose rows are distributed over PEs; each has its own part of every column.

    Entry k of a PE is a pair of a code and an index. An absolute index is the row's place in its PE, in any order
    within a column. A relative one is the number of zeros since the entry before, or since the column's start, among
    the PE's rows by place. Where there are more than fit, a filler stands for as many zeros as fit and one more: it has
    code 0, whose weight is 0, and the largest index. Zeros behind the last non-zero cost nothing.

    Parameters
    ----------
    owners, places
        By row: the PE that has it, and its place there, from 0 on without a gap.
    relative
        Whether indices are relative.
    index_bits
        Width of an index.
    pointers
        ``[pes, columns + 1]``: column j of a PE is from its entry ``pointers[pe, j]`` to before
        ``pointers[pe, j + 1]``.
    codes, indices
        Entries of all PEs, one PE after the other.
    codebook
        Weight of each code.
    """

    owners: np.ndarray
    places: np.ndarray
    relative: bool
    index_bits: int
    pointers: np.ndarray
    codes: np.ndarray
    indices: np.ndarray
    codebook: np.ndarray

    @classmethod
    def encode(
        cls, matrix: CodedMatrix, pes: int, owners: np.ndarray, places: np.ndarray, *, relative: bool, index_bits: int
    ) -> "InterleavedColumns":
        """Compress a matrix.

        Raises
        ------
        TypeError, FormatError
            For what is no matrix, or no distribution of its rows.
        ConfigError
            If the codebook's code 0 is not 0, or an entry has it, where indices are relative; if an absolute index is
            too narrow.
        """
        matrix.check()
        _check_distribution(owners, places, matrix.rows, pes)
        check_int("index_bits", index_bits, 1, 16)
        largest = (1 << index_bits) - 1
        if relative:
            check("codebook[0]", matrix.codebook[0] == 0, "0, as indices are relative", int(matrix.codebook[0]))
            check("codes", bool((matrix.codes != 0).all()), "of non-zero weights, as indices are relative", 0)
        else:
            most = int(places.max(initial=0))
            check("index_bits", most <= largest, f"enough for {most + 1} rows", index_bits)
        columns = matrix.columns
        place = places[matrix.indices]
        column = owners[matrix.indices].astype(np.int64) * columns + matrix.owners
        order = np.argsort(column * (int(places.max(initial=0)) + 1) + place, kind="stable")
        column, place, codes = column[order], place[order], matrix.codes[order]
        if relative:
            first = np.append(True, np.diff(column) != 0)[: len(column)]
            gap = place - np.where(first, -1, np.append(-1, place[:-1])[: len(place)]) - 1
            fillers = gap >> index_bits
            ends = np.cumsum(fillers + 1) - 1
            column = np.repeat(column, fillers + 1)
            indices, filled = np.full(len(column), largest, np.int64), np.zeros(len(column), codes.dtype)
            indices[ends], filled[ends] = gap & largest, codes
            place, codes = indices, filled
        counts = np.bincount(column, minlength=pes * columns).reshape(pes, columns)
        pointers = np.concatenate([np.zeros((pes, 1), np.int64), np.cumsum(counts, 1)], 1)
        return cls(
            owners=owners, places=places, relative=relative, index_bits=index_bits, pointers=pointers, codes=codes,
            indices=place, codebook=matrix.codebook,
        )  # fmt: skip

    @property
    def pes(self) -> int:
        """Processing elements."""
        return len(self.pointers)

    @property
    def columns(self) -> int:
        """Columns of the matrix."""
        return self.pointers.shape[1] - 1

    @property
    def bases(self) -> np.ndarray:
        """``[pes + 1]``: where the entries of each PE begin, and the end."""
        return np.append(0, np.cumsum(self.pointers[:, -1]))

    @property
    def fillers(self) -> np.ndarray:
        """Which entries only move the row on."""
        return (self.codes == 0) & (self.indices == (1 << self.index_bits) - 1) & self.relative

    def part(self, pe: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes and indices of a PE."""
        span = slice(*self.bases[pe : pe + 2].tolist())
        return self.codes[span], self.indices[span]

    def rows(self) -> np.ndarray:
        """Place in its PE that each entry stands for, or moves on to."""
        if not self.relative:
            return self.indices
        ends = np.append(0, np.cumsum(self.indices + 1))
        lengths = np.diff(self.pointers).ravel()
        return ends[1:] - np.repeat(ends[self._starts()], lengths) - 1

    def check(self) -> None:
        """Refuse what `encode` can't have made.

        Raises
        ------
        TypeError
            If an array is not of integers.
        FormatError
            With the PE and the first position of the fault: pointers that fall, codes that the codebook doesn't have,
            rows beyond the PE's last, or twice in a column; where indices are relative, a code 0 that is not 0, stored
            zeros, fillers with nothing behind them.
        """
        check_integers("pointers", self.pointers, 2)
        for name in ("codes", "indices", "codebook"):
            check_integers(name, getattr(self, name))
        _check_distribution(self.owners, self.places, len(self.places), self.pes)
        falls = np.diff(self.pointers, axis=1, prepend=0) < 0
        falls[:, 0] = self.pointers[:, 0] != 0
        if falls.any():
            pe, at = (int(n) for n in np.argwhere(falls)[0])
            rule = "0" if at == 0 else "non-decreasing"
            raise FormatError(f"pointers of PE {pe}: [{at}] must be {rule}, not {int(self.pointers[pe, at])}")
        count = int(self.bases[-1])
        for name in ("codes", "indices"):
            if len(getattr(self, name)) != count:
                raise FormatError(f"{name} must be {count}, not {len(getattr(self, name))}")
        outside = (self.codes < 0) | (self.codes >= len(self.codebook))
        self._refuse("codes", outside, f"from 0 to {len(self.codebook) - 1}", self.codes)
        largest = (1 << self.index_bits) - 1
        self._refuse("indices", (self.indices < 0) | (self.indices > largest), f"from 0 to {largest}", self.indices)
        sizes = np.bincount(self.owners, minlength=self.pes)
        owner = np.repeat(np.arange(self.pes), self.pointers[:, -1])
        rows = self.rows()
        self._refuse("row", rows >= sizes[owner], "one of the PE's", rows)
        if self.relative:
            if self.codebook[0] != 0:
                raise FormatError(f"codebook[0] must be 0, as indices are relative, not {int(self.codebook[0])}")
            self._refuse("codes", (self.codes == 0) & ~self.fillers, f"a filler's, with index {largest}", self.codes)
            last = np.zeros(count + 1, bool)
            last[self._ends()] = True
            self._refuse("codes", self.fillers & last[1:], "no filler's at the end of a column", self.codes)
        else:
            column = np.repeat(np.arange(self.pes * self.columns), np.diff(self.pointers).ravel())
            keys = column * len(self.owners) + rows
            if (np.diff(np.sort(keys)) == 0).any():
                order = np.argsort(keys, kind="stable")
                again = np.zeros(count, bool)
                again[order[1:]] = np.diff(keys[order]) == 0
                self._refuse("row", again, "in a column once", rows)

    def decode(self) -> CodedMatrix:
        """Gather the matrix, after `check`."""
        self.check()
        lookup = np.zeros((self.pes, int(self.places.max(initial=0)) + 1), np.int64)
        lookup[self.owners, self.places] = np.arange(len(self.owners))
        kept = ~self.fillers
        owner = np.repeat(np.arange(self.pes), self.pointers[:, -1])
        column = np.repeat(np.tile(np.arange(self.columns), self.pes), np.diff(self.pointers).ravel())
        row, column, codes = lookup[owner, self.rows()][kept], column[kept], self.codes[kept]
        order = np.argsort(column * len(self.owners) + row)
        pointers = np.append(0, np.cumsum(np.bincount(column, minlength=self.columns)))
        return CodedMatrix(len(self.owners), pointers, row[order], codes[order], self.codebook)

    def report(self, data_bits: int, pointer_bits: int) -> InterleavedReport:
        """Size, against a matrix of `data_bits` a weight."""
        code_bits, entries = (len(self.codebook) - 1).bit_length(), len(self.codes)
        elements = len(self.owners) * self.columns
        return InterleavedReport(
            elements, entries - int(self.fillers.sum()), entries * code_bits + len(self.codebook) * data_bits,
            entries * self.index_bits, self.pointers.size * pointer_bits, elements * data_bits,
            entries=entries, entry_bits=code_bits + self.index_bits,
        )  # fmt: skip

    def _starts(self) -> np.ndarray:
        return (self.pointers[:, :-1] + self.bases[:-1, None]).ravel()

    def _ends(self) -> np.ndarray:
        """Behind each column that has entries."""
        ends = (self.pointers[:, 1:] + self.bases[:-1, None]).ravel()
        return ends[np.diff(self.pointers).ravel() > 0]

    def _refuse(self, field: str, faults: np.ndarray, rule: str, array: np.ndarray) -> None:
        if faults.any():
            at = int(np.flatnonzero(faults)[0])
            pe = int(np.searchsorted(self.bases, at, "right")) - 1
            raise FormatError(f"{field} of PE {pe}: [{at - self.bases[pe]}] must be {rule}, not {int(array[at])}")


def _check_distribution(owners: np.ndarray, places: np.ndarray, rows: int, pes: int) -> None:
    """Refuse what doesn't give each row a PE and a place there."""
    for name, array in (("owners", owners), ("places", places)):
        check_integers(name, array)
        if len(array) != rows:
            raise FormatError(f"{name} must be {rows}, not {len(array)}")
        limit = pes if name == "owners" else rows
        refuse(name, (array < 0) | (array >= limit), f"from 0 to {limit - 1}", array)
