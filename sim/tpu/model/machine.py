"""The TPU, cycle by cycle.

What a part does in a cycle depends on what the others' registers held at its beginning, so parts are called in such an
order that each still finds that: who takes before who offers.
"""

from ...bus.parts import answer, fill, give_request, load, read
from ...compiled import compiled, part
from ...state import by_address
from ...systolic.machine import ISSUES, WAITS_FOR_ACCUMULATORS, WAITS_FOR_WEIGHTS
from ...systolic.machine import cycle as step_matrix
from .board import decode, fetch, look, matrix_waits, push_and_pop
from .buffer import activate, choose, feed, keep
from .state import (
    ACTIVATION,
    ASKS,
    BEATS,
    COMMANDS,
    HOST_IN,
    HOST_OUT,
    MATRIX,
    PARAMETERS,
    PLACES,
    READERS,
    ROWS,
    VECTOR,
    WEIGHT_MEMORY,
    WEIGHTS,
)
from .units import combine, give_host, give_sets, give_weights, pass_entry, take_host

__all__ = ["advance"]


@part
def _cycle(m):
    """A cycle of everything."""
    c = m.core[0]
    for number in range(2):
        answer(m.ports[number], m.bus[0], c.cycle)
    look(m)
    decode(m)
    for reader in range(READERS):
        c.leaves[reader] = 0
    fetch(m)
    for number in range(2):
        _read(m, number)
    put, used = _multiply(m)
    choose(m)
    stored = take_host(m)
    host_out_asked = give_host(m)
    combined = combine(m)
    keep(m, max(stored, combined), put, used)
    if _load(m, 0, c.asks == 1, c.address, c.beats):
        c.asks = 0
    _load_entry(m, 1, HOST_IN)
    _load_entry(m, 2, WEIGHTS)
    _load_entry(m, 3, PARAMETERS)
    c.unwritten += pass_entry(m, HOST_OUT, host_out_asked)
    push_and_pop(m)


@part
def _read(m, number):
    """A port's read side, which two loaders share."""
    c, p = m.core[0], m.ports[number]
    asking = m.loaders[2 * number].valid | m.loaders[2 * number + 1].valid << 1
    read(p, m.bus[0], c.cycle, asking)
    if p.granted >= 0:
        loader = m.loaders[2 * number + p.granted]
        give_request(p, p.granted, loader.address, loader.count)
    if number == WEIGHT_MEMORY:
        c.weight_beats += p.arrived == 0
        c.parameter_beats += p.arrived == 1
    else:
        c.host_in_beats += p.arrived == 1


@part
def _load(m, reader, offered, address, beats):
    """A reader of beats; whether it takes the job that is offered."""
    p, frees = m.ports[reader // 2], m.core[0].leaves[reader]
    fill(m.fifos[BEATS + reader], p.arrived == reader % 2, frees == 1)
    return load(m.loaders[reader], m.bus[0], p.granted == reader % 2, offered, address, beats, 1, frees, False)


@part
def _load_entry(m, reader, unit):
    """A reader of beats, and the queue of the unit whose jobs it takes."""
    entry = m.moves[unit][m.core[0].asked[unit]]
    pass_entry(m, unit, _load(m, reader, m.fifos[ASKS + unit].valid == 1, entry.address, entry.beats))


@part
def _multiply(m):
    """Matrix unit and what surrounds it; address (-1: none) and granules of a put."""
    c, unit = m.core[0], m.unit[0]
    weights = give_weights(m, unit.level < m.matrix_sizes.fifo_rows)
    sums_ready, loads, put, used = activate(m, unit.stored > 0)
    give_sets(m, loads)
    offered, row = m.fifos[COMMANDS].valid == 1, m.fifos[ROWS].valid == 1
    command = m.commands[c.command_get & PLACES - 1]
    taken, level = unit.taken, unit.level
    does = step_matrix(unit, m.matrix_sizes, command, offered, row, weights, sums_ready)
    takes = unit.taken != taken
    _count(m, does, offered or row)
    # Whole tiles that came, less those that commands were taken for.
    if weights and level < m.matrix_sizes.fifo_rows:
        c.row_of_tile += 1
        if c.row_of_tile == m.sizes[0].tile_rows:
            c.row_of_tile = 0
            c.ahead += 1
    c.ahead -= takes and command.swap == 1
    feed(m, does == ISSUES, takes)
    return put, used


@part
def _count(m, does, fed):
    """Where the cycle goes: to the first of the categories that applies."""
    c, b = m.core[0], m.board[0]
    if does == ISSUES:
        c.active += 1
    elif does == WAITS_FOR_WEIGHTS:
        c.weight_shift += c.ahead >= 0
        c.weight_stall += c.ahead < 0
    elif does == WAITS_FOR_ACCUMULATORS:
        c.accumulators += 1
    elif matrix_waits(m, ACTIVATION) or matrix_waits(m, VECTOR):
        c.raw += 1
    elif matrix_waits(m, HOST_IN):
        c.input += 1
    elif fed or b.pushed[MATRIX] != b.completed[MATRIX]:
        c.fill += 1
    else:
        c.idle += 1


@compiled
def advance(m, limit, unit, entries):
    """Run until the program has halted, so many cycles have passed, or a unit has completed so many entries.

    Returns whether it has halted.
    """
    m = by_address(m)
    c, b = m.core[0], m.board[0]
    while c.cycle < limit and c.halted == 0 and b.completed[unit] < entries:
        _cycle(m)
        c.cycle += 1
    return c.halted == 1
