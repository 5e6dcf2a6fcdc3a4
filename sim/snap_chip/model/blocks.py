"""Compiled parts: blocks of a layer, and the tiles that rows get for them."""

from ...compiled import part

__all__ = ["expand", "fetch_tiles", "go_through_blocks", "locate", "pass_on", "pool", "scan_block"]


@part
def pass_on(copy, taken):
    """A receiver's side of a broadcast, of which a beat is taken or not."""
    if copy.valid == 0 or copy.ready:
        copy.valid = copy.waiting > 0 or taken
        if copy.waiting:
            copy.waiting += taken - 1
    elif taken:
        copy.waiting += 1


@part
def go_through_blocks(m, scanned):
    """Block sequencer, and the broadcasts of what it says; the scan takes its token or not."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    first = s.rows * s.cores  # of the copies that are about blocks: commands, weights, the scan's
    last = len(m.copies) - 1
    valid = c.counts == 1 and c.pixels == m.blocks[c.block].pixels
    goes = valid and m.copies[last].waiting < s.blocks
    if goes and layer.convolves:
        for n in range(first, last):
            goes = goes and m.copies[n].waiting < s.blocks
    m.copies[last].ready = scanned
    pass_on(m.copies[last], goes)
    for n in range(first, last):
        pass_on(m.copies[n], goes and layer.convolves == 1)
    if goes:
        c.pixels = 0
        c.block += 1
        c.counts = c.block < layer.blocks
    elif c.counts and not valid:
        c.pixels += 1


@part
def scan_block(m, ready):
    """Scan of a block, whose pixel is taken or not; whether it is done with its block."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    block, offered = m.blocks[c.scan_block], m.copies[len(m.copies) - 1].valid == 1
    begins = offered and c.scans == 0 and c.flushes == 0
    free = c.scan_out == 0 or ready
    full_tiles = 1 if layer.diagonal else s.columns
    behind = c.tile_at + (full_tiles if c.full_steps else layer.rest_tiles)
    last_line, last_column = c.tap_line + 1 == layer.kernel_lines, c.tap_column + 1 == layer.kernel_columns
    last_group = last_line and last_column and c.full_steps + c.rest_steps == 1
    moves = inside = False
    if c.scans:
        loaded = block.need <= c.lines_seen or (
            block.need <= c.lines_seen + layer.band_lines and behind <= c.tiles_seen
        )
        c.input_waits += not loaded
        line = block.line + c.tap_line * layer.dilation_lines + c.x * layer.stride_lines
        inside = 0 <= line < layer.height
        moves = loaded and (not inside or c.pending == 0 or free)
    group_over = c.flushes == 1 and free
    if free:
        c.scan_out = group_over or (moves and inside and c.pending == 1)
    if moves:
        c.number += 1
        c.x = 0 if c.x + 1 == block.lines else c.x + 1
        c.flushes = c.number == block.pixels
        c.scans = not c.flushes
        c.pending = c.pending or inside
    if group_over:
        c.pending = c.flushes = 0
        c.scans = not last_group
        c.tap_column += 1
        if last_column:
            c.tap_column = 0
            c.tap_line += 1
            if last_line:
                c.tap_line = 0
                c.tile_at = behind
                if c.full_steps:
                    c.full_steps -= 1
                else:
                    c.rest_steps -= 1
    if group_over or begins:
        c.number, c.x = 0, block.x
    if begins:
        c.scans, c.free_line = 1, block.free
        c.tap_line = c.tap_column = 0
        c.tile_at, c.full_steps, c.rest_steps = block.tile, layer.full_steps, layer.rest_steps
    done = group_over and last_group
    c.scan_block += done
    return done


@part
def locate(m, ready):
    """Locator, whose request is taken or not; whether it takes the scan's pixel."""
    c = m.chip[0]
    last = c.request == 1 and c.request_number + 1 == m.items[c.request_item].tiles
    second_free = c.request == 0 or (ready and last)
    free = c.located == 0 or second_free
    if c.request and ready:
        c.request_number = 0 if last else c.request_number + 1
    if second_free:
        c.request = c.located
        c.request_item += c.located
    if free:
        c.located = c.scan_out
    return free


@part
def fetch_tiles(m, room):
    """Fetch tiles into slots, of which so many have `room`; whether the locator's request is taken."""
    c = m.chip[0]
    goes = c.looks == 1 and (c.read != 0 or room > c.fetches)
    over = goes and c.read + 1 >= m.reads[c.looked]
    ready = c.looks == 0 or over
    c.put += c.fetches == 1 and c.fetched_last == 1
    c.fetches, c.fetched_last = goes, over
    if goes:
        c.read = 0 if over else c.read + 1
    if ready:
        c.looked += c.looks
        c.looks = c.request
    return ready


@part
def expand(m, r):
    """A row's expander, and the broadcast of its beats."""
    c, s, row = m.chip[0], m.sizes[0], m.rows[r]
    room = True
    for k in range(r * s.cores, (r + 1) * s.cores):
        room = room and m.copies[k].waiting == 0
    taken = row.valid == 1 and room
    for k in range(r * s.cores, (r + 1) * s.cores):
        pass_on(m.copies[k], taken)
    if row.valid and not room:
        return
    row.valid = 0
    if row.at != c.put:
        beats = m.tile_beats[row.at, r]
        row.valid = beats > 0
        row.step += 1
        if row.step >= beats:
            row.step = 0
            row.at += 1


@part
def pool(m, r):
    """A row's maximum, that the output buffer takes or not."""
    c, row = m.chip[0], m.rows[r]
    if row.pooled and not row.taken:
        return
    row.pooled = 0
    if row.at != c.put:
        row.pooled = m.ends_block[row.at]
        row.at += 1
