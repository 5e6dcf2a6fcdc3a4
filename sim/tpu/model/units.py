"""Compiled parts: units that move data."""

from ...bus.parts import fill, has_room, takes_write, write
from ...compiled import part
from .buffer import can_fetch, can_store
from .state import (
    ASKS,
    BEATS,
    HOST,
    HOST_IN,
    HOST_OUT,
    OUT_ROWS,
    PARAMETERS,
    PLACES,
    RESULT_ROWS,
    SETS,
    VECTOR,
    WEIGHTS,
    WORK,
)
from .vector import row_fetched, row_stored, step_vector

__all__ = ["combine", "give_host", "give_sets", "give_weights", "pass_entry", "take_host"]


@part
def pass_entry(m, u, asked):
    """A unit's queue of entries, of which one may be done, and a request is taken or not; whether it takes an entry."""
    c, b = m.core[0], m.board[0]
    room = m.fifos[WORK + u].level != b.depth[u] and m.fifos[ASKS + u].level != b.depth[u]
    b.issue[u] = b.offered[u] == 1 and room
    fill(m.fifos[WORK + u], b.issue[u], b.done[u] == 1)
    fill(m.fifos[ASKS + u], b.issue[u], asked)
    c.worked[u] += b.done[u]
    c.asked[u] += asked
    return b.issue[u]


@part
def give_weights(m, ready):
    """Weight unit, whose row is taken if the matrix unit is `ready`; whether it offers one."""
    c, s = m.core[0], m.sizes[0]
    if m.fifos[WORK + WEIGHTS].valid == 0:
        return False
    entry, beat = m.moves[WEIGHTS][c.worked[WEIGHTS]], m.fifos[BEATS + 2].valid == 1
    stored, final = c.row < entry.rows, c.chunk == entry.chunks - 1
    offers = (beat and final) if stored else True
    goes = offers and ready
    c.leaves[2] = beat and stored and (ready or not final)
    if goes:
        c.chunk = 0
        c.row += 1
        if c.row == s.tile_rows:
            c.row = 0
            c.tile += 1
            if c.tile == entry.tiles:
                c.tile = 0
                m.board[0].done[WEIGHTS] = 1
    elif c.leaves[2]:
        c.chunk += 1
    return offers


@part
def give_sets(m, leaves):
    """Parameter unit, and the FIFO behind it, from which a beat leaves or not."""
    c, s, entries = m.core[0], m.sizes[0], m.fifos[WORK + PARAMETERS]
    goes = entries.valid == 1 and m.fifos[BEATS + 3].valid == 1 and m.fifos[SETS].level != s.set_rows
    c.leaves[3] = goes
    if goes:
        c.number += 1
        if c.number == m.moves[PARAMETERS][c.worked[PARAMETERS]].beats:
            c.number = 0
            m.board[0].done[PARAMETERS] = 1
    fill(m.fifos[SETS], goes, leaves)


@part
def take_host(m):
    """Unit that reads from the host; the row that it stores, -1 for none."""
    c, s = m.core[0], m.sizes[0]
    c.host_stores = -1
    if m.fifos[WORK + HOST_IN].valid == 0 or m.fifos[BEATS + 1].valid == 0:
        return -1
    entry = m.moves[HOST_IN][c.worked[HOST_IN]]
    place = c.in_place if c.in_begun else entry.ub >> s.beat_bits
    left = c.in_left if c.in_begun else entry.granules
    row = place >> s.chunk_bits
    last = left <= 1 << s.beat_bits
    whole = last or place & s.chunks - 1 == s.chunks - 1
    if whole:
        c.host_stores = row
        if not can_store(m, row):
            return -1
    c.leaves[1] = 1
    c.in_begun, c.in_place, c.in_left = not last, place + 1, left - (1 << s.beat_bits)
    m.board[0].done[HOST_IN] = last
    return row if whole else -1


@part
def _fetch_row(m):
    """Ask for the next row for the host; whether it is read."""
    c, s = m.core[0], m.sizes[0]
    c.host_fetches = -1
    if m.fifos[WORK + HOST_OUT].valid == 0 or c.credits == 0:
        return False
    entry = m.moves[HOST_OUT][c.worked[HOST_OUT]]
    granules = 1 << s.row_bits
    first = 0 if c.out_begun else entry.ub & granules - 1
    left = c.out_left if c.out_begun else entry.granules
    row = c.out_row if c.out_begun else entry.ub >> s.row_bits
    c.host_fetches = row
    if not can_fetch(m, row):
        return False
    last = left <= granules - first
    put = c.out_put & PLACES - 1
    c.out_chunk[put], c.out_end[put] = first >> s.beat_bits, first + left if last else granules
    c.out_put += 1
    c.out_begun, c.out_row, c.out_left = not last, row + 1, left - (granules - first)
    m.board[0].done[HOST_OUT] = last
    return True


@part
def give_host(m):
    """Unit that writes to the host, and the port's writer; whether a request is taken."""
    c, s, p, bus = m.core[0], m.sizes[0], m.ports[HOST], m.bus[0]
    get = c.out_get & PLACES - 1
    beats = 1 << s.beat_bits
    chunk = c.give_chunk if c.give_begun else c.out_chunk[get]
    final = c.out_end[get] - (chunk << s.beat_bits) <= beats
    gives = m.fifos[OUT_ROWS].valid == 1 and has_room(p, bus)
    leaves = gives and final
    fetched = _fetch_row(m)
    fill(m.fifos[OUT_ROWS], c.out_way >> 1, leaves)
    c.out_way = c.out_way << 1 & 3 | fetched
    c.credits += leaves - fetched
    if gives:
        c.give_begun, c.give_chunk = not final, chunk + 1
    c.out_get += leaves
    entry = m.moves[HOST_OUT][c.asked[HOST_OUT]]
    asked = m.fifos[ASKS + HOST_OUT].valid == 1 and takes_write(p, bus)
    c.unwritten -= p.written
    write(p, bus, gives, asked, entry.address, entry.beats)
    c.host_out_beats += p.sends
    return asked


@part
def combine(m):
    """Vector unit, where the host fetches and stores no row; the row that it stores, -1 for none."""
    c, b, u, results = m.core[0], m.board[0], m.vector[0], m.fifos[RESULT_ROWS]
    row_bits, number = m.sizes[0].row_bits, b.issued[VECTOR]
    entry, following = m.vectors[number - 1], m.vectors[number]
    fetches, stores = row_fetched(u), row_stored(u, entry, results, row_bits)
    fetched = fetches >= 0 and c.host_fetches < 0 and can_fetch(m, fetches)
    stored = stores >= 0 and c.host_stores < 0 and can_store(m, stores)
    offered = b.offered[VECTOR] == 1
    b.issue[VECTOR], b.done[VECTOR] = step_vector(u, entry, results, row_bits, fetched, stored, offered, following)
    c.vector_rows += stored
    return stores if stored else -1
