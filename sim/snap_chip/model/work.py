"""What a layer gives to do, counted: compiled functions that go through its nest."""

import numpy as np

from ...compiled import compiled, part
from ...snap.model.matching import bits_set
from .weights import BEAT, LAST

__all__ = [
    "PLANES", "count_pairs", "expand_items", "list_blocks", "list_items", "list_jobs",
    "list_weight_words", "list_windows",
]  # fmt: skip

PLANES = 4
"""Bits of the number of a window's weights of one channel: at most 8."""


@compiled
def list_blocks(layers, blocks):
    """All blocks of a layer, in order; how many there are (also without room for them)."""
    layer, count = layers[0], 0
    for region in range(layer.regions):
        line = region * layer.region_lines
        lines = min(layer.region_lines, layer.out_lines - line)
        first = line * layer.stride_lines - layer.padding_lines
        reach = (lines - 1) * layer.stride_lines + (layer.kernel_lines - 1) * layer.dilation_lines
        last_region = region + 1 == layer.regions
        for number in range(layer.rounds):
            last_round = number + 1 == layer.rounds
            entries = lines * layer.column_groups
            for entry in range(0, entries, layer.block_lines):
                if count < len(blocks):
                    block = blocks[count]
                    block.pixels = min(layer.block_lines, entries - entry)
                    block.line, block.lines = first, lines
                    block.x, block.group = entry % lines, entry // lines
                    block.tile = number // layer.group_rounds * layer.group_tiles
                    block.need = min(max(first + reach + 1, 0), layer.height)
                    block.free = min(max(first, 0), layer.height)
                    block.round = number
                    block.end = 0
                    if entry + block.pixels == entries:
                        block.end = 1 if not last_round else 3 if last_region else 2
                    block.again = layer.resident and not last_region
                count += 1
    return count


@compiled
def list_items(layers, blocks, columns, rows, items, sent):
    """All items of a layer, in order; how many there are (also without room for them).

    `sent` ``[blocks * groups]`` says how many there are in each group.
    """
    layer, count = layers[0], 0
    full_tiles = 1 if layer.diagonal else columns
    for b in range(len(blocks)):
        block = blocks[b]
        for group in range(layer.weight_groups):
            tap = group % (layer.kernel_lines * layer.kernel_columns)
            step = group // (layer.kernel_lines * layer.kernel_columns)
            rest = step >= layer.full_steps
            tiles = layer.rest_tiles if rest else full_tiles
            tile = block.tile + full_tiles * min(step, layer.full_steps)
            if rest:
                tile += (step - layer.full_steps) * layer.rest_tiles
            first = count
            for number in range(block.pixels + 1):
                blank = number == block.pixels
                entry = block.group * block.lines + block.x + (0 if blank else number)
                x = entry % block.lines
                line = block.line + x * layer.stride_lines + tap // layer.kernel_columns * layer.dilation_lines
                if blank:
                    if count > first:
                        continue
                elif line < 0 or line >= layer.height:
                    continue
                if count < len(items):
                    item = items[count]
                    item.line = -1 if blank else line
                    item.x, item.column = x, entry // block.lines * rows
                    item.across = tap % layer.kernel_columns * layer.across - layer.left
                    item.tile, item.tiles, item.rest = tile, 1 if blank else tiles, rest
                count += 1
            if len(items):
                sent[b * layer.weight_groups + group] = count - first
                items[count - 1].block_last = group + 1 == layer.weight_groups
    return count


@part
def stored_bits(layer, rows, item, k, row, bitmaps):
    """Bitmap of a row's tile number `k` of an item, and whether there is such a pixel."""
    y = item.column + (row + (item.x if layer.rotate else 0)) % rows
    w = y * layer.stride_columns + item.across
    outside = y >= layer.out_columns and layer.diagonal == 0
    if item.line < 0 or outside or w < 0 or w >= layer.width:
        return np.uint64(0), False
    return bitmaps[item.line, w, item.tile + k], True


@compiled
def expand_items(layers, sizes, cuts, items, bitmaps, reads, tile_beats, ends_block, parts, counts, words, word_ends):
    """What becomes of all items: by request cycles of reading and beats; by item parts of columns; beats of rows.

    Parameters
    ----------
    cuts
        ``[columns + 1]``: channels at which the columns' parts of a rest step begin and end.
    bitmaps
        ``[lines, columns, tiles]``: of the input.
    parts, counts
        ``[rows, columns, items]``: channels of each column's part, a bit each; its beats.
    words, word_ends
        ``[rows, most]``, ``[rows]``: beats of each row, mask of receivers and whether the item ends as the lowest bit;
        where they end.
    """
    layer, s = layers[0], sizes[0]
    one, request = np.uint64(1), 0
    for i in range(len(items)):
        item = items[i]
        for k in range(item.tiles):
            last, most = k + 1 == item.tiles, 0
            for row in range(s.rows):
                bits, there = stored_bits(layer, s.rows, item, k, row, bitmaps)
                if there:
                    bytes_ = s.bitmap_bytes + bits_set(bits)
                    most = max(most, (bytes_ + 7) // 8 - 1)
                beats = 0
                if layer.diagonal:  # all columns get all
                    found = bits_set(bits)
                    beats = (found + s.entries - 1) // s.entries
                    for column in range(s.columns):
                        parts[row, column, i] = bits
                        counts[row, column, i] = beats
                    for _ in range(beats):
                        words[row, word_ends[row]] = (1 << s.columns) - 1 << 1
                        word_ends[row] += 1
                for column in range(0 if layer.diagonal else s.columns):
                    first, start, end = k * s.channels, column * s.channels, (column + 1) * s.channels
                    if item.rest:
                        start, end = cuts[column], cuts[column + 1]
                    low, high = max(start - first, 0), min(end - first, s.channels)
                    if low >= high:
                        continue
                    mine = (bits >> np.uint64(low)) & ((one << np.uint64(high - low)) - one)
                    found = bits_set(mine)
                    if found:
                        more = (found + s.entries - 1) // s.entries
                        parts[row, column, i] |= mine << np.uint64(low + first - start)
                        counts[row, column, i] += more
                        for _ in range(more):
                            words[row, word_ends[row]] = 2 << column
                            word_ends[row] += 1
                        beats += more
                if last:
                    if beats == 0:
                        words[row, word_ends[row]] = 0
                        word_ends[row] += 1
                        beats = 1
                    words[row, word_ends[row] - 1] |= 1
                tile_beats[request, row] = beats
            reads[request] = most // s.row_words + 1
            ends_block[request] = last and item.block_last
            request += 1


@compiled
def list_windows(bitmaps, windows, counts, entries, ops, op_ends, planes, beats):
    """Windows of one column of a core, as its feeder makes them.

    Parameters
    ----------
    bitmaps
        ``[groups, kernels]``: channels with weights, a bit each.
    windows, counts
        ``[groups, most]``, ``[groups]``: entries of the windows; how many windows.
    entries
        Of a beat at most.
    ops, op_ends
        Operations of the feeder (`BEAT`); where those before each group and of the last one end, ``[groups + 1]``.
    planes, beats
        ``[windows, PLANES]``, ``[windows]``: numbers of weights by channel, in planes of bits; beats.
    """
    op = window = 0
    kernels = bitmaps.shape[1]
    for group in range(len(bitmaps)):
        kernel, rest, following = 0, bitmaps[group, 0], np.uint64(0)
        if kernels > 1:
            following = bitmaps[group, 1]
        for number in range(counts[group]):
            left = windows[group, number]
            while True:
                taken = min(entries, left, bits_set(rest) + bits_set(following))
                for _ in range(taken):
                    if rest:
                        bit = rest & (~rest + np.uint64(1))
                        rest ^= bit
                    else:
                        bit = following & (~following + np.uint64(1))
                        following ^= bit
                    plane = 0
                    while bit:
                        both = planes[window, plane] & bit
                        planes[window, plane] ^= bit
                        bit, plane = both, plane + 1
                left -= taken
                makes = taken > 0 or left == 0
                ops[op] = taken | BEAT * makes | LAST * (left == 0)
                beats[window] += makes
                op += 1
                if rest == 0:
                    kernel += 1
                    rest, following = following, np.uint64(0)
                    if kernel + 1 < kernels:
                        following = bitmaps[group, kernel + 1]
                if left == 0:
                    break
            window += 1
        op_ends[group + 1] = op


@compiled
def list_jobs(blocks, groups, sent, counts, first_windows, jobs, kinds):
    """Pair each window of each group of each block with each of the group's items, into `jobs`; how many there are.

    `counts` and `first_windows` say of each group of each round how many windows it has, and the first of them; `kinds`
    says of each window in the order of jobs which one it is.
    """
    job = window = tile = 0
    for b in range(len(blocks)):
        for group in range(groups):
            items, at = sent[b * groups + group], blocks[b].round * groups + group
            for number in range(counts[at]):
                for item in range(items):
                    if job < len(jobs):
                        entry, last = jobs[job], number + 1 == counts[at]
                        entry.window, entry.tile, entry.block = window, tile + item, b
                        entry.frees_window, entry.frees_tile = item + 1 == items, last
                        entry.ends_block = entry.frees_window and last and group + 1 == groups
                    job += 1
                if window < len(kinds):
                    kinds[window] = first_windows[at] + number
                window += 1
            tile += items
    return job, window


@compiled
def count_pairs(jobs, kinds, planes, parts, matches):
    """Count the pairs of each job ``[pes, jobs]``; `planes` by column, `parts` as in `expand_items`."""
    rows, columns = parts.shape[0], parts.shape[1]
    for j in range(len(jobs)):
        kind, tile = kinds[jobs[j].window], jobs[j].tile
        for column in range(columns):
            for row in range(rows):
                channels, found = parts[row, column, tile], 0
                for plane in range(PLANES):
                    found += bits_set(planes[column, kind, plane] & channels) << plane
                matches[row * columns + column, j] = found


@compiled
def list_weight_words(blocks, groups, op_ends, ops, mask, words):
    """Beats of a column in the order of blocks, as in `expand_items`; how many there are."""
    at = 0
    for b in range(len(blocks)):
        first = blocks[b].round * groups
        for op in range(op_ends[first], op_ends[first + groups]):
            kind = ops[op]
            if kind & BEAT:
                if at < len(words):
                    word = mask << 1 if kind & (BEAT - 1) else 0
                    words[at] = word | (kind & LAST != 0)
                at += 1
    return at
