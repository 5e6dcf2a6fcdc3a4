"""Compiled parts: vector unit."""

from collections.abc import Mapping

import numpy as np

from ....hw.tpu.isa import OPERATIONS
from ...bus.parts import fill
from ...bus.state import numbers
from ...compiled import part

__all__ = ["ENTRY", "RESULTS", "UNIT", "begin_vector", "entry_of", "row_fetched", "row_stored", "step_vector"]

REDUCE_LATENCY = 4
"""Cycles from a window's last step to its sum, which goes to the FIFO of results or to the lanes."""

LANES_LATENCY, TABLE_LATENCY = 12, 6
"""Cycles from a row that comes to the lanes to its results: a cycle of waiting, four passes, and those of a lane."""

PASSES = 4
"""Cycles in which lanes take a row."""

RESULTS = 5
"""Results between their last step and their last store."""

TABLE_GRANULES = 64

ADDRESSES = 1 << 24
"""Addresses and places in an image are counted modulo this."""

ENTRY = numbers(
    "pool", "table", "lanes", "taps", "kernel_rows", "rows", "width", "pitch", "dst", "a", "b", "x", "y", "columns",
    "lines", "tap_step", "kernel_step", "column_step", "line_step", "image_step", "stride", "dilation", "line",
    "height", "first", "last",
)  # fmt: skip
"""A ``pool``, whose ``ub`` is `a` and whose columns of the kernel are `taps`, or a ``vector``: 1 or 2 rows a result."""

UNIT = numbers(
    # the entry that is executed: is there one, does its walk begin, is that through a table
    "busy", "starts", "fills",
    # the walk: is a tap offered; numbers of tap, row of the kernel, column, line, image, result
    "walks", "tap", "kernel", "column", "line", "image", "result",
    # the tap whose rows are fetched, if there is one: which rows it needs, whether it is at the second of two
    "held", "row", "low", "high", "second", "last", "of_table",
    # results: places, cycles until the next may end, those under way as bits, stores, and whether one is half stored
    "room", "wait", "way", "stored", "half",
)  # fmt: skip
"""Registers of the vector unit."""


def begin_vector() -> np.ndarray:
    """The unit as a reset leaves it."""
    unit = np.zeros(1, UNIT)
    unit["room"] = RESULTS
    return unit


def entry_of(values: Mapping[str, int], row_granules: int, *, pool: bool) -> dict[str, int]:
    """Values of `ENTRY`, from an instruction's fields and the registers that it uses."""
    if pool:
        own = {"lanes": values["average"], "taps": values["kernel_columns"], "a": values["ub"]}
        return {**values, **own, "pool": 1, "pitch": values["pool_pitch"], "first": values["window_first"],
                "last": values["window_last"]}  # fmt: skip
    operation = OPERATIONS[values["operation"]]
    own = {"pool": 0, "table": operation == "table", "lanes": operation != "max", "kernel_rows": 1}
    taps = 1 if operation == "table" else 2
    return {**values, **own, "taps": taps, "width": row_granules, "pitch": row_granules}


@part
def _may_go(u):
    """Whether there is a tap whose next row, or nothing, may be fetched."""
    ends = u.last and (u.second or not (u.low and u.high))
    return u.held and (not ends or (u.room != 0 and u.wait == 0))


@part
def row_fetched(u):
    """Row that the unit `u` wants to fetch in this cycle, -1 for none."""
    if not _may_go(u) or not (u.low or u.high):
        return -1
    return u.row + (u.second or not u.low)


@part
def row_stored(u, e, results, row_bits):
    """Row that it wants to store of the entry `e`, -1 for none; `results`: its FIFO."""
    if results.valid == 0:
        return -1
    return (e.dst + u.stored * e.pitch >> row_bits) + u.half


@part
def _signed(place):
    """As a signed number modulo `ADDRESSES`."""
    return (place + (ADDRESSES >> 1) & ADDRESSES - 1) - (ADDRESSES >> 1)


@part
def _hold(u, e, row_bits):
    """Take the tap that is offered: which rows it needs."""
    size = 1 << row_bits
    u.of_table = u.fills
    u.last = u.tap == e.taps - 1 and u.kernel == e.kernel_rows - 1
    u.low, u.high = 1, 0
    if u.fills:
        u.row = e.b + u.result >> row_bits
        u.last = 1
    elif e.pool == 0:
        u.row = ((e.b if u.tap else e.a) >> row_bits) + u.result
    else:
        column, tap = u.column * e.column_step, u.tap * e.tap_step
        address = e.a + u.image * e.image_step + u.line * e.line_step + column + u.kernel * e.kernel_step + tap
        x = _signed(e.x + column + tap)
        y = _signed(e.y + u.line * e.stride + u.kernel * e.dilation)
        u.row = (address & ADDRESSES - 1) >> row_bits
        split = size - (address & size - 1)
        first, end = max(0, -x), min(e.width, e.line - x)
        inside = y >= 0 and y < e.height
        following = u.row + 1 & (ADDRESSES >> row_bits) - 1
        u.low = inside and e.first <= u.row and u.row <= e.last and first < min(end, split)
        u.high = inside and e.first <= following and following <= e.last and max(first, split) < end
        if u.high and not u.low:
            u.row = following - 1


@part
def _walk(u, e):
    """Go on to the next tap; whether there is none."""
    if not u.fills:
        u.tap += 1
        if u.tap != e.taps:
            return False
        u.tap = 0
        u.kernel += 1
        if u.kernel != e.kernel_rows:
            return False
        u.kernel = 0
        u.column += 1
        if u.column == e.columns:
            u.column = 0
            u.line += 1
            if u.line == e.lines:
                u.line = 0
                u.image += 1
    u.result += 1
    return u.result == (TABLE_GRANULES if u.fills else e.rows)


@part
def step_vector(u, e, results, row_bits, fetched, stored, offered, following):
    """A cycle of the unit `u` in the entry `e`, whose fetch and store are taken or not.

    Another entry, `following`, is `offered` or not. Returns whether it is taken, and whether `e` is done.
    """
    place = e.dst + u.stored * e.pitch
    beyond = (place & (1 << row_bits) - 1) + e.width > 1 << row_bits
    leaves = stored and (u.half or not beyond)
    done = leaves and u.stored == e.rows - 1
    both = u.low and u.high
    goes = _may_go(u) and (fetched or not (u.low or u.high))
    frees = goes and (u.second or not both)
    ends = frees and u.last and not u.of_table
    latency = REDUCE_LATENCY
    if e.lanes:
        latency += TABLE_LATENCY if e.table else LANES_LATENCY
    fill(results, u.way >> latency - 1 & 1, leaves)
    u.way = u.way << 1 & (1 << latency) - 1 | ends
    u.room += leaves - ends
    if ends and e.lanes:
        u.wait = PASSES - 1
    elif u.wait != 0:
        u.wait -= 1
    if stored:
        u.half = not leaves
    u.stored += leaves
    u.second = u.second or goes
    final = False
    if frees or not u.held:
        u.held, u.second = u.walks, 0
        if u.walks:
            _hold(u, e, row_bits)
            final = _walk(u, e)
    takes = offered and not u.busy
    if u.starts:
        u.walks = 1
        u.tap = u.kernel = u.column = u.line = u.image = u.result = 0
    u.starts = takes or (final and u.fills)
    if final:
        u.walks = u.fills = 0
    if takes:
        u.busy, u.stored, u.fills = 1, 0, following.table
    elif done:
        u.busy = 0
    return takes, done
