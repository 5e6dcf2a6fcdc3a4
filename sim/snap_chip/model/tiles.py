"""Compiled parts: input activations from memory into the banks."""

from ...compiled import part
from .memory import fill, load

__all__ = ["load_tiles", "offer_run", "parse", "read_segments"]


@part
def offer_run(m, number, words):
    """Whether a parser offers a run, how many words that has, whether it ends its tile."""
    parser, width, most = m.parsers[number], m.sizes[0].beat_words, m.sizes[0].run_words
    more = parser.left if parser.inside else words[parser.tile]
    count = min(more + 1, most)
    needs_next = parser.at + count > width
    reader = 1 + 2 * number
    valid = parser.held == 1 and (not needs_next or m.fifos[reader].valid == 1)
    return valid, count, more < most


@part
def parse(m, number, words, ready, final):
    """A parser's cycle, and that of the FIFO before it: its run is taken if the receiver is `ready`.

    Returns whether a beat leaves the FIFO.
    """
    parser, width, reader = m.parsers[number], m.sizes[0].beat_words, 1 + 2 * number
    more = parser.left if parser.inside else words[parser.tile]
    valid, count, last = offer_run(m, number, words)
    taken = valid and ready
    ends = final and last
    after = parser.at + count
    moves = taken and (after >= width or ends)
    skips = taken and (after == 2 * width or (after > width and ends))
    offered = m.fifos[reader].valid == 1
    if taken:
        parser.tile += last
        parser.inside = not last
        parser.left = more - m.sizes[0].run_words
        parser.at = after
        if ends or after == width or after == 2 * width:
            parser.at = 0
        elif after > width:
            parser.at = after - width
    takes = parser.held == 0 or moves
    if takes:
        parser.held = offered and not skips
    return fill(m, reader, takes)


@part
def read_segments(m, number, lengths, leaves):
    """A segment reader's cycle: table, segments, of which a beat leaves the FIFO or not."""
    reader, s = m.readers[number], m.sizes[0]
    table, segments = 2 * number, 2 * number + 1
    was_listed, was_left = reader.listed, reader.left
    beats = (reader.count + s.lengths - 1) // s.lengths
    table_leaves = fill(m, table, was_listed == 0)
    if load(m, table, reader.asks == 1, reader.table, beats, 1, table_leaves, False):
        reader.asks = 0
    offered = was_listed != 0 and was_left != 0
    taken = load(m, segments, offered, reader.address, lengths[reader.segment], 1, leaves, False)
    if table_leaves:
        reader.listed = s.lengths
    if taken:
        reader.listed -= 1
        reader.left -= 1
        reader.segment += 1
        reader.address += reader.pitch
    if was_listed != 0 and was_left == 0:
        reader.listed = 0


@part
def load_tiles(m):
    """Loader of activations, parser, and the FIFO before it; whether a beat leaves that."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    # Bands that are freed.
    frees = c.bands_valid == 1 and c.tail_line + layer.band_lines <= c.free_seen
    begins = c.more == 1 and c.loads == 0
    ready = c.used + layer.directory_band <= s.directory_entries and c.bands_waiting < s.resident_bands
    # The run that is offered.
    valid, count, last = offer_run(m, 0, m.in_words)
    room = m.banks[c.bank].level + count <= s.bank_words
    taken = valid and c.loads == 1 and room
    last_bank = c.bank == s.rows - 1
    last_column = c.group * s.rows + c.bank + 1 == layer.width
    last_line = c.line + 1 == layer.band_lines or c.band_line + c.line + 1 == layer.height
    final = last_column and last_line
    leaves = parse(m, 0, m.in_words, c.loads == 1 and room, final)
    band_ends = taken and last and final and c.load_tile + 1 == layer.tiles
    if taken:
        c.moves += 1
        m.banks[c.bank].level += count
        m.banks[c.bank].band += count
    if frees:
        for b in range(s.rows):
            m.banks[b].level -= m.bands[c.bands_get % len(m.bands), b]
        c.used -= layer.directory_band
        c.tail_line += layer.band_lines
    c.bands_waiting -= frees
    if begins and ready:
        c.used += layer.directory_band
        c.bands_waiting += 1
        c.loads = 1
    reads = c.bands_level != 0 and (c.bands_valid == 0 or frees)
    c.bands_level += band_ends - reads
    c.bands_get += frees
    c.bands_valid = reads or (c.bands_valid == 1 and not frees)
    if band_ends:
        for b in range(s.rows):
            m.bands[c.bands_put % len(m.bands), b] = m.banks[b].band
            m.banks[b].band = 0
        c.bands_put += 1
        c.loads = 0
        c.more = c.band_line + layer.band_lines < layer.height
    if taken and last:
        next_tile(m, last_bank, last_column, final, band_ends)
    return leaves


@part
def next_tile(m, last_bank, last_column, final, band_ends):
    """Go on to the next tile of the tensor."""
    c, layer = m.chip[0], m.layer[0]
    c.bank += 1
    if last_bank:
        c.bank = 0
        c.group += 1
    if last_column:
        c.bank = c.group = 0
        c.line += 1
    if final:
        c.line = 0
        c.load_tile += 1
    if band_ends:
        c.load_tile = 0
        c.band_line += layer.band_lines
