"""Which pairs of a program match, counted: compiled functions of `core_work`."""

import numpy as np

from ...compiled import compiled, part

__all__ = ["count_matches", "list_jobs", "tile_sets"]

CLASSES, PLANES = 4, 8
"""Bits of the number of a window's weights of one class and channel: at most 128."""


@part
def bits_set(word):
    """Count the bits of a 64-bit word that are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def list_jobs(window_ends, block_ends, tile_ends, jobs):
    """Pair each window of a group with each of its tiles, group by group, into `jobs`.

    `window_ends`, `block_ends` and `tile_ends` say of each window, each tile, whether it is its group's, block's last.
    """
    job = window = tile = block = 0
    while window < len(window_ends):
        first_tile = tile
        while True:
            tile = first_tile
            while True:
                entry = jobs[job]
                entry.window, entry.tile, entry.block = window, tile, block
                entry.frees_window, entry.frees_tile = tile_ends[tile], window_ends[window]
                entry.ends_block = block_ends[window] and tile_ends[tile]
                job, tile = job + 1, tile + 1
                if tile_ends[tile - 1]:
                    break
            block += block_ends[window]
            window += 1
            if window_ends[window - 1]:
                break


@compiled
def count_beats(masks, last, beats):
    """Count the beats of each item that each receiver stores, into `beats` ``[receivers, items]``."""
    beats[:] = 0
    item = 0
    for beat in range(len(masks)):
        for receiver in range(len(beats)):
            beats[receiver, item] += masks[beat] >> receiver & 1
        item += last[beat]


@compiled
def tile_sets(masks, counts, indices, last, sets):
    """Channels of each tile, as a bit each of `sets` ``[receivers, tiles]``; beats as in `Stream`."""
    tile = 0
    for beat in range(len(masks)):
        channels = np.uint64(0)
        for lane in range(counts[beat]):
            channels |= np.uint64(1) << np.uint64(indices[beat, lane])
        for receiver in range(sets.shape[0]):
            if masks[beat] >> receiver & 1:
                sets[receiver, tile] |= channels
        tile += last[beat]


@part
def read_window(beat, row, masks, counts, indices, classes, last, planes, used):
    """Count a window's weights by class and channel: a set of channels for each power of two.

    Returns the beat behind the window.
    """
    planes[:] = 0
    used[:] = 0
    while True:
        if masks[beat] >> row & 1:
            for lane in range(counts[beat]):
                kind, plane = classes[beat, lane], 0
                carry = np.uint64(1) << np.uint64(indices[beat, lane])
                while carry:
                    both = planes[kind, plane] & carry
                    planes[kind, plane] ^= carry
                    carry, plane = both, plane + 1
                used[kind] = max(used[kind], plane)
        beat += 1
        if last[beat - 1]:
            return beat


@compiled
def count_matches(rows, masks, counts, indices, classes, last, sets, meets, jobs, planes, used, matches):
    """Count the matches of a column's PEs in some rows, which get the same weights, by job.

    Beats are those of the column's weights, as in `Stream`, `sets` ``[rows, tiles]`` those of `tile_sets` and `meets`
    ``[rows, tiles]`` the classes that tiles meet, for all rows. `planes` and `used` are for scratch.
    """
    beat, window = 0, -1
    for job in range(len(jobs)):
        if jobs[job].window != window:
            window = jobs[job].window
            beat = read_window(beat, rows[0], masks, counts, indices, classes, last, planes, used)
        tile = jobs[job].tile
        for k in range(len(rows)):
            row, found = rows[k], 0
            for kind in range(CLASSES):
                if meets[row, tile] >> kind & 1:
                    for plane in range(used[kind]):
                        found += bits_set(planes[kind, plane] & sets[row, tile]) << plane
            matches[row, job] = found
