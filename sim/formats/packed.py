"""Memory images of interleaved columns: lines of entries, and pointers in two banks."""

import numpy as np

from ...hw.config import check_int

__all__ = ["pack_lines", "pack_pointers", "unpack_lines", "unpack_pointers"]


def pack_lines(codes: np.ndarray, indices: np.ndarray, code_bits: int, index_bits: int, line_entries: int) -> list[int]:
    """Lines of entries as numbers: an entry is the index above the code, the first one of a line is lowest.

    The last line is filled with zeros.
    """
    check_int("line_entries", line_entries, 1)
    entries = indices.astype(object) << code_bits | codes.astype(object)
    entries = np.append(entries, np.zeros(-len(entries) % line_entries, object)).reshape(-1, line_entries)
    return (entries << np.arange(line_entries, dtype=object) * (code_bits + index_bits)).sum(1).tolist()


def unpack_lines(lines: list[int], code_bits: int, index_bits: int, line_entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and indices of all entries of the lines."""
    bits = code_bits + index_bits
    entries = np.array([line >> bits * at & (1 << bits) - 1 for line in lines for at in range(line_entries)], np.int64)
    return entries & (1 << code_bits) - 1, entries >> code_bits


def pack_pointers(pointers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words of the two banks, so that a pointer and the next one are read together: those of even and of odd number."""
    return pointers[::2], pointers[1::2]


def unpack_pointers(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Pointers of two banks, of which the first has a word more if their number is odd."""
    pointers = np.empty(len(even) + len(odd), np.int64)
    pointers[::2], pointers[1::2] = even, odd
    return pointers
