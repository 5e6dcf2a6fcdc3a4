"""Estimates of the time that a way of mapping takes on a SNAP core, from numbers of non-zeros alone.

A block keeps the PEs' multipliers busy, the AIMs of the rows, and the streams. How long follows from how many non-zeros
each pixel and tap has on average in each channel tile. Blocks follow one another: the multipliers wait for a psum bank,
and no PE is further ahead of another than the register files reach.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from ...hw.snap.config import SnapConfig
from .folding import arrange
from .plan import DiagonalBlocks, RowBlocks, Tap, plan_blocks
from .tiles import channel_tiles, keeps_tiles
from .ways import LayerSizes, Way, ways

__all__ = ["estimate", "fastest_row_taps", "fastest_way"]

WORTH = 0.96
"""Time of another way against the plain one's from which on it is taken: estimates are not exact."""

GROUPS = 16
"""Groups, or packs of them, after which the rest is taken to go on as before."""

SHARPNESS = 4
"""How little a PE and its AIM disturb each other: where both take time t, both need ``2**(1 / SHARPNESS) * t``."""

RING_SHARPNESS = 8
"""The same of a PE and its W ring."""

AIM_CYCLES = 2
"""From a grant to the list."""


def fastest_way(config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray) -> Way:
    """Choose the way of mapping that takes the least time by estimate, or the plain one if none is clearly better.

    Parameters
    ----------
    config, sizes
        The core and the layer.
    x, w
        Activations, H x W x C, and weights, R x S x C / groups x K.
    """
    plain, *others = ways(config, sizes)
    best = _fastest(config, sizes, x, w, others, WORTH * estimate(config, sizes, x, w, plain))
    return best or plain


def fastest_row_taps(config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray) -> Way:
    """Choose the fastest of the ways that are row taps; parameters as of `fastest_way`."""
    found = [way for way in ways(config, sizes) if way.row_taps]
    return _fastest(config, sizes, x, w, found, math.inf) or found[0]


def _fastest(
    config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray, found: list[Way], least: float
) -> Way | None:
    """The fastest way that takes less than `least`."""
    best = None
    for way in found:
        cycles = estimate(config, sizes, x, w, way, least)
        if cycles < least:
            best, least = way, cycles
    return best


def estimate(
    config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray, way: Way, limit: float = math.inf
) -> float:
    """Estimate cycles, or find that they are `limit` or more; other parameters as of `fastest_way`."""
    sizes, x, w = arrange(sizes, x, w, way)
    parts = sizes.packs(way.packed)
    rest = max(1.0, len(parts) / GROUPS)
    loads: dict[LayerSizes, list[_Load]] = {}
    time = _Timeline(config)
    for groups, part in parts[:GROUPS]:
        first = part not in loads
        known = loads.setdefault(part, [])
        for load in _loads(config, part, x, w, way, groups.stop - groups.start) if first else known:
            if first:
                known.append(load)
            time.add(load)
            if time.drained[1] * rest >= limit:
                return time.drained[1] * rest
    return time.drained[1] * rest


def _loads(
    config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray, way: Way, groups: int
) -> "Iterator[_Load]":
    """What each block takes, in order."""
    whole, divided = (_Counts.of(config, sizes, x, w, groups, n) for n in (1, config.core_columns))
    for blocks in plan_blocks(config, sizes, way, np.count_nonzero(w) / w.size / groups):
        known: dict[tuple[int, int], _Load] = {}
        for block, kernels in enumerate(blocks.kernels):
            if isinstance(blocks, DiagonalBlocks):
                key = len(kernels), 0
                if key not in known:
                    known[key] = _diagonal(config, blocks, len(kernels), whole)
            else:
                key = len(kernels), blocks.turn(block, 0) % config.core_columns
                if key not in known:
                    known[key] = _rows(config, blocks, block, len(kernels), divided)
            yield known[key]


class _Timeline:
    """When blocks are done and read, one after the other."""

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        rows, columns = config.core_rows, config.core_columns
        self.pes = np.zeros((rows, columns))
        self.others = np.zeros((rows, columns))
        self.ahead = 0.0
        self.done, self.drained = [0.0, 0.0], [0.0, 0.0]

    def add(self, load: "_Load") -> None:
        """Add a block."""
        # What the rings hold is all that one PE can be ahead of another.
        before = max(self.done[0], self.done[1] - self.ahead)
        self.others = np.maximum(self.others, before) + load.others
        self.pes = np.maximum(np.maximum(self.pes, max(before, self.drained[0])) + load.pes, self.others)
        done = float(self.pes.max())
        self.ahead = load.ahead
        drained = max(self.drained[1], done + self.config.landing_cycles) + load.slots + self.config.pipelined
        self.done, self.drained = [self.done[1], done], [self.drained[1], drained]


@dataclasses.dataclass(frozen=True)
class _Counts:
    """Mean numbers of non-zeros by channel tile, over the groups; where several are mapped as one, over these.

    Parameters
    ----------
    channels
        ``[tiles]``.
    pixels, beats
        ``[tiles, h, w]``: non-zeros of a pixel, and beats that they take.
    small, middle
        ``[tiles, h, w]``: share of pixels that fill at most a quarter and at most half of an AIM.
    weights
        ``[tiles, r, s]``: non-zeros of a tap of a kernel.
    """

    channels: np.ndarray
    pixels: np.ndarray
    beats: np.ndarray
    small: np.ndarray
    middle: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls, config: SnapConfig, sizes: LayerSizes, x: np.ndarray, w: np.ndarray, groups: int, multiple: int
    ) -> "_Counts":
        """Count; `sizes` are those of `groups` mapped as one, cut into a `multiple` of tiles."""
        tiles = channel_tiles(config, sizes.depth, multiple)
        starts = [tile.start for tile in tiles]
        packs = x.shape[2] // sizes.depth
        grid = (x[..., : packs * sizes.depth] != 0).reshape(*x.shape[:2], packs, sizes.depth).transpose(2, 3, 0, 1)
        pixels = np.add.reduceat(grid, starts, axis=1, dtype=np.int64)
        beats = -(-pixels // config.beat_entries)
        # A kernel has weights for its own group's channels alone.
        depth, total = w.shape[2], x.shape[2] // w.shape[2]
        bank = (w != 0).reshape(*w.shape[:3], total, -1).mean(4)[..., : packs * groups] / groups
        bank = bank.reshape(*w.shape[:3], packs, groups).mean(3).transpose(3, 2, 0, 1).reshape(-1, *w.shape[:2])
        assert len(bank) == depth * groups == sizes.depth
        return cls(
            channels=np.diff([*starts, sizes.depth]), pixels=pixels.mean(0), beats=beats.mean(0),
            small=(beats <= config.tile_beats // 4).mean(0), middle=(beats <= config.tile_beats // 2).mean(0),
            weights=np.add.reduceat(bank, starts, axis=0),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Load:
    """What a block takes.

    Parameters
    ----------
    pes
        ``[rows, columns]``: cycles of the multipliers.
    others
        ``[rows, columns]``: cycles of what a PE needs besides, which doesn't wait for psum banks.
    ahead
        Cycles that a PE can be ahead of another.
    slots
        Psums that each port reads.
    """

    pes: np.ndarray
    others: np.ndarray
    ahead: float
    slots: int


@dataclasses.dataclass(frozen=True)
class _Tiles:
    """The tiles of a group, ``[channel tiles, items, rows, columns]``; `beats` without columns.

    Parameters
    ----------
    pairs
        Matches with all windows.
    small, middle
        As in `_Counts`, of what a PE stores.
    beats
        Of the streams.
    resent
        They are sent again for every window.
    stored
        Register files may be too small for more of them; in row mode there are so few that they are not.
    """

    pairs: np.ndarray
    small: np.ndarray
    middle: np.ndarray
    beats: np.ndarray
    resent: bool = False
    stored: bool = False


class _Block:
    """Adds up what the groups of a block take."""

    def __init__(self, config: SnapConfig) -> None:
        self.config = config
        self.pes = self.others = np.zeros((config.core_rows, config.core_columns))
        self.activations, self.weights = np.zeros((config.core_rows, 1)), np.zeros(config.core_columns)

    def add(self, entries: np.ndarray, tiles: _Tiles) -> None:
        """Add windows of all `entries`, ``[channel tiles, columns]``, with tiles."""
        config, items = self.config, tiles.beats.shape[1]
        windows = np.maximum(np.ceil(entries.max(1) / config.window_entries), 1)
        beats = np.maximum(np.ceil(entries / windows[:, None] / config.beat_entries), 1)
        self.weights = self.weights + windows @ beats
        each = windows[:, None, None]
        # AIM operations: small tiles by twos, large ones twice where a window lies in both halves of the lanes.
        half = config.window_beats // 2
        twice = np.where(beats > half, 1, np.where(half % np.minimum(beats, half), (beats - 1) / half, 0))
        operations = (1 - tiles.middle) * (1 + twice[:, None, None]) + tiles.middle - tiles.small
        operations += tiles.small * (-(-items // 2) / items)
        aims = (each * operations.sum(1)).sum((0, 2))[:, None]
        # A PE takes pairs of two lists a cycle at most.
        lists = np.maximum(tiles.pairs / each[..., None] / config.pe_multipliers, 0.5)
        pes = each * lists.sum(1)
        others = (pes.sum(0) ** SHARPNESS + aims**SHARPNESS) ** (1 / SHARPNESS)
        if tiles.stored:  # a tile has its place from its first beat until its lists are used up
            stream = tiles.beats[..., None]
            passing = each * (stream * (stream + operations.sum(3, keepdims=True) + AIM_CYCLES + lists)).sum(1)
            kept = stream.sum(1) * (stream.sum(1) + pes)
            held = np.where((each > 1) & (not tiles.resent), kept, passing).sum(0)
            others = np.maximum(others, held / config.activation_beats)
        else:  # so has a window, which few tiles use up soon
            stream = beats[:, None]
            held = each * stream * (stream + config.core_columns + 3 * AIM_CYCLES + lists.sum(1))
            held = held.sum(0) / config.weight_beats
            ringed = (pes.sum(0) ** RING_SHARPNESS + held**RING_SHARPNESS) ** (1 / RING_SHARPNESS)
            others = np.maximum(others, ringed)
        times = each[..., 0] if tiles.resent else 1
        self.activations = self.activations + (times * np.maximum(tiles.beats, 1).sum(1)).sum(0)[:, None]
        self.pes, self.others = self.pes + pes.sum(0), self.others + others

    def load(self, slots: int) -> _Load:
        """Return what the block takes."""
        others = np.maximum(np.maximum(self.others, self.activations), self.weights)
        beats = (self.config.weight_beats, self.weights), (self.config.activation_beats, self.activations)
        ahead = float(others.max()) * min(1.0, *(most / taken.max() for most, taken in beats))
        return _Load(self.pes, others, ahead, slots)


def _diagonal(config: SnapConfig, blocks: DiagonalBlocks, kernels: int, counts: _Counts) -> _Load:
    block, rows, width = _Block(config), config.core_rows, len(blocks.taps)
    there = np.zeros((rows, config.core_columns), bool)
    there[:, :width] = [blocks.columns(row) for row in range(rows)]
    inputs = np.minimum(blocks.input + np.arange(rows), len(blocks.across.inputs) - 1)
    for lines, taps in blocks.line_groups(config.classes):
        used, members = [tap for tap, _ in taps], [line for line, _ in lines]
        bank = np.zeros((len(counts.channels), len(used), config.core_columns))
        at = np.ix_(blocks.down.taps[used], blocks.across.taps[list(blocks.taps)])
        bank[..., :width] = kernels * counts.weights[:, *at]
        met = (blocks.table[np.ix_(members, used)] >= 0) @ bank  # channel tiles, lines, columns
        pixels = np.ix_(blocks.down.inputs[blocks.lines[members]], blocks.across.inputs[inputs])
        density = counts.pixels[:, *pixels] / counts.channels[:, None, None]
        tiles = _Tiles(
            pairs=met[:, :, None] * density[..., None] * there,
            small=np.where(there, counts.small[:, *pixels][..., None], 1),
            middle=np.where(there, counts.middle[:, *pixels][..., None], 1),
            beats=np.where(there.any(1), counts.beats[:, *pixels], 0),
            resent=not keeps_tiles(config, len(members)),
            stored=True,
        )
        block.add(bank.sum(1), tiles)
    return block.load(blocks.span * kernels)


def _rows(config: SnapConfig, blocks: RowBlocks, number: int, kernels: int, counts: _Counts) -> _Load:
    block = _Block(config)
    # Taps of as many places go together.
    alike: dict[int, list[tuple[Tap, int]]] = {}
    for at, tap in enumerate(blocks.taps):
        alike.setdefault(len(tap.places), []).append((tap, blocks.turn(number, at)))
    for taps in alike.values():
        block.add(*_taps(config, taps, kernels, counts))
    return block.load(len(blocks.x) * kernels)


def _taps(
    config: SnapConfig, turned: list[tuple[Tap, int]], kernels: int, counts: _Counts
) -> tuple[np.ndarray, _Tiles]:
    """Windows' entries and tiles of some taps with their turns, one after the other."""
    width, number = config.core_columns, len(counts.channels)
    taps = [tap for tap, _ in turned]
    h, w = (np.stack([getattr(tap, name) for tap in taps]) for name in "hw")
    entries = kernels * counts.weights[:, [tap.row for tap in taps], [tap.column for tap in taps]]
    columns = (np.arange(width) - np.array([turn for _, turn in turned])[:, None]) % width

    def shared(array: np.ndarray, default: int) -> np.ndarray:
        """Core columns take different channel tiles; `default` where there is none, or no pixel."""
        full = np.full((-(-number // width) * width, *array.shape[1:]), default, float)
        full[:number] = np.where(h >= 0, array, default) if array.ndim > 2 else array
        # Groups of tiles, tiles, taps, ... in the order of the taps' columns
        full = full.reshape(-1, width, *array.shape[1:])[:, columns, np.arange(len(taps))[:, None]]
        return np.moveaxis(full, 2, -1).reshape(-1, *array.shape[2:], width)

    tiles = _Tiles(
        pairs=shared(counts.pixels[:, h, w] * (entries / counts.channels[:, None])[..., None, None], 0),
        small=shared(counts.small[:, h, w], 1),
        middle=shared(counts.middle[:, h, w], 1),
        beats=shared(counts.beats[:, h, w], 0).sum(-1),
    )
    return shared(entries, 0), tiles
