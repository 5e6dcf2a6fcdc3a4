"""Golden model of the SNAP core: the sums that its streams stand for."""

from collections.abc import Iterator

import numpy as np

from ...hw.snap.config import SnapConfig
from ..golden.wrap import wrap
from .program import CoreProgram, Stream

__all__ = ["core_sums", "port_sums", "scatter_sums"]


def core_sums(config: SnapConfig, program: CoreProgram) -> list[np.ndarray]:
    """Compute the sums that each port sends, by block: ``[ports, slots]`` wrapped to `psum_bits`.

    It takes beats, masks, psum offsets, groups and blocks for what they mean and knows nothing of time.
    """
    rows, columns = config.core_rows, config.core_columns
    weights = [_Reader(config, stream, rows) for stream in program.weights]
    activations = [_Reader(config, stream, columns) for stream in program.activations]
    sums = []
    for block in range(len(program.slots)):
        psums = np.zeros((rows, columns, config.psum_slots), np.int64)
        while True:
            windows = [reader.group() for reader in weights]
            tiles = [reader.group() for reader in activations]
            for row in range(rows):
                for column in range(columns):
                    _multiply(config, psums[row, column], windows[column], row, tiles[row], column)
            if windows[0].block_last:
                break
        sums.append(_reduce(config, psums, bool(program.row_mode[block]), int(program.slots[block])))
    return sums


def _multiply(config: SnapConfig, psums: np.ndarray, windows: "_Group", row: int, tiles: "_Group", column: int) -> None:
    values, indices, slots, classes, _ = windows.entries(row)
    a_values, a_indices, _, _, item = tiles.entries(column)
    image = np.zeros((len(tiles.slots), config.channel_tile), np.int64)
    image[item, a_indices] = a_values
    products = image[:, indices] * values * (tiles.classes[:, None] >> classes & 1)
    np.add.at(psums, (slots[None] + tiles.slots[:, None]) % config.psum_slots, products)


def _reduce(config: SnapConfig, psums: np.ndarray, row_mode: bool, slots: int) -> np.ndarray:
    sums = np.zeros((config.ports, slots), np.int64)
    for row in range(config.core_rows):
        for column in range(config.core_columns):
            port = row if row_mode else row - column + config.core_columns - 1
            sums[port] += psums[row, column, :slots]
    return wrap(sums, config.psum_bits)


class _Group:
    """Beats of one group of windows or tiles."""

    def __init__(self, stream: Stream, begin: int, end: int) -> None:
        self._stream, self._beats = stream, slice(begin, end)
        last = stream.last[begin:end]
        self._item = np.cumsum(last) - last
        self.slots, self.classes = stream.tile_slots[begin:end][last], stream.tile_classes[begin:end][last]
        self.block_last = bool(stream.block_last[end - 1])

    def entries(self, receiver: int) -> tuple[np.ndarray, ...]:
        """Values, c-idx, psum offsets, classes and number of the item, of the entries that `receiver` stores."""
        stream, beats = self._stream, self._beats
        stored = (stream.masks[beats] >> receiver & 1).astype(bool)
        lanes = (np.arange(stream.values.shape[1]) < stream.counts[beats, None]) & stored[:, None]
        item = np.broadcast_to(self._item[:, None], lanes.shape)
        fields = stream.values, stream.indices, stream.slots, stream.classes
        return *(field[beats][lanes] for field in fields), item[lanes]


class _Reader:
    def __init__(self, config: SnapConfig, stream: Stream, receivers: int) -> None:
        self._stream = stream
        self._ends: Iterator[int] = iter((np.flatnonzero(stream.group_last) + 1).tolist())
        self._at = 0

    def group(self) -> _Group:
        """Take the next group."""
        begin, self._at = self._at, next(self._ends)
        return _Group(self._stream, begin, self._at)


def port_sums(config: SnapConfig, program: CoreProgram, blocks: int | None = None) -> list[list[dict[str, int]]]:
    """What each port sends for the first `blocks` blocks, by default all: ``value`` and ``slot``, in order."""
    sums: list[list[dict[str, int]]] = [[] for _ in range(config.ports)]
    for block, golden in enumerate(core_sums(config, program)[:blocks]):
        for port in range(config.ports):
            if int(program.ports[block]) >> port & 1:
                sums[port] += [{"value": value, "slot": slot} for slot, value in enumerate(golden[port].tolist())]
    return sums


def scatter_sums(program: CoreProgram, sums: list[np.ndarray], outputs: int, psum_bits: int) -> np.ndarray:
    """Add the sums of every block at their targets: the flat output ``[outputs]``, wrapped."""
    flat = np.zeros(outputs, np.int64)
    for targets, values in zip(program.targets, sums, strict=True):
        kept = targets >= 0
        np.add.at(flat, targets[kept], values[kept])
    return wrap(flat, psum_bits)
