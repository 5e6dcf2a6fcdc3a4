"""Compiled parts: a weight buffer and its feeder."""

from ....hw.snap_chip.config import WINDOWS, WORD_BYTES, End
from ...compiled import part
from .state import RINGS

__all__ = ["BEAT", "LAST", "feed"]

HEADER, BITMAPS, BEATS, ALIGN = range(4)
"""States of a feeder."""

BEAT, LAST = 1 << 4, 1 << 5
"""Of a feeder's operation: it makes a beat, the last one of a window. The bits below say of how many weights."""


@part
def feed(m, number, block_copy):
    """A cycle of a feeder, whose beat is taken or not, and of its buffer; whether a row of that becomes free."""
    ring, layer = m.rings[number], m.layer[0]
    block = m.blocks[ring.block]
    free = ring.out == 0 or ring.taken == 1
    count = 0
    if ring.filled:
        count = WORD_BYTES if ring.filled == 2 else WORD_BYTES - ring.offset
    take, goes, skip, restart = 0, False, False, False
    ring.starves += block_copy.valid == 1 and count == 0 and ring.valid == 0 and ring.fetched == ring.stored
    if ring.state == HEADER:
        if block_copy.valid and count >= WINDOWS:
            take, ring.kernel, ring.state = WINDOWS, 0, BITMAPS
    elif ring.state == BITMAPS:
        if count >= m.sizes[0].bitmap_bytes:
            take = m.sizes[0].bitmap_bytes
            ring.kernel += 1
            if ring.kernel == layer.kernels:
                ring.state = BEATS
                ring.op = m.group_ops[number, block.round * layer.weight_groups + ring.group]
    elif ring.state == BEATS:
        op = m.ops[number, ring.op]
        if op & BEAT:
            entries = op & (BEAT - 1)
            goes = free and count >= entries
            if goes:
                take = entries
        if goes or op & BEAT == 0:
            ring.op += 1
            if ring.op == m.group_ops[number, block.round * layer.weight_groups + ring.group + 1]:
                ring.state = ALIGN
    else:
        skip = True
        restart = ring.group + 1 == layer.weight_groups
        ring.group = 0 if restart else ring.group + 1
        ring.state = HEADER
    if free:
        ring.out = goes
    end = ring.offset + take
    used = ring.offset != 0 if skip else end >= WORD_BYTES
    kept = ring.filled - used
    fits = kept < 2
    ring.offset = 0 if skip else end % WORD_BYTES
    ring.filled = kept + (ring.valid == 1 and fits)
    if restart:
        ring.filled = 0
    block_copy.ready = restart
    ring.block += restart
    return give_words(m, ring, block, number, used, fits, restart)


@part
def give_words(m, ring, block, number, used, fits, restart):
    """The buffer's side: a word is used up, one is taken, the block ends; whether a row becomes free."""
    words = m.sizes[0].beat_words
    if restart:
        passed = used or ring.use_word != 0
        ring.use_word = 0
    else:
        passed = used and ring.use_word == words - 1
        ring.use_word = (ring.use_word + used) % words
    passed = passed and block.end != End.BLOCK
    again = block.again == 1
    back = restart and again and block.end == End.REGION
    reads = ring.fetched != ring.stored and (ring.valid == 0 or fits)
    row_read = reads and ring.word == words - 1
    ring.stored += m.memory_port[0].arrived == RINGS + number
    if back:
        ring.stored += ring.before
        ring.before = 0
    else:
        ring.stored -= passed
        ring.before += passed and again
    if restart:
        ring.valid = ring.fetched = ring.word = 0
    else:
        ring.valid = reads or (ring.valid == 1 and not fits)
        ring.fetched += row_read
        ring.fetched -= passed
        ring.word = (ring.word + reads) % words
    return passed and not again
