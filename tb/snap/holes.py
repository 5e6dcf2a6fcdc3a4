"""Other programs that mean the same: beats hold less than they could, or nothing; weights are of other classes."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ...hw.snap.config import SnapConfig
from ...sim.snap.program import CoreProgram, Stream

__all__ = ["with_holes", "with_other_classes"]

ENTRY_FIELDS = ("values", "indices", "slots", "classes")


def with_holes(config: SnapConfig, program: CoreProgram, rng: np.random.Generator) -> CoreProgram:
    """Cut some beats in two, add empty ones, and fill unused lanes and tags with noise; it means the same.

    Windows and tiles get no longer than they may be in any PE.
    """
    weights, activations = (
        [_with_holes(config, stream, receivers, most, rng) for stream in streams]
        for streams, receivers, most in (
            (program.weights, config.core_rows, config.window_beats),
            (program.activations, config.core_columns, config.tile_beats),
        )
    )
    return dataclasses.replace(program, weights=weights, activations=activations)


def with_other_classes(config: SnapConfig, program: CoreProgram, rng: np.random.Generator) -> CoreProgram:
    """Exchange the classes of the weights, and those that tiles meet."""
    to = rng.permutation(config.classes)
    weights = [dataclasses.replace(stream, classes=to[stream.classes]) for stream in program.weights]
    activations = [
        dataclasses.replace(
            stream,
            # pyrefly: ignore[bad-argument-type]  # there is at least one class
            tile_classes=sum((stream.tile_classes >> kind & 1) << to[kind] for kind in range(config.classes)),
        )
        for stream in program.activations
    ]
    return dataclasses.replace(program, weights=weights, activations=activations)


def _with_holes(config: SnapConfig, stream: Stream, receivers: int, most: int, rng: np.random.Generator) -> Stream:
    begin, pieces, ends = 0, [], []
    for end in (np.flatnonzero(stream.last) + 1).tolist():
        masks = stream.masks[begin:end]
        spare = most - (masks[:, None] >> np.arange(receivers) & 1).sum(0)
        pieces += _pieces(stream, range(begin, end), spare, rng)
        ends.append(len(pieces) - 1)
        begin = end
    beats, firsts, counts, masks = np.array(pieces, np.int64).reshape(-1, 4).T
    lanes = np.arange(config.beat_entries)
    used = lanes < counts[:, None]
    # Nobody may look at unused lanes, nor at the tag of a tile before its last beat.
    half = 1 << config.data_bits - 1
    limits = ((-half, half), (0, config.channel_tile), (0, config.psum_slots), (0, config.classes))
    fields = {}
    for name, limit in zip(ENTRY_FIELDS, limits, strict=True):
        kept = getattr(stream, name)[beats[:, None], np.minimum(firsts[:, None] + lanes, config.beat_entries - 1)]
        fields[name] = np.where(used, kept, rng.integers(*limit, kept.shape))
    last = np.zeros(len(beats), bool)
    last[ends] = True
    for name, limit in (("tile_slots", config.psum_slots), ("tile_classes", 1 << config.classes)):
        fields[name] = np.where(last, getattr(stream, name)[beats], rng.integers(0, limit, len(beats)))
    fields |= {name: getattr(stream, name)[beats] & last for name in ("group_last", "block_last")}
    return Stream(**fields, counts=counts, masks=masks, last=last)


def _pieces(stream: Stream, beats: range, spare: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Pieces of a window or tile, for which each receiver has so many beats to spare."""
    rate = rng.choice([0, 0.2, 0.8])
    bits = np.arange(len(spare))
    for beat in beats:
        count, mask = int(stream.counts[beat]), int(stream.masks[beat])
        if rng.random() < rate:  # an empty beat for some of those who have room, or for nobody
            extra = (spare > 0) & (rng.random(len(spare)) < 0.5)
            spare -= extra
            yield beat, 0, 0, int((extra << bits).sum())
        stores = (mask >> bits & 1).astype(bool)
        if mask and rng.random() < rate and (spare[stores] > 0).all():
            spare -= stores
            cut = int(rng.integers(count + 1))
            yield beat, 0, cut, mask
            yield beat, cut, count - cut, mask
        else:
            yield beat, 0, count, mask
