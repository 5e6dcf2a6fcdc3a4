"""The matrix unit's control, cycle by cycle: compiled functions of `predict`.

`UNIT` holds the control's registers and its counters. What a block does in a cycle depends on what all registers held
at the cycle's beginning, so `cycle` first asks all blocks what they do, and then lets them do it. Functions take
records, never arrays: numba counts the users of an array, which would take longer than the work.
"""

from typing import NamedTuple

import numpy as np

from ..compiled import compiled, part

__all__ = ["ISSUES", "UNIT", "WAITS_FOR_ACCUMULATORS", "WAITS_FOR_WEIGHTS", "Sizes", "advance", "cycle"]

QUEUE = 64
"""Places of the longest drain queue."""

FLIGHT = 1 << 13
"""A power of two of more cycles than the longest way through an array and its accumulators."""

UNIT = np.dtype([
    *((name, np.int64) for name in (
        "taken", "active", "first", "rows", "address", "accumulate", "drain", "swap",  # commands taken; the present one
        "conflict",  # its next row is in a range that drains
        "level", "filled", "tiles",  # weight FIFO: rows in it; rows written of a tile; whole tiles that nobody claimed
        "reading", "row", "loaded", "settle",  # weight loader
        "pushed", "finished", "landed",  # ranges that came to the drain queue and left it; rows that may leave
        "granted", "stored", "arriving",  # places of the output: given to rows, shown; whether a row comes to one
        "last_issue", "last_read",  # cycles in which a row last entered the array and left the accumulators
        "cycles", "issued", "wait_weights", "wait_accumulators", "wait_activations",
    )),
    ("range_address", np.int64, QUEUE), ("range_rows", np.int64, QUEUE),  # what is left of the ranges in the queue
    ("flight", np.uint8, FLIGHT),  # what entered the array in the last cycles, by cycle
])  # fmt: skip

ACCUMULATES, DRAINS, ODD = 1, 2, 4
"""What the accumulators learn of a row: its mode and its bank. Without a row all are 0."""

READY, WAITS_FOR_WEIGHTS, WAITS_FOR_ACCUMULATORS, WAITS_FOR_ACTIVATIONS, ISSUES = range(5)
"""What the sequencer does in a cycle; the first is to have no command."""

OUTPUT_SLOTS = 2
"""Rows of sums that wait at the output."""


class Sizes(NamedTuple):
    """Numbers of the configuration; accumulator rows, a power of two, as a mask of addresses."""

    rows: int
    fifo_rows: int
    settle_cycles: int
    address_mask: int
    drain_queue: int
    flight_cycles: int


@part
def _sequencer(unit, sizes, activation):
    """What the `Sequencer` does; an `activation` row is offered or not."""
    if not unit.active:
        return READY
    if unit.first and unit.swap and not (unit.loaded and unit.settle == 0):
        return WAITS_FOR_WEIGHTS
    full = unit.pushed - unit.finished == sizes.drain_queue
    if unit.conflict or (unit.first and unit.drain and full):
        return WAITS_FOR_ACCUMULATORS
    return ISSUES if activation else WAITS_FOR_ACTIVATIONS


@part
def _in_flight(unit, sizes, issues):
    """Put the row that enters on its way; returns which one lands, and which one is written two cycles after that."""
    entering = 0
    if issues:
        entering = ACCUMULATES * unit.accumulate + DRAINS * unit.drain + ODD * (unit.address & 1)
    unit.flight[unit.cycles & FLIGHT - 1] = entering
    entered = unit.cycles - sizes.flight_cycles
    return unit.flight[entered & FLIGHT - 1], unit.flight[entered - 2 & FLIGHT - 1]


@part
def _reads(unit, landing, pops):
    """Whether `DrainControl` reads a row: there is one, and a place; the row that lands needs the other bank's port."""
    odd = unit.range_address[unit.finished & QUEUE - 1] & 1
    busy = landing & ACCUMULATES and (landing & ODD == ODD) == odd
    return unit.landed > 0 and not busy and (unit.granted != OUTPUT_SLOTS or pops)


@part
def _in_range(unit, sizes, address, own):
    """Whether a row is in a range that has to drain; `own` excepts the newest."""
    for number in range(unit.finished, unit.pushed - own):
        place = number & QUEUE - 1
        if address - unit.range_address[place] & sizes.address_mask < unit.range_rows[place]:
            return True
    return False


@part
def _conflict(unit, sizes, command, takes, issues):
    """Whether the row that may enter in the next cycle has to wait for a range to drain."""
    if not takes:
        own = unit.drain and not unit.first
        return _in_range(unit, sizes, unit.address + issues & sizes.address_mask, own)
    pushed = issues and unit.first and unit.drain and unit.address == command.address
    return pushed or _in_range(unit, sizes, command.address, False)


@part
def _drain(unit, sizes, pushes, reads, written, pops):
    """The clock edge of `DrainControl`."""
    unit.granted += reads - pops
    unit.stored += unit.arriving - pops
    unit.arriving = reads
    if pushes:
        place = unit.pushed & QUEUE - 1
        unit.range_address[place], unit.range_rows[place] = unit.address, unit.rows
        unit.pushed += 1
    if written & DRAINS:
        unit.landed += 1
    if reads:
        unit.landed -= 1
        unit.last_read = unit.cycles
        head = unit.finished & QUEUE - 1
        unit.range_address[head] = unit.range_address[head] + 1 & sizes.address_mask
        unit.range_rows[head] -= 1
        if unit.range_rows[head] == 0:
            unit.finished += 1


@part
def _load(unit, sizes, swaps, weights):
    """The clock edge of `WeightFIFO`, to which a row of `weights` is offered or not, and of `WeightLoader`."""
    last = unit.reading and unit.row == sizes.rows - 1
    starts = unit.tiles > 0 and (last or not unit.reading) and (swaps or not unit.loaded)
    if weights and unit.level < sizes.fifo_rows:
        unit.level += 1
        unit.filled += 1
        if unit.filled == sizes.rows:
            unit.filled = 0
            unit.tiles += 1
    if unit.reading:
        unit.level -= 1
        unit.row += 1
    if last:
        unit.row = unit.reading = 0
    if unit.settle > 0:
        unit.settle -= 1
    if swaps:
        unit.loaded = 0
    if starts:
        unit.tiles -= 1
        unit.reading = unit.loaded = 1
        unit.settle = sizes.settle_cycles


@part
def _next_row(unit, sizes):
    """The clock edge of `Sequencer` after a row entered."""
    unit.issued += 1
    unit.last_issue = unit.cycles
    unit.rows -= 1
    unit.address = unit.address + 1 & sizes.address_mask
    unit.first = 0


@part
def _take(unit, command):
    """The clock edge of `Sequencer` when it takes a command; one without rows is skipped."""
    unit.taken += 1
    unit.active = command.rows != 0
    unit.first = 1
    unit.rows, unit.address = command.rows, command.address
    unit.accumulate, unit.drain, unit.swap = command.accumulate, command.drain, command.swap


@part
def cycle(unit, sizes, command, offered, activation, weights, ready):
    """One cycle, in which `command`, an `activation` row and a row of `weights` are offered or not; what it does.

    Rows of sums leave if the receiver is `ready`.
    """
    does = _sequencer(unit, sizes, activation)
    issues = does == ISSUES
    takes = does == READY or (issues and unit.rows == 1)
    swaps = issues and unit.first and unit.swap
    pushes = issues and unit.first and unit.drain
    pops = unit.stored > 0 and ready
    landing, written = _in_flight(unit, sizes, issues)
    reads = _reads(unit, landing, pops)
    unit.conflict = _conflict(unit, sizes, command, takes, issues)
    _drain(unit, sizes, pushes, reads, written, pops)
    _load(unit, sizes, swaps, weights)
    unit.wait_weights += does == WAITS_FOR_WEIGHTS
    unit.wait_accumulators += does == WAITS_FOR_ACCUMULATORS
    unit.wait_activations += does == WAITS_FOR_ACTIVATIONS
    if issues:
        _next_row(unit, sizes)
    if takes:
        unit.active = 0
        if offered:
            _take(unit, command)
    unit.cycles += 1
    return does


@part
def _busy(unit, sizes):
    """Whether the cycle counts although no command is offered (``later_work`` of `MatrixUnit`)."""
    in_flight = unit.cycles <= unit.last_issue + sizes.flight_cycles + 1
    leaving = unit.pushed > unit.finished or unit.cycles <= unit.last_read + 2
    return unit.active or in_flight or leaving


@compiled
def advance(sizes, commands, units):
    """Run commands until nothing is left to do; activation and weight rows are always offered, and sums taken.

    Parameters
    ----------
    sizes
        `Sizes`.
    commands
        `MATRIX_COMMAND` array.
    units
        One `UNIT`, zeros; holds the counters afterwards.
    """
    unit = units[0]
    unit.last_issue = unit.last_read = -FLIGHT
    for number in range(len(commands)):
        while unit.taken == number:
            cycle(unit, sizes, commands[number], True, True, True, True)
    while _busy(unit, sizes):
        cycle(unit, sizes, commands[-1], False, True, True, True)
