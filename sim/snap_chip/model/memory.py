"""Compiled parts: memory and the port that reads it."""

from ...compiled import part
from .state import RINGS

__all__ = ["answer", "fill", "load", "read"]


@part
def answer(m):
    """Memory's part of a cycle: whether it offers a beat, whether it answers a burst."""
    c, s = m.chip[0], m.sizes[0]
    queue = len(m.asked)
    wants_read = c.read_shown == 0 and c.asked_level > 0 and m.asked[c.asked_get % queue, 1] <= c.cycle
    wants_write = c.w_level > 0 and c.b_put > c.w_get
    c.w_ready = c.w_level < s.write_buffer
    if s.read_pace or s.shared_pace:
        c.read_credit = min(c.read_credit + max(s.read_pace, s.shared_pace), c.read_most)
    if s.write_pace:
        c.write_credit = min(c.write_credit + s.write_pace, c.write_most)
    if s.shared_pace == 0:
        if wants_read and (s.read_pace == 0 or c.read_credit >= s.bytes):
            c.read_credit -= s.bytes
            c.read_shown = 1
        if wants_write and (s.write_pace == 0 or c.write_credit >= s.bytes):
            c.write_credit -= s.bytes
            write(m)
    else:  # who was served longer ago comes first, and nobody passes one who waits
        reads = writes = False
        first_waits = False
        for turn in range(2):
            if (turn == 0) == (c.write_first == 0):
                if wants_read and not first_waits:
                    reads = c.read_credit >= s.bytes
                    first_waits = not reads
                    c.read_credit -= s.bytes * reads
            elif wants_write and not first_waits:
                writes = c.read_credit >= s.bytes
                first_waits = not writes
                c.read_credit -= s.bytes * writes
        if reads:
            c.read_shown = 1
        if writes:
            write(m)
        if reads != writes:
            c.write_first = reads
    c.b_valid = c.b_get < c.w_get and m.answers[c.b_get % len(m.answers)] <= c.cycle
    c.b_get += c.b_valid


@part
def write(m):
    """Write a beat; the burst is answered when all of its beats are written."""
    c, queue = m.chip[0], len(m.sent)
    c.w_level -= 1
    c.w_done += 1
    if c.w_done == m.sent[c.w_get % queue]:
        c.w_done = 0
        m.answers[c.w_get % queue] = c.cycle - 1 + m.sizes[0].write_latency
        c.w_get += 1


@part
def read(m):
    """Read arbiter and reader: which client gets a beat, whose request is taken."""
    c, s = m.chip[0], m.sizes[0]
    queue = len(m.asked)
    # Beats that come, and their way to the clients.
    comes, ends, final = c.read_shown == 1, False, False
    if comes:
        burst = m.asked[c.asked_get % queue]
        c.read_done += 1
        ends = c.read_done == burst[0]
        final = ends and burst[2] == 1
    c.read_shown = 0
    leaves = c.beats_valid == 1 and c.tags_valid == 1
    c.arrived = m.tags[c.tags_get % len(m.tags)] if leaves else -1
    tag_leaves = leaves and m.beats[c.beats_get % len(m.beats)] == 1
    # A burst goes out if there is room for its beats.
    may = c.burst_beats <= c.credits and c.asked_put - c.asked_get < s.outstanding
    asked = c.burst_valid == 1 and may and c.asked_put - c.asked_get < s.memory_outstanding
    free = c.burst_valid == 0 or asked
    to_border = s.burst - c.split_address % s.burst
    is_final = c.split_left <= to_border
    cut = free and c.split_left != 0
    takes = c.split_left == 0 or (cut and is_final)
    # The arbiter: the first client behind the one that was served last.
    grants = (c.arbiter_valid == 0 or takes) and c.tags_level != s.outstanding + 2
    c.granted = choose(m) if grants else -1
    if asked:
        put = m.asked[c.asked_put % queue]
        put[0], put[1], put[2] = c.burst_beats, c.cycle + s.latency, c.burst_final
        c.asked_put += 1
        c.credits -= c.burst_beats
    c.credits += leaves
    if free:
        c.burst_valid, c.burst_final = c.split_left != 0, is_final
        c.burst_beats = c.split_left if is_final else to_border
    if cut:
        c.split_address += c.burst_beats
        c.split_left -= c.burst_beats
    if takes and c.arbiter_valid:
        c.split_address, c.split_left = c.arbiter_address, c.arbiter_left
    if c.arbiter_valid == 0 or takes:
        c.arbiter_valid = 0
    tag_read = c.tags_level != 0 and (c.tags_valid == 0 or tag_leaves)
    c.tags_level -= tag_read
    c.tags_get += tag_leaves
    c.tags_valid = tag_read or (c.tags_valid == 1 and not tag_leaves)
    if c.granted >= 0:
        c.after = c.granted
        address, count = c.command_at, s.command_beats
        if c.granted:
            loader = m.loaders[c.granted - 1]
            address, count = loader.address, loader.count
        if count:
            c.arbiter_valid, c.arbiter_address, c.arbiter_left = 1, address, count
            m.tags[c.tags_put % len(m.tags)] = c.granted
            c.tags_put += 1
            c.tags_level += 1
    beat_read = c.beats_level != 0 and (c.beats_valid == 0 or leaves)
    c.beats_level += comes - beat_read
    c.beats_get += leaves
    c.beats_valid = beat_read or (c.beats_valid == 1 and not leaves)
    if comes:
        m.beats[c.beats_put % len(m.beats)] = final
        c.beats_put += 1
        if ends:
            c.read_done = 0
            c.asked_get += 1
    c.asked_level = c.asked_put - c.asked_get
    if c.arrived >= 0:
        c.client_beats[min(c.arrived, RINGS)] += 1
        c.moves += 1


@part
def choose(m):
    """The client whose request is taken, -1 if nobody asks."""
    c = m.chip[0]
    clients = len(m.loaders) + 1
    client = c.after + 1
    for _ in range(clients):
        if client >= clients:
            client = 0
        if (c.fetch == 1) if client == 0 else (m.loaders[client - 1].valid == 1):
            return client
        client += 1
    return -1


@part
def load(m, number, offered, address, beats, passes, frees, hurries):
    """A loader's cycle, whose reader may wait for what comes next; whether it takes the job that is `offered`."""
    c, s, loader = m.chip[0], m.sizes[0], m.loaders[number]
    granted, was_valid = c.granted == number + 1, loader.valid == 1
    ready = loader.left == 0 and loader.passes == 0
    asks = 0
    if not was_valid and loader.left:
        asks = min(loader.left, s.burst - loader.address % s.burst)
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
def fill(m, number, ready):
    """The FIFO behind a loader; whether a beat leaves it."""
    fifo = m.fifos[number]
    leaves = fifo.valid == 1 and ready
    reads = fifo.level != 0 and (fifo.valid == 0 or leaves)
    fifo.level += (m.chip[0].arrived == number + 1) - reads
    fifo.valid = reads or (fifo.valid == 1 and not leaves)
    return leaves
