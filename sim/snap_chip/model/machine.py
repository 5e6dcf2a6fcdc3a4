"""The SNAP chip, cycle by cycle.

What a part does in a cycle depends on what the others' registers held at its beginning, so parts are called in such an
order that each still finds that: who takes beats before who offers them.
"""

from ....hw.snap_chip.config import NO_LINE
from ...bus.parts import answer
from ...compiled import compiled, part
from ...gates import offers
from ...snap.model.pes import match, work
from ...snap.model.reducer import begin_block, reduce
from ...snap.model.state import BLOCKS
from ...snap.model.streams import load as load_core
from ...snap.model.streams import offer, release
from ...state import by_address
from .blocks import expand, fetch_tiles, go_through_blocks, locate, pool, scan_block
from .memory import load, read
from .outputs import give_slots, scan_outputs, take_scales, take_sums, take_words
from .state import READERS
from .tiles import load_tiles, read_segments
from .weights import feed
from .writing import is_written, write_segments, writer_idle

__all__ = ["ASK", "BEGIN", "DONE", "LIMIT", "advance", "begin"]

LIMIT, BEGIN, DONE = range(3)
"""Why `advance` returns: so many cycles have passed; a layer has begun with the last cycle; the list is over."""

OVER, ASK, RECEIVE, WAIT, BEGINS, RUN = range(6)
"""States of the command fetch."""


@part
def cycle(m):
    """A cycle of everything."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    idle = c.fetch == WAIT and is_idle(m)
    written = is_written(m)
    c.lines_seen, c.tiles_seen, c.free_seen, c.slot_free = c.band_line, c.load_tile, c.free_line, c.tiles_read
    answer(m.memory_port[0], m.bus[0], c.cycle)
    read(m)
    scan_outputs(m, write_segments(m))
    scale_leaves = take_scales(m)
    if layer.convolves:
        for k in range(s.cores):
            take_sums(m, k, m.cores[k])
            step_core(m, k, m.cores[k])
    else:
        take_words(m)
    c.rounds = c.rounds_loaded
    give_slots(m)
    load_weights(m)
    room = s.tile_slots
    for r in range(s.rows):
        room = min(room, s.tile_slots - (c.put - m.rows[r].at))
    for r in range(s.rows):
        if layer.convolves:
            expand(m, r)
        else:
            pool(m, r)
    go_through_blocks(m, scan_block(m, locate(m, fetch_tiles(m, room))))
    read_segments(m, 0, m.in_lengths, load_tiles(m))
    read_segments(m, 1, m.residual_lengths, c.residual_leaves == 1)
    c.residual_leaves = 0
    if load(m, READERS - 1, c.scales == 1, layer.scale_address, layer.scale_beats, layer.regions, scale_leaves, False):
        c.scales = 0
    if written:
        c.free_line = NO_LINE
    fetch(m, idle, written)


@part
def step_core(m, k, machine):
    """A core's cycle."""
    s, core = m.sizes[0], machine.core[0]
    for column in range(s.columns):
        m.bits[machine.gates[column].offset] = m.rings[k * s.columns + column].out == 0
    for row in range(s.rows):
        m.bits[machine.gates[s.columns + row].offset] = m.copies[row * s.cores + k].valid == 0
    command = m.copies[s.rows * s.cores + k]
    gate = machine.gates[len(machine.streams)]
    m.bits[gate.offset] = command.valid == 0
    offer(machine)
    for column in range(s.columns):
        m.rings[k * s.columns + column].taken = machine.streams[column].takes
    for row in range(s.rows):
        m.copies[row * s.cores + k].ready = machine.streams[s.columns + row].takes
    match(machine)
    if machine.sizes.late:
        release(machine)
    work(machine)
    if not machine.sizes.late:
        release(machine)
    offered = offers(gate, m.bits, core.cycle, core.block < len(machine.blocks))
    command.ready = reduce(machine, offered)
    if command.ready:
        gate.offered = False
        m.chip[0].moves += 1
    load_core(machine)
    core.cycle += 1


@part
def load_weights(m):
    """Weight buffers, their feeders and loaders."""
    c, s = m.chip[0], m.sizes[0]
    first = s.rows * s.cores + s.cores
    for number in range(len(m.rings)):
        hurries = m.rings[number].fetched == m.rings[number].stored
        frees = feed(m, number, m.copies[first + number])
        waits = c.waiting >> number & 1 == 1
        job = m.jobs[c.command, number]
        if load(m, READERS + number, waits, job[0], job[1], job[2], frees, hurries):
            c.taken |= 1 << number


@part
def is_idle(m):
    """Whether nothing of the layer is left anywhere."""
    c, s = m.chip[0], m.sizes[0]
    if c.more or c.loads or c.bands_waiting or c.looks or c.fetches or c.counts:
        return False
    for r in range(s.rows):
        if m.rows[r].at != c.put or m.rows[r].valid:
            return False
    for n in range(len(m.copies)):
        if m.copies[n].valid:
            return False
    if c.scan_left or c.scan_valid or c.busy or c.under_way or c.full or c.packer_waits or c.level:
        return False
    return writer_idle(m)


@part
def fetch(m, idle, written):
    """Command fetch."""
    c, s = m.chip[0], m.sizes[0]
    waiting = c.waiting
    c.waiting &= ~c.taken
    c.taken = 0
    received = c.received
    c.received += m.memory_port[0].arrived == 0
    running = c.running
    if written:
        c.running = 0
    if c.fetch == ASK:
        c.received = 0
        if m.memory_port[0].granted == 0:
            c.fetch = RECEIVE
    elif c.fetch == RECEIVE:
        if received == s.command_beats:
            c.command += 1
            c.command_at += s.command_beats
            c.fetch = WAIT
            if m.operations[c.command] == 1:
                c.waiting = (1 << len(m.rings)) - 1
    elif c.fetch == WAIT:
        if idle and running == 0 and waiting == 0:
            c.fetch = BEGINS
    elif c.fetch == BEGINS:
        c.fetch = OVER
        if m.operations[c.command]:
            c.running = 1
            c.fetch = RUN
    elif c.fetch == RUN:
        c.fetch = ASK


@compiled
def advance(m, limit):
    """Run until a layer begins, the list is over, or so many cycles have passed since reset."""
    m = by_address(m)
    c = m.chip[0]
    while c.cycle < limit:
        was = c.fetch
        cycle(m)
        c.cycle += 1
        if was == RUN:
            return BEGIN
        if c.fetch == OVER:
            return DONE
    return LIMIT


@compiled
def begin(machine):
    """Begin a core's work on a layer."""
    machine = by_address(machine)
    for b in range(BLOCKS):
        begin_block(machine, b)
    load_core(machine)
