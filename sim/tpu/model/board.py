"""Compiled parts: fetch, decoder and scoreboard."""

from ...compiled import part
from .state import ACTIVATION, BEATS, HOST_IN, HOST_OUT, MATRIX, PLACES, STRETCHES, UNITS, VECTOR

__all__ = ["HALT", "PAIR", "PASS", "QUEUE", "WAIT", "decode", "fetch", "look", "matrix_waits", "push_and_pop"]

PASS, WAIT, QUEUE, PAIR, HALT = range(5)
"""Kinds of instructions: those that nothing keeps (also a draining matmul, which is held), those that wait for units,
those for a unit's queue, an activate with its matmul, the end."""

TAKE, MULTIPLY, SPAN, REACH, JUDGE, SECOND = range(6)
"""States of the decoder."""

LAST = PLACES - 1


@part
def look(m):
    """Which units may begin their next instruction, as it is at the cycle's beginning."""
    b = m.board[0]
    for u in range(UNITS):
        k = b.issued[u]
        b.offered[u] = k < b.pushed[u]
        if b.offered[u]:
            for other in range(UNITS):
                if b.targets[u, k & LAST, other] > b.completed[other]:
                    b.offered[u] = 0


@part
def matrix_waits(m, other):
    """Whether the matrix unit's next instruction waits for another unit."""
    b = m.board[0]
    k = b.issued[MATRIX]
    return k < b.pushed[MATRIX] and b.targets[MATRIX, k & LAST, other] > b.completed[other]


@part
def _has_room(b, u):
    return b.pushed[u] - b.completed[u] != b.depth[u]


@part
def _is_busy(m, units):
    """Whether one of the units has not completed all."""
    b = m.board[0]
    for u in range(UNITS):
        if units >> u & 1 and b.pushed[u] != b.completed[u]:
            return True
    return units >> HOST_OUT & 1 == 1 and m.core[0].unwritten != 0


@part
def decode(m):
    """A cycle of the decoder."""
    c, b = m.core[0], m.board[0]
    c.takes, c.push = 0, -1
    if c.state == TAKE:
        if c.parts != 0 and c.left != 0:
            c.takes = 1
            c.state = MULTIPLY
    elif c.state < JUDGE:
        c.state += 1
    else:
        i = m.instructions[c.pc]
        leaves = False
        if c.state == SECOND:
            if _has_room(b, ACTIVATION):
                c.push = ACTIVATION
                leaves = True
        elif i.kind == PASS:
            leaves = True
        elif i.kind == WAIT:
            leaves = not _is_busy(m, i.units)
        elif i.kind == QUEUE:
            if _has_room(b, i.unit):
                c.push = i.unit
                leaves = True
        elif i.kind == PAIR:
            if _has_room(b, ACTIVATION) and _has_room(b, MATRIX):
                c.push = MATRIX
                c.state = SECOND
        elif not _is_busy(m, i.units):
            leaves = True
            c.halted = 1
        if leaves:
            c.pc += 1
            c.instructions += 1
            c.state = TAKE


@part
def fetch(m):
    """A cycle of the fetch, from whose beats the decoder takes an instruction or not."""
    c, s = m.core[0], m.sizes[0]
    comes = m.fifos[BEATS].valid == 1 and (c.parts == 0 or (c.parts == 1 and c.takes == 1))
    c.leaves[0] = comes
    c.left -= c.takes
    c.parts -= c.takes
    if comes:
        c.beat += 1
        c.parts = 0
        if c.beat == s.per_instruction:
            c.beat = 0
            c.parts = s.per_beat


@part
def push_and_pop(m):
    """The clock edge of the scoreboard: what was dispatched, begun and completed in this cycle."""
    c, b = m.core[0], m.board[0]
    if c.push >= 0:
        _enter(m, c.push)
    for u in range(UNITS):
        b.issued[u] += b.issue[u]
        b.completed[u] += b.done[u]
        b.issue[u] = b.done[u] = 0


@part
def _enter(m, u):
    """Put an instruction into a queue: it waits for the youngest of each other unit that touches the same rows."""
    c, b = m.core[0], m.board[0]
    place = b.pushed[u] & LAST
    # A pair's first one is the matmul before, and the second one has left the decoder.
    i = m.instructions[c.pc - 1]
    for n in range(STRETCHES):
        b.first[u, place, n], b.last[u, place, n] = i.first[n], i.last[n]
    for other in range(UNITS):
        b.targets[u, place, other] = 0
        if u != other and _touches(u) and _touches(other):
            for k in range(b.completed[other], b.pushed[other]):
                if _in_conflict(b, u, place, other, k & LAST):
                    b.targets[u, place, other] = k + 1
    b.pushed[u] += 1


@part
def _in_conflict(b, u, place, other, there):
    """Whether two entries have a row in common that one of them writes."""
    for mine in range(STRETCHES if u == VECTOR else 1):
        for theirs in range(STRETCHES if other == VECTOR else 1):
            if (mine == 0 and _writes(u)) or (theirs == 0 and _writes(other)):
                begins = b.first[u, place, mine] <= b.last[other, there, theirs]
                if begins and b.first[other, there, theirs] <= b.last[u, place, mine]:
                    return True
    return False


@part
def _writes(u):
    """Whether a unit writes the unified buffer."""
    return u == HOST_IN or u == ACTIVATION or u == VECTOR


@part
def _touches(u):
    """Whether it reads or writes it."""
    return _writes(u) or u == HOST_OUT or u == MATRIX
