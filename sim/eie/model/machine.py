"""The scan of a job, cycle by cycle; `sim.eie.cycles` says which register is where.

What a block does in a cycle depends on what all registers held at its beginning. A cluster's taker and cursor change
different registers; the cursor comes first, as it looks at what the taker changes.
"""

from ...compiled import compiled, part
from ...state import by_address
from .state import NOTHING, SCAN_END

__all__ = ["scan"]


@part
def word(m, k, number):
    """Word of a cluster's queue by its number since the beginning."""
    return m.queues[k, number % m.sizes.queue_depth]


@part
def next_line(m, cluster, k):
    """Number of the oldest line that is still needed: that of the next entry, or the newest one if none is known."""
    if cluster.popped < cluster.passed + cluster.begun:
        oldest = word(m, k, cluster.popped)
        offset = oldest.start & ((1 << m.sizes.line_shift) - 1)
        return oldest.slot + ((offset + cluster.used) >> m.sizes.line_shift)
    return max(cluster.fetched - 1, 0)


@part
def move_cursor(m, cluster, k, line):
    """Fetch cursor: read a line or pass a column, or both if the line is the column's last."""
    if cluster.passed == cluster.pushed:
        return
    column = word(m, k, cluster.passed)
    first = column.start >> m.sizes.line_shift
    last = (column.start + column.count - 1) >> m.sizes.line_shift
    shared = first == cluster.newest
    if not cluster.begun:
        column.slot = max(cluster.fetched - 1, 0) if shared or column.count == 0 else cluster.fetched
        cluster.line = first + shared
    if column.count == 0 or cluster.line > last:
        cluster.passed += 1
        cluster.begun = False
    elif cluster.fetched - line < m.sizes.line_buffer:
        cluster.newest = cluster.line
        cluster.fetched += 1
        cluster.begun = cluster.line < last
        cluster.passed += cluster.line == last
        cluster.line += 1


@part
def take(m, cluster, k, fetched, known):
    """Taker: entries of the two oldest columns before number `known` whose lines are among the `fetched`; pops."""
    waiting = cluster.pushed - cluster.popped
    if waiting == 0:
        cluster.drained += cluster.ended
        cluster.starved += not cluster.ended
        return 0
    left, pops = m.sizes.lanes, 0
    while pops < 2 and left > 0 and cluster.popped + pops < known:
        column = word(m, k, cluster.popped + pops)
        offset = column.start & ((1 << m.sizes.line_shift) - 1)
        arrived = ((fetched - column.slot) << m.sizes.line_shift) - offset
        most = min(column.count, arrived, cluster.used + left)
        taken = max(most - cluster.used, 0)
        left -= taken
        cluster.used += taken
        if cluster.used < column.count:
            break
        cluster.used = 0
        pops += 1
        if column.count == 0:
            break
    taken = m.sizes.lanes - left
    cluster.popped += pops
    cluster.entries += taken
    if taken > 0:
        cluster.busy += 1
        cluster.landed = m.source[0].cycle + m.sizes.landing
        if pops == waiting:
            cluster.idle_queue += left
        elif pops == 2:
            cluster.idle_columns += left
        else:
            cluster.idle_line += left
    else:
        cluster.empty += pops
        cluster.line_wait += pops == 0
    return pops


@part
def push(m, cluster, k):
    """Write the column that comes out of the pointer unit into the queue; 1 if it is dropped."""
    number = m.source[0].ready
    if number == SCAN_END:
        cluster.ended = True
    if number < 0:
        return 0
    if m.counts[k, number] == 0:
        cluster.empty_columns += 1
        if m.sizes.skip_empty:
            return 1
    column = word(m, k, cluster.pushed)
    column.start, column.count = m.starts[k, number], m.counts[k, number]
    cluster.pushed += 1
    return 0


@part
def move_source(m, source, go):
    """Source: send the next activation that is not zero, move lines on, read one."""
    source.ready, source.read = source.read, source.root
    source.root = NOTHING
    over = source.here == 0 and source.behind < 0 and source.next_line == len(m.flags)
    if go:
        source.root = source.broadcasts
        source.broadcasts += 1
        source.here -= 1
    elif source.here > 0:
        source.full += 1
    elif not over:
        source.source_empty += 1
    elif not source.ended:
        source.root = SCAN_END
        source.ended = True
    if source.here == 0 and source.behind > 0:
        source.here = source.behind
        source.behind = NOTHING
    elif source.behind == 0:
        source.behind = NOTHING
    if source.behind < 0 and source.next_line < len(m.flags):
        source.behind = m.flags[source.next_line]
        source.next_line += 1


@compiled
def scan(m, limit):
    """Run until all products have landed or `limit` cycles have passed; whether they have landed."""
    m = by_address(m)
    source = m.source[0]
    while source.cycle < limit:
        done, go = True, source.here > 0
        for k in range(len(m.clusters)):
            cluster = m.clusters[k]
            done = done and cluster.ended and cluster.pushed == cluster.popped and source.cycle >= cluster.landed
            go = go and cluster.credit > 0
        for k in range(len(m.clusters)):
            cluster = m.clusters[k]
            cluster.full_by += source.here > 0 and cluster.credit == 0
            cluster.highest = max(cluster.highest, cluster.pushed - cluster.popped)
            returned = cluster.returned
            line = next_line(m, cluster, k)
            before, begun = cluster.passed, cluster.begun
            fetched = cluster.fetched
            move_cursor(m, cluster, k, line)
            cluster.returned = take(m, cluster, k, fetched, before + begun)
            cluster.returned += push(m, cluster, k)
            cluster.credit += returned - go
        move_source(m, source, go)
        source.cycle += 1
        if done:
            return True
    return False
