"""Compiled parts: from output pixels to beats in memory."""

from ...bus.parts import has_room, takes_write, write, writes_nothing
from ...compiled import part

__all__ = ["IDLE", "SEGMENT", "is_written", "pack", "write_segments"]

IDLE, SEGMENT, LIST, FILL, TABLE, ANSWERS = range(6)
"""States of the segment writer."""


@part
def writer_idle(m):
    """Whether nothing is left to be written, and all answers have come."""
    return writes_nothing(m.memory_port[0]) and m.chip[0].ask_valid == 0


@part
def is_written(m):
    """Whether the layer's output is in memory with this cycle."""
    return m.chip[0].segments == ANSWERS and writer_idle(m)


@part
def write_segments(m):
    """Segment writer, writer and memory's port; whether the packer's beat is taken."""
    c, s, layer, p, bus = m.chip[0], m.sizes[0], m.layer[0], m.memory_port[0], m.bus[0]
    takes, room = takes_write(p, bus), has_room(p, bus)
    free = c.ask_valid == 0 or takes
    # What comes from the packer.
    has, last = offers_beat(m)
    ends = last or (c.address + c.count + 1) % bus.burst == 0
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
    write(p, bus, offered and room, takes and was_asking, asked_address, asked_beats)
    c.output_beats += p.sends
    c.moves += p.sends
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
