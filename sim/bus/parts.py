"""Compiled parts: a memory, the port that it lies behind, and what uses that.

`answer` begins a cycle. Then `read` and `write` may come in any order, and after them those who get beats or give them.
"""

from ..compiled import part
from .state import PLACES

__all__ = ["answer", "fill", "give_request", "has_room", "load", "read", "takes_write", "write", "writes_nothing"]

LAST = PLACES - 1


@part
def answer(p, s, cycle):
    """Memory's part of a cycle: what it is ready for, whether it offers a beat, whether it answers a burst."""
    wants_read = p.read_shown == 0 and p.asked_put > p.asked_get and p.asked_due[p.asked_get & LAST] <= cycle
    wants_write = p.w_level > 0 and p.b_put > p.w_get
    p.w_ready = p.w_level < s.write_buffer
    p.aw_ready = p.b_put - p.b_get < s.memory_outstanding
    if s.read_pace or s.shared_pace:
        p.read_credit = min(p.read_credit + max(s.read_pace, s.shared_pace), p.read_most)
    if s.write_pace:
        p.write_credit = min(p.write_credit + s.write_pace, p.write_most)
    if s.shared_pace == 0:
        if wants_read and (s.read_pace == 0 or p.read_credit >= s.bytes):
            p.read_credit -= s.bytes
            p.read_shown = 1
        if wants_write and (s.write_pace == 0 or p.write_credit >= s.bytes):
            p.write_credit -= s.bytes
            _write_beat(p, s, cycle)
    else:  # who was served longer ago comes first, and nobody passes one who waits
        reads = writes = False
        first_waits = False
        for turn in range(2):
            if (turn == 0) == (p.write_first == 0):
                if wants_read and not first_waits:
                    reads = p.read_credit >= s.bytes
                    first_waits = not reads
                    p.read_credit -= s.bytes * reads
            elif wants_write and not first_waits:
                writes = p.read_credit >= s.bytes
                first_waits = not writes
                p.read_credit -= s.bytes * writes
        if reads:
            p.read_shown = 1
        if writes:
            _write_beat(p, s, cycle)
        if reads != writes:
            p.write_first = reads
    p.b_valid = p.b_get < p.w_get and p.answers[p.b_get & LAST] <= cycle
    p.b_get += p.b_valid


@part
def _write_beat(p, s, cycle):
    """Write a beat; the burst is answered when all of its beats are written."""
    p.w_level -= 1
    p.w_done += 1
    if p.w_done == p.sent_beats[p.w_get & LAST]:
        p.w_done = 0
        p.answers[p.w_get & LAST] = cycle - 1 + s.write_latency
        p.w_get += 1


@part
def read(p, s, cycle, asking):
    """Reader and read arbiter: which client gets a beat, which one's request is taken of those `asking`, a bit each.

    What that asks for must be said by `give_request` then.
    """
    # Beats that come, and their way to the clients.
    comes = p.read_shown == 1
    p.read_shown = 0
    leaves = p.beats_valid == 1 and p.tags_valid == 1
    p.arrived = p.tag_client[p.tags_get & LAST] if leaves else -1
    p.tag_done += leaves
    tag_leaves = leaves and p.tag_done == p.tag_beats[p.tags_get & LAST]
    if tag_leaves:
        p.tag_done = 0
    # A burst goes out if there is room for its beats.
    waiting = p.asked_put - p.asked_get
    asked = (
        p.burst_valid == 1 and p.burst_beats <= p.credits and waiting < s.outstanding and waiting < s.memory_outstanding
    )
    free = p.burst_valid == 0 or asked
    to_border = s.burst - (p.split_address & s.burst - 1)
    is_final = p.split_left <= to_border
    cut = free and p.split_left != 0
    takes = p.split_left == 0 or (cut and is_final)
    # The arbiter: the first client behind the one that was served last.
    p.granted = -1
    if asking and (p.arbiter_valid == 0 or takes) and p.tags_level != s.outstanding + 2:
        p.granted = _choose(p, asking)
    if asked:
        put = p.asked_put & LAST
        p.asked_beats[put], p.asked_due[put] = p.burst_beats, cycle + s.latency
        p.asked_put += 1
        p.credits -= p.burst_beats
    p.credits += leaves
    if comes:
        p.read_done += 1
        if p.read_done == p.asked_beats[p.asked_get & LAST]:
            p.read_done = 0
            p.asked_get += 1
    if free:
        p.burst_valid = p.split_left != 0
        p.burst_beats = p.split_left if is_final else to_border
    if cut:
        p.split_address += p.burst_beats
        p.split_left -= p.burst_beats
    if takes and p.arbiter_valid:
        p.split_address, p.split_left = p.arbiter_address, p.arbiter_left
    if p.arbiter_valid == 0 or takes:
        p.arbiter_valid = 0
    tag_read = p.tags_level != 0 and (p.tags_valid == 0 or tag_leaves)
    p.tags_level -= tag_read
    p.tags_get += tag_leaves
    p.tags_valid = tag_read or (p.tags_valid == 1 and not tag_leaves)
    beat_read = p.beats_level != 0 and (p.beats_valid == 0 or leaves)
    p.beats_level += comes - beat_read
    p.beats_valid = beat_read or (p.beats_valid == 1 and not leaves)


@part
def _choose(p, asking):
    """The client whose request is taken: the first behind the one that was served last, or of all."""
    behind = asking & p.behind
    chosen = behind if behind else asking
    lowest = chosen & -chosen
    p.behind = -2 * lowest
    client = 0
    while lowest >> client != 1:
        client += 1
    return client


@part
def give_request(p, client, address, beats):
    """The request that the arbiter takes; one of no beats is dropped."""
    if beats:
        p.arbiter_valid, p.arbiter_address, p.arbiter_left = 1, address, beats
        p.tag_client[p.tags_put & LAST], p.tag_beats[p.tags_put & LAST] = client, beats
        p.tags_put += 1
        p.tags_level += 1


@part
def load(loader, s, granted, offered, address, beats, passes, frees, hurries):
    """A loader's cycle, whose reader may wait for what comes next; whether it takes the job that is `offered`."""
    was_valid = loader.valid == 1
    ready = loader.left == 0 and loader.passes == 0
    asks = 0
    if not was_valid and loader.left:
        asks = min(loader.left, s.burst - (loader.address & s.burst - 1))
        if loader.free < asks:
            asks = loader.free if hurries else 0
    loader.free += frees - asks
    if was_valid:
        if granted:
            loader.address += loader.count
            loader.left -= loader.count
            loader.valid = 0
    elif loader.left == 0:
        if loader.passes:
            loader.address, loader.left = loader.start, loader.beats
            loader.passes -= 1
        elif offered:
            loader.start, loader.beats, loader.passes = address, beats, passes
    if asks:
        loader.valid, loader.count = 1, asks
    return ready and offered


@part
def fill(fifo, comes, ready):
    """A FIFO's cycle, into which a beat `comes` or not; whether one leaves it."""
    leaves = fifo.valid == 1 and ready
    reads = fifo.level != 0 and (fifo.valid == 0 or leaves)
    fifo.level += comes - reads
    fifo.valid = reads or (fifo.valid == 1 and not leaves)
    return leaves


@part
def has_room(p, s):
    """Whether the writer takes a beat."""
    return p.w_fifo != s.depth


@part
def _starts(p, s):
    """Whether the writer's next burst goes out."""
    free = p.aw_valid == 0 or p.aw_ready
    room = p.sent_put - p.answered_get != s.outstanding
    return p.writer_valid == 1 and free and p.writer_beats <= p.unclaimed and room


@part
def takes_write(p, s):
    """Whether the writer takes a request."""
    free = p.writer_valid == 0 or _starts(p, s)
    return p.writer_left == 0 or (free and p.writer_left <= s.burst - (p.writer_address & s.burst - 1))


@part
def write(p, s, comes, takes, address, beats):
    """Writer and the port's data; a beat `comes`, for which there was room, and a request is taken, or not."""
    aw_free = p.aw_valid == 0 or p.aw_ready
    starts = _starts(p, s)
    split_free = p.writer_valid == 0 or starts
    to_border = s.burst - (p.writer_address & s.burst - 1)
    final = p.writer_left <= to_border
    cut = split_free and p.writer_left != 0
    offers = p.w_valid == 1 and p.sent_put != p.sent_get
    p.sends = offers and p.w_ready == 1
    reads = p.w_fifo != 0 and (p.w_valid == 0 or p.sends)
    p.w_fifo += comes - reads
    p.w_valid = reads or (p.w_valid == 1 and not p.sends)
    p.unclaimed += comes
    if p.sends:
        p.w_number += 1
        if p.w_number == p.sent_beats[p.sent_get & LAST]:
            p.w_number = 0
            p.sent_get += 1
        p.w_level += 1
    p.written = p.b_valid == 1 and p.sent_final[p.answered_get & LAST] == 1
    p.answered_get += p.b_valid
    p.b_put += p.aw_valid == 1 and p.aw_ready == 1
    if aw_free:
        p.aw_valid = starts
    if starts:
        put = p.sent_put & LAST
        p.sent_beats[put], p.sent_final[put] = p.writer_beats, p.writer_final
        p.sent_put += 1
        p.unclaimed -= p.writer_beats
    if split_free:
        p.writer_valid, p.writer_final = p.writer_left != 0, final
        p.writer_beats = p.writer_left if final else to_border
    if cut:
        p.writer_address += p.writer_beats
        p.writer_left -= p.writer_beats
    if takes:
        p.writer_address, p.writer_left = address, beats


@part
def writes_nothing(p):
    """Whether nothing is left to be written, and all answers have come."""
    return p.writer_left == 0 and p.writer_valid == 0 and p.aw_valid == 0 and p.sent_put == p.answered_get
