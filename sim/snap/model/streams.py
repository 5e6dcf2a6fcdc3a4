"""Compiled parts: beats on their way into the PEs' rings, and the room that is left there."""

from ...compiled import part
from ...gates import offers

__all__ = ["load", "offer", "release"]


@part
def offer(m):
    """Decide which streams take a beat, where streams may stand still."""
    core = m.core[0]
    for s in range(len(m.streams)):
        stream = m.streams[s]
        stream.takes = offers(m.gates[s], m.bits, core.cycle, stream.at < stream.end) and stream.room
        if stream.takes:
            m.gates[s].offered = False
            if core.first < 0:
                core.first = core.cycle


@part
def load(m):
    """Store the beats that are taken, and see whether there is room for the next ones.

    A beat needs room in every PE that stores it, and in all of them for one more item.
    """
    for s in range(len(m.streams)):
        stream = m.streams[s]
        shown = stream.stored
        if stream.takes:
            store(m, stream, s)
            stream.stored += stream.word & 1
            stream.at += 1
            stream.changed = True
        if stream.changed:
            stream.changed = False
            stream.word = m.words[stream.at]
            fits = stream.full_items == 0 and stream.full_beats & stream.word >> 1 == 0
            stream.room = stream.takes = fits and stream.at < stream.end
        if not m.sizes.late:
            shown = stream.stored
        if stream.shown != shown:
            stream.shown = shown
            stir(m, s)


@part
def store(m, stream, s):
    """Store a beat in the rings of its receivers."""
    for receiver in range(stream.receivers):
        ring = m.rings[s, receiver]
        if stream.word >> receiver & 2:
            ring.beats += 1
            if ring.beats == stream.most_beats:
                stream.full_beats |= 1 << receiver
        if stream.word & 1:
            ring.items += 1
            if ring.items == stream.most_items:
                stream.full_items |= 1 << receiver


@part
def stir(m, s):
    """Let the AIMs look again, as their PEs see a new item of a stream."""
    if s >= m.sizes.columns:
        m.rows[s - m.sizes.columns].rests = False
    else:
        for r in range(m.sizes.rows):
            m.rows[r].rests = False


@part
def release(m):
    """Release the windows and tiles that ended with the lists used up, which PEs see in the next cycle."""
    for k in range(m.core[0].popped):
        n = m.popped[k].pe
        pe, job = m.pes[n], m.jobs[m.popped[k].job]
        if job.frees_window:
            drop(m, pe.column, pe.row, m.windows[n, job.window].beats)
        if job.frees_tile:
            drop(m, m.sizes.columns + pe.row, pe.column, m.tiles[n, job.tile])
    m.core[0].popped = 0


@part
def drop(m, s, receiver, beats):
    """Release a ring's oldest item."""
    stream, ring = m.streams[s], m.rings[s, receiver]
    ring.items -= 1
    ring.beats -= beats
    stream.full_items &= ~(1 << receiver)
    if beats:
        stream.full_beats &= ~(1 << receiver)
    stream.changed = True
