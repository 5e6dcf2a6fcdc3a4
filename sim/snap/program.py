"""What a SNAP core is fed: the beats of its streams and its commands."""

import dataclasses

import numpy as np

from ...hw.snap.config import SnapConfig

__all__ = ["CoreProgram", "Item", "Part", "Stream", "StreamBuilder", "cut"]


@dataclasses.dataclass(frozen=True)
class Stream:
    """The beats of one weight or activation stream, as arrays by beat.

    Parameters
    ----------
    values, indices, slots, classes
        ``[beats, beat_entries]``: values, their c-idx and, for weights, psum offset and class; 0 past `counts`.
    counts
        Valid entries of each beat, from the first lane on.
    masks
        Bit i: row i (weights) or column i (activations) stores the beat.
    tile_slots, tile_classes
        Psum offset of the activation tile, and mask of the classes of weights that it meets (0 in a weight stream).
    last, group_last, block_last
        The beat ends a window or tile; the last of its group; the last window of its psum block.
    """

    values: np.ndarray
    indices: np.ndarray
    slots: np.ndarray
    classes: np.ndarray
    counts: np.ndarray
    masks: np.ndarray
    tile_slots: np.ndarray
    tile_classes: np.ndarray
    last: np.ndarray
    group_last: np.ndarray
    block_last: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)


Part = tuple[int, *tuple[np.ndarray, ...]]
"""Receivers' mask, values, c-idx and (weights only) psum offsets and classes of some entries of a window or tile."""


@dataclasses.dataclass(frozen=True)
class Item:
    """A window or tile cut into beats; fields as in `Stream`."""

    values: np.ndarray
    indices: np.ndarray
    slots: np.ndarray
    classes: np.ndarray
    counts: np.ndarray
    masks: np.ndarray


def cut(config: SnapConfig, parts: list[Part]) -> Item:
    """Cut a window or tile into beats; one without any entry is a single empty beat."""
    width, pieces = config.beat_entries, []
    for mask, *fields in parts:
        entries = len(fields[0])
        beats = -(-entries // width)
        if not beats:
            continue
        rows = np.zeros((4, beats * width), np.int64)
        for row, field in zip(rows, fields, strict=False):
            row[:entries] = field
        rows[2] %= config.psum_slots
        counts = np.full(beats, width)
        counts[-1] = entries - (beats - 1) * width
        pieces.append((*rows.reshape(4, beats, width), counts, np.full(beats, mask)))
    if not pieces:
        pieces.append((*np.zeros((4, 1, width), np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64)))
    return Item(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


class StreamBuilder:
    """Collects windows or tiles of one stream."""

    def __init__(self, config: SnapConfig) -> None:
        self._none = Item(*np.zeros((4, 0, config.beat_entries), np.int64), *np.zeros((2, 0), np.int64))
        self._items: list[Item] = []
        self._tags: list[tuple[int, int, bool, bool]] = []

    def add(
        self, item: Item, *, slot: int = 0, classes: int = 0, group_last: bool = False, block_last: bool = False
    ) -> None:
        """Add a window, or a tile whose psum offset is `slot` and that meets the weights of mask `classes`."""
        self._items.append(item)
        self._tags.append((slot, classes, group_last, block_last))

    def build(self) -> Stream:
        """Return the stream so far."""
        lengths = np.array([len(item.counts) for item in self._items], np.int64)
        ends = np.cumsum(lengths) - 1
        tags = np.array(self._tags, np.int64).reshape(-1, 4)
        last, group_last, block_last = (np.zeros(lengths.sum(), bool) for _ in range(3))
        last[ends], group_last[ends], block_last[ends] = True, tags[:, 2] > 0, tags[:, 3] > 0
        columns = {
            name: np.concatenate([getattr(item, name) for item in (self._none, *self._items)])
            for name in ("values", "indices", "slots", "classes", "counts", "masks")
        }
        return Stream(
            **columns, tile_slots=np.repeat(tags[:, 0], lengths), tile_classes=np.repeat(tags[:, 1], lengths),
            last=last, group_last=group_last, block_last=block_last,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class CoreProgram:
    """Streams and commands of one core, and where its sums go.

    Parameters
    ----------
    weights
        One stream a column.
    activations
        One stream a row.
    row_mode
        By block: rows (True) or diagonals (False) are summed.
    slots
        By block: psums that each port sends.
    ports
        By block: mask of the ports that send.
    targets
        By block ``[ports, slots]``: flat output index of each sum, -1 where it is to be dropped.
    """

    weights: list[Stream]
    activations: list[Stream]
    row_mode: np.ndarray
    slots: np.ndarray
    ports: np.ndarray
    targets: list[np.ndarray]
