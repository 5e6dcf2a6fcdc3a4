"""Cuts a convolution into psum blocks of a SNAP core, without any data.

In diagonal mode a block is some input lines by `core_rows` neighbouring columns, up to `core_columns` kernel columns
and a few kernels. In row mode it is any output pixels by one tap, or by all taps, and a few kernels, the core's columns
taking different channel tiles.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ...hw.snap.config import SnapConfig
from .phases import Phase
from .tiles import channel_tiles
from .ways import LayerSizes, RowTaps, Way, split

__all__ = ["DiagonalBlocks", "RowBlocks", "Tap", "plan_blocks"]


@dataclasses.dataclass(frozen=True)
class DiagonalBlocks:
    """Blocks in diagonal mode that differ only in their kernels.

    Parameters
    ----------
    down, across
        Lines and columns.
    lines
        Indices of ``down.inputs``.
    table
        ``[lines, taps]``: output lines, -1 where there is none.
    input, taps
        Index of the first of ``across.inputs``, and indices of ``across.taps``.
    low, span
        Numbers of the output lines that the block holds.
    kernels
        Kernels of each block.
    """

    down: Phase
    across: Phase
    lines: np.ndarray
    table: np.ndarray
    input: int
    taps: range
    low: int
    span: int
    kernels: list[np.ndarray]

    def line_groups(self, most: int) -> Iterator[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """Group lines and sort their taps into at most `most` classes: ``(line, mask of classes)``, ``(tap, class)``.

        Lines and taps are rows and columns of `table`. Taps that the same lines use are of one class; a tap that has
        no output for a line costs nothing.
        """
        uses = self.table >= 0
        pending = np.flatnonzero(uses.any(1)).tolist()
        while pending:
            count = len(pending)
            while True:
                users: dict[tuple[int, ...], list[int]] = {}
                for tap in np.flatnonzero(uses[pending[:count]].any(0)).tolist():
                    users.setdefault(tuple(at for at in pending[:count] if uses[at, tap]), []).append(tap)
                if len(users) <= most:
                    break
                count -= 1
            members = [
                (at, sum((at in users_of) << kind for kind, users_of in enumerate(users))) for at in pending[:count]
            ]
            yield members, sorted((tap, kind) for kind, taps in enumerate(users.values()) for tap in taps)
            pending = pending[count:]

    def columns(self, row: int) -> np.ndarray:
        """By tap: whether it has an output with the input of a row of the core."""
        at = self.input + row
        if at >= len(self.across.inputs):
            return np.zeros(len(self.taps), bool)
        return self.across.output(at - np.array(self.taps)) >= 0


@dataclasses.dataclass(frozen=True)
class Tap:
    """A tap of a block in row mode.

    Parameters
    ----------
    row, column
        Of the kernel.
    places
        Places of the block where it meets an input.
    h, w
        ``[places, core_rows]``: the input pixels; h is -1 where there is none.
    """

    row: int
    column: int
    places: np.ndarray
    h: np.ndarray
    w: np.ndarray


@dataclasses.dataclass(frozen=True)
class RowBlocks:
    """Blocks in row mode that differ only in their kernels.

    Parameters
    ----------
    taps
        At least one.
    x, y
        ``[places, core_rows]``: output pixels; x is -1 where there is none.
    kernels
        Kernels of each block.
    turning
        Whether core columns take turns at the channel tiles, of which some are larger than others. Otherwise each tile
        has its column.
    """

    taps: list[Tap]
    x: np.ndarray
    y: np.ndarray
    kernels: list[np.ndarray]
    turning: bool = False

    def turn(self, block: int, tap: int) -> int:
        """Column of the first of a group's channel tiles, the next one being that of the second and so on around."""
        return block + tap if self.turning else 0


def plan_blocks(
    config: SnapConfig, sizes: LayerSizes, way: Way, density: float
) -> Iterator[DiagonalBlocks | RowBlocks]:
    """Blocks of groups that are mapped as one.

    Parameters
    ----------
    config
        The core.
    sizes
        One of the layer's `packs`, arranged as the way has it.
    way
        The way.
    density
        Of the weights, zeros between packed groups included.
    """
    if way.row_taps:
        yield from _tap_blocks(config, sizes, way.row_taps)
        return
    rows = sizes.down.phases(way.down)
    columns = sizes.across.phases(way.across) if way.across else []
    single = {tap: set(range(sizes.down.kernel)) for tap in range(sizes.across.kernel)}
    for down in rows:
        for across in columns:
            if len(across.taps) > 1:
                yield from _diagonal_blocks(config, sizes, down, across)
                continue
            column = int(across.taps[0])
            for row in sorted(single[column].intersection(down.taps.tolist())):
                single[column].remove(row)
                yield from _row_blocks(config, sizes, row, column, density)
    if not way.across:
        for column, row in np.ndindex(sizes.across.kernel, sizes.down.kernel):
            yield from _row_blocks(config, sizes, row, column, density)


def _diagonal_blocks(config: SnapConfig, sizes: LayerSizes, down: Phase, across: Phase) -> Iterator[DiagonalBlocks]:
    slots, width = config.psum_slots, config.core_columns
    most = max(1, slots // 2) * down.every
    if len(down.taps) > most:
        for part in split(len(down.taps), most):
            yield from _diagonal_blocks(config, sizes, down.part(int(part[0]), int(part[-1]) + 1), across)
        return
    # A band leaves room for an eighth as many kernels as there are slots, if there are so many.
    bands = _bands(down, slots // max(1, min(slots // 8, sizes.kernels, slots // (down.reach + 1))))
    for at in range(0, len(across.taps), width):
        taps = range(at, min(at + width, len(across.taps)))
        for first in range(0, len(across.inputs), config.core_rows):
            differences = first - at + np.arange(1 - width, config.core_rows)
            if (across.output(differences) >= 0).any():
                for lines, table, low, span in bands:
                    # Slots that an image's edge or a low band leaves are worth more kernels.
                    kernels = split(sizes.kernels, slots // span)
                    yield DiagonalBlocks(down, across, lines, table, first, taps, low, span, kernels)


def _bands(down: Phase, most: int) -> list[tuple[np.ndarray, np.ndarray, int, int]]:
    """Cut lines into as few bands of at most `most` output lines as there must be: lines, table, low, span.

    Of all ways to do so, one whose longest band is shortest: the weights are sent once a band, however low it is.
    """
    table = down.table
    numbers = down.input_numbers[:, None] - down.tap_numbers
    lows, highs = (
        edge(np.where(table >= 0, numbers, default), axis=1)
        for edge, default in ((np.min, np.iinfo(np.int64).max), (np.max, np.iinfo(np.int64).min))
    )
    reached = np.flatnonzero((table >= 0).any(1)).tolist()

    def cut(longest: int) -> list[list[int]]:
        bands: list[list[int]] = []
        low = high = 0
        for line in reached:
            low, high = min(low, int(lows[line])), max(high, int(highs[line]))
            if bands and len(bands[-1]) < longest and high - low < most:
                bands[-1].append(line)
            else:
                bands.append([line])
                low, high = int(lows[line]), int(highs[line])
        return bands

    fewest = len(cut(len(reached)))
    bands = next(bands for bands in map(cut, range(1, len(reached) + 1)) if len(bands) == fewest) if fewest else []
    return [
        (np.array(band), table[band], low, int(highs[band].max()) - low + 1)
        for band in bands
        for low in [int(lows[band].min())]
    ]


def _row_blocks(config: SnapConfig, sizes: LayerSizes, row: int, column: int, density: float) -> Iterator[RowBlocks]:
    each, rows = _pixels_kept(config, sizes, density), config.core_rows
    kernels = split(sizes.kernels, max(1, config.psum_slots // each))
    (h, x), (w, y) = sizes.down.reached(row), sizes.across.reached(column)
    grid = (np.repeat(h, len(w)), np.tile(w, len(h)), np.repeat(x, len(y)), np.tile(y, len(x)))
    # Blocks of whole rows of pixels, so that only the last row of the last block has PEs without one.
    pixels = np.full((4, -(-len(grid[0]) // rows) * rows), -1)
    pixels[:, : len(grid[0])] = grid
    pixels = pixels.reshape(4, -1, rows)
    for places in split(pixels.shape[1], each):
        h, w, x, y = pixels[:, places]
        yield RowBlocks([Tap(row, column, np.arange(len(places)), h, w)], x, y, kernels)


def _tap_blocks(config: SnapConfig, sizes: LayerSizes, block: RowTaps) -> Iterator[RowBlocks]:
    rows, down, across = config.core_rows, sizes.down, sizes.across
    kernels = split(sizes.kernels, block.kernels)
    # Places: the lines of the first columns, then those of the next ones.
    stripe, line = np.divmod(np.arange(-(-across.outputs // rows) * down.outputs), down.outputs)
    # Columns are rotated by line, so that no row of the core has all pixels of an edge, which some taps don't meet.
    column = stripe[:, None] * rows + (np.arange(rows) + line[:, None]) % rows
    for places in split(len(line), block.lines):
        y = np.where(column[places] < across.outputs, column[places], -1)
        x = np.where(y < 0, -1, line[places][:, None])
        taps = []
        for r, s in np.ndindex(down.kernel, across.kernel):
            h, w = down.inputs(r, x), across.inputs(s, y)
            there = (h >= 0) & (w >= 0)
            meets = np.flatnonzero(there.any(1))
            if len(meets):
                taps.append(Tap(r, s, meets, np.where(there, h, -1)[meets], w[meets]))
        if taps:
            yield RowBlocks(taps, x, y, kernels, turning=True)


def _pixels_kept(config: SnapConfig, sizes: LayerSizes, density: float) -> int:
    """Pixels a row of a block: what the IA RF holds if dense, fewer if that makes windows too small."""
    each = min(config.activation_tiles, config.activation_beats // config.tile_beats, config.psum_slots)
    channels = channel_tiles(config, sizes.depth, config.core_columns)[0].stop
    while each > 1 and config.psum_slots // each * channels * density < config.aim_entries:
        each //= 2
    return each
