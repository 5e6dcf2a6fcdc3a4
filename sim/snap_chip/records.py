"""Records of variable length in memory: a head of fixed size and some bytes, padded to words, in runs of whole beats.

Tensors are runs (segments) of records (stored tiles), images of weights are runs (rounds) of records (groups).
"""

import dataclasses

import numpy as np

from ...hw.snap_chip.config import WORD_BYTES, SnapChipConfig
from ..formats.runs import FormatError

__all__ = ["Records", "pack", "refuse_difference", "unpack"]


@dataclasses.dataclass(frozen=True)
class Records:
    """Records one after the other.

    Parameters
    ----------
    heads
        ``[records, bytes]``.
    counts
        ``[records]``: further bytes of each.
    values
        These bytes, of all records.
    """

    heads: np.ndarray
    counts: np.ndarray
    values: np.ndarray

    @property
    def words(self) -> np.ndarray:
        """Words that each takes."""
        return -(-(self.heads.shape[1] + self.counts) // WORD_BYTES)


def _positions(starts: np.ndarray, head: int, counts: np.ndarray) -> np.ndarray:
    """Where the values lie, given the byte at which each record begins."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts + head - before, counts)


def pack(config: SnapChipConfig, records: Records, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay records out; ``runs`` says how many each run has.

    Returns
    -------
    tuple
        Bytes of all runs, and the beats of each.
    """
    words = records.words
    ends = np.cumsum(np.concatenate([[0], words]))
    edges = np.cumsum(np.concatenate([[0], runs]))
    lengths = np.diff(ends[edges])
    beats = -(-lengths // config.beat_words)
    moved = (np.cumsum(beats) - beats) * config.beat_words - ends[edges[:-1]]
    starts = (ends[:-1] + np.repeat(moved, runs)) * WORD_BYTES
    data = np.zeros(int(beats.sum()) * config.bus.bytes, np.uint8)
    head = records.heads.shape[1]
    data[starts[:, None] + np.arange(head)] = records.heads
    data[_positions(starts, head, records.counts)] = records.values
    return data, beats


def unpack(data: np.ndarray, starts: np.ndarray, counts: np.ndarray, head: int) -> Records:
    """Records that begin at the bytes ``starts`` and have ``counts`` bytes after their heads."""
    return Records(data[starts[:, None] + np.arange(head)], counts, data[_positions(starts, head, counts)])


def refuse_difference(name: str, expected: np.ndarray, found: np.ndarray) -> None:
    """Refuse bytes that are not what `pack` makes of their own content.

    Raises
    ------
    FormatError
        With the first byte that differs: a padding that isn't 0, a stored value that needn't be stored.
    """
    if len(expected) != len(found):
        raise FormatError(f"{name} must be of {len(expected)} bytes, not {len(found)}")
    wrong = np.flatnonzero(expected != found)
    if len(wrong):
        at = int(wrong[0])
        raise FormatError(f"{name}: byte {at} must be {int(expected[at])}, not {int(found[at])}")
