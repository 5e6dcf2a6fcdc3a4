"""Writes the blocks of a convolution's plan with a group's data."""

import numpy as np

from .mapper import Mapper
from .plan import DiagonalBlocks, RowBlocks, Tap
from .program import Item, Part, cut
from .tiles import channel_tiles, keeps_tiles

__all__ = ["ConvolutionLayer"]


class ConvolutionLayer:
    """One group of a convolution, or several packed ones.

    Parameters
    ----------
    mapper
        Where the blocks go.
    image, bank
        Activations and weights, arranged as the way has them.
    targets
        ``[X, Y, K]``: flat output indices, transposed if the way is.
    """

    def __init__(self, mapper: Mapper, image: np.ndarray, bank: np.ndarray, targets: np.ndarray) -> None:
        self.mapper, self.config = mapper, mapper.config
        self.image, self.bank, self.targets = image, bank, targets
        self.cache: dict[tuple, Item] = {}
        self.row_windows: dict[tuple, list[list[Item]]] = {}
        self.blank = cut(self.config, [])
        channels = image.shape[2]
        self.whole, self.divided = (channel_tiles(self.config, channels, n) for n in (1, self.config.core_columns))

    def write(self, blocks: DiagonalBlocks | RowBlocks) -> None:
        """Write all blocks of one place."""
        for number, kernels in enumerate(blocks.kernels):
            if isinstance(blocks, DiagonalBlocks):
                self._diagonal_block(blocks, kernels)
            else:
                self._row_block(blocks, kernels, number)

    def _tile(self, h: int, w: int, parts: tuple[tuple[int, slice], ...]) -> Item:
        """Bundle of pixel (h, w): ``(mask, channel tile)`` for each part."""
        key = h, w, *((mask, channels.start, channels.stop) for mask, channels in parts)
        if key not in self.cache:
            pieces: list[tuple[int, *tuple[np.ndarray, ...]]] = []
            for mask, channels in parts:
                values = self.image[h, w, channels]
                at = np.flatnonzero(values)
                pieces.append((mask, values[at], at))
            self.cache[key] = cut(self.config, pieces)
        return self.cache[key]

    def _entries(self, taps: list[tuple[int, int, int, int]], channels: slice, kernels: np.ndarray, span: int) -> Part:
        """Entries of a W bundle ordered by k, r, c; a tap is ``(r, s, psum offset, class)``."""
        values, indices, slots, classes = [], [], [], []
        for number, kernel in enumerate(kernels):
            for r, s, offset, kind in taps:
                column = self.bank[r, s, channels, kernel]
                at = np.flatnonzero(column)
                values.append(column[at])
                indices.append(at)
                slots.append(np.full(len(at), number * span + offset))
                classes.append(np.full(len(at), kind))
        everywhere = (1 << self.config.core_rows) - 1
        return (everywhere, *(np.concatenate(array) for array in (values, indices, slots, classes)))

    def _diagonal_block(self, blocks: DiagonalBlocks, kernels: np.ndarray) -> None:
        config, mapper, down, across = self.config, self.mapper, blocks.down, blocks.across
        masks = [int((there << np.arange(len(there))).sum()) for there in map(blocks.columns, range(config.core_rows))]
        groups = list(blocks.line_groups(config.classes))
        for channels in self.whole:
            for lines, taps in groups:
                offsets = [(int(down.taps[tap]), -int(down.tap_numbers[tap]), kind) for tap, kind in taps]
                columns = [
                    [(r, s, offset, kind) for r, offset, kind in offsets]
                    for s in across.taps[list(blocks.taps)].tolist()
                ]
                windows = [[self._entries(column, channels, kernels, blocks.span)] for column in columns]
                tiles = [
                    [
                        (self._diagonal_tile(blocks, int(blocks.lines[at]), row, mask, channels), slot, meets)
                        for row, mask in enumerate(masks)
                    ]
                    for at, meets in lines
                    for slot in [int(down.input_numbers[blocks.lines[at]]) - blocks.low]
                ]
                last = channels is self.whole[-1] and lines is groups[-1][0]
                mapper.group(mapper.windows(windows), tiles, keep=keeps_tiles(config, len(tiles)), block_last=last)
        first = blocks.input - blocks.taps[0]
        y = across.output(first + np.arange(1 - config.core_columns, config.core_rows))
        x = down.position(blocks.low + np.arange(blocks.span))
        targets = np.where(y[:, None, None] < 0, -1, self.targets[x[None, :], y[:, None]][..., kernels])
        mapper.block(False, targets.transpose(0, 2, 1).reshape(config.ports, -1))

    def _diagonal_tile(self, blocks: DiagonalBlocks, line: int, row: int, mask: int, channels: slice) -> Item:
        if not mask:
            return self.blank
        h, w = int(blocks.down.inputs[line]), int(blocks.across.inputs[blocks.input + row])
        return self._tile(h, w, ((mask, channels),))

    def _row_block(self, blocks: RowBlocks, kernels: np.ndarray, number: int) -> None:
        config, mapper, tiles, width = self.config, self.mapper, self.divided, self.config.core_columns
        # Channels change slowest: then it doesn't matter how late those of the last tiles are there.
        for first in range(0, len(tiles), width):
            shares = tiles[first : first + width]
            for at, tap in enumerate(blocks.taps):
                columns = (blocks.turn(number, at) + np.arange(len(shares))) % width
                parts = tuple(zip((1 << columns).tolist(), shares, strict=True))
                pixels = [
                    [
                        (self._tile(h, w, parts) if h >= 0 else self.blank, place * len(kernels), 1)
                        for h, w in zip(*line, strict=True)
                    ]
                    for place, *line in zip(tap.places.tolist(), tap.h.tolist(), tap.w.tolist(), strict=True)
                ]
                last = first + width >= len(tiles) and tap is blocks.taps[-1]
                windows = self._row_windows(tap, parts, kernels)
                mapper.group(windows, pixels, keep=True, block_last=last)
        targets = np.full((config.ports, *blocks.x.shape[:1], len(kernels)), -1)
        found = np.where(blocks.x[..., None] < 0, -1, self.targets[blocks.x, blocks.y][..., kernels])
        targets[: config.core_rows] = found.transpose(1, 0, 2)
        mapper.block(True, targets.reshape(config.ports, -1))

    def _row_windows(self, tap: Tap, parts: tuple[tuple[int, slice], ...], kernels: np.ndarray) -> list[list[Item]]:
        """Windows of a tap and channel tiles, ``(mask of the core column, tile)``; each kernel is a psum's offset."""
        key = tap.row, tap.column, parts[0][0], parts[0][1].start, int(kernels[0]), len(kernels)
        if key not in self.row_windows:
            entries: list[list[Part]] = [[] for _ in range(self.config.core_columns)]
            for mask, channels in parts:
                part = self._entries([(tap.row, tap.column, 0, 0)], channels, kernels, 1)
                entries[mask.bit_length() - 1].append(part)
            self.row_windows[key] = self.mapper.windows(entries)
        return self.row_windows[key]
