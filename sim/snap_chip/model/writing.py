"""Compiled parts: from output pixels to beats in memory."""

from ...compiled import part

__all__ = ["IDLE", "SEGMENT", "is_written", "pack", "write_segments"]

IDLE, SEGMENT, LIST, FILL, TABLE, ANSWERS = range(6)
"""States of the segment writer."""


@part
def writer_idle(m):
    """Whether nothing is left to be written, and all answers have come."""
    c = m.chip[0]
    return (
        c.writer_left == 0
        and c.writer_valid == 0
        and c.aw_valid == 0
        and c.sent_put == c.answered_get
        and c.ask_valid == 0
    )


@part
def is_written(m):
    """Whether the layer's output is in memory with this cycle."""
    return m.chip[0].segments == ANSWERS and writer_idle(m)


@part
def write_segments(m):
    """Segment writer, writer and memory's port; whether the packer's beat is taken."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    # What the writer takes.
    aw_ready = c.b_put - c.b_get < s.memory_outstanding
    aw_free = c.aw_valid == 0 or aw_ready
    start_ready = aw_free and c.writer_beats <= c.unclaimed and c.sent_put - c.answered_get != s.outstanding
    starts = c.writer_valid == 1 and start_ready
    split_free = c.writer_valid == 0 or starts
    to_border = s.burst - c.writer_address % s.burst
    final = c.writer_left <= to_border
    cut = split_free and c.writer_left != 0
    takes = c.writer_left == 0 or (cut and final)
    room = c.w_fifo != s.depth
    free = c.ask_valid == 0 or takes
    # What comes from the packer.
    has, last = offers_beat(m)
    ends = last or (c.address + c.count + 1) % s.burst == 0
    offered = False
    taken = False
    done = is_written(m)
    was_asking, asked_address, asked_beats = c.ask_valid == 1, c.ask_address, c.ask_beats
    if free:
        c.ask_valid = 0
    if c.segments == SEGMENT:
        offered = has and (free or not ends)
        taken = offered and room
        if taken:
            if ends:
                c.ask_valid, c.ask_address, c.ask_beats = 1, c.address, c.count + 1
                c.address += c.count + 1
                c.count = 0
            else:
                c.count += 1
            if last:
                c.segments = LIST
    elif c.segments == LIST:
        c.listed += 1
        c.start += layer.out_pitch
        c.address = c.start
        last_tile = c.tile + 1 == layer.out_tiles
        last_region = c.region + 1 == layer.regions
        c.tile = 0 if last_tile else c.tile + 1
        c.region += last_tile
        c.segments = SEGMENT
        if last_tile and last_region:
            c.segments = FILL
        if c.listed == s.lengths:
            c.segments = TABLE
    elif c.segments == FILL:
        c.listed += 1
        if c.listed == s.lengths:
            c.segments = TABLE
    elif c.segments == TABLE:
        offered = free
        if free and room:
            c.ask_valid, c.ask_address, c.ask_beats = 1, c.table, 1
            c.table += 1
            c.listed = 0
            c.segments = ANSWERS if c.tile == 0 and c.region == layer.regions else SEGMENT
    elif done:
        c.segments = IDLE
    # The writer's cycle, and memory's.
    w_offers = c.w_valid == 1 and c.sent_put != c.sent_get
    goes = w_offers and c.w_ready == 1
    w_last = goes and c.w_number + 1 == m.sent[c.sent_get % len(m.sent)]
    w_reads = c.w_fifo != 0 and (c.w_valid == 0 or goes)
    c.w_fifo += (offered and room) - w_reads
    c.w_valid = w_reads or (c.w_valid == 1 and not goes)
    c.unclaimed += offered and room
    if goes:
        c.w_number = 0 if w_last else c.w_number + 1
        c.sent_get += w_last
        c.w_level += 1
        c.output_beats += 1
        c.moves += 1
    c.answered_get += c.b_valid
    c.b_put += c.aw_valid == 1 and aw_ready
    if aw_free:
        c.aw_valid = starts
    if starts:
        m.sent[c.sent_put % len(m.sent)] = c.writer_beats
        c.sent_put += 1
        c.unclaimed -= c.writer_beats
    if split_free:
        c.writer_valid = c.writer_left != 0
        c.writer_beats = c.writer_left if final else to_border
    if cut:
        c.writer_address += c.writer_beats
        c.writer_left -= c.writer_beats
    if takes and was_asking:
        c.writer_address, c.writer_left = asked_address, asked_beats
    return taken


@part
def offers_beat(m):
    """Whether the packer offers a beat, and whether it is the last of its segment."""
    c, width = m.chip[0], m.sizes[0].beat_words
    return c.level >= width or c.ends == 1, c.ends == 1 and c.level <= width


@part
def pack(m, taken, offered, final):
    """Packer: its beat is taken or not, a pixel is offered or not; whether it takes that."""
    c, width = m.chip[0], m.sizes[0].beat_words
    over = taken and c.ends == 1 and c.level <= width
    left = 0 if over else c.level - width * taken
    moves = c.packer_waits == 1 and left < width and (c.ends == 0 or over)
    ready = c.packer_waits == 0 or moves
    c.level = left
    if moves:
        c.level += c.packer_words
        c.ends = c.packer_final
    elif over:
        c.ends = 0
    if ready:
        c.packer_waits = offered
        if offered:
            c.packer_words, c.packer_final = m.out_words[c.pixel], final
            c.pixel += 1
    return ready and offered
