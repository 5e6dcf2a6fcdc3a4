"""Compiled parts: PEs ask the AIMs for lists of matches, and multiply what these say."""

import numpy as np

from ...compiled import part
from .state import BLOCKS, LISTS

__all__ = ["match", "work"]


@part
def match(m):
    """AIMs: each serves the first PE of its row that asks, from the one after the last that was served on."""
    for r in range(m.sizes.rows):
        row = m.rows[r]
        if row.rests:
            continue
        row.rests = True
        column = row.turn
        for _ in range(m.sizes.columns):
            n = r * m.sizes.columns + column
            column = column + 1 if column + 1 < m.sizes.columns else 0
            if asks(m, m.pes[n]):
                grant(m, row, m.pes[n], n)
                row.turn, row.rests = column, False
                break


@part
def asks(m, pe):
    """Whether a PE asks for the AIM: its next window and tile are there, and its queue has room."""
    return (
        pe.asked < pe.taken + m.sizes.depth
        and pe.window < m.streams[pe.column].shown
        and pe.tile < m.streams[m.sizes.columns + pe.row].shown
    )


@part
def grant(m, row, pe, n):
    """Match a PE's next window with its tile, or with two; its list is seen two cycles later."""
    row.operations += 1
    job, beats = pe.asked, m.tiles[n, pe.tile]
    pe.half = not pe.half and beats > m.sizes.half_tile and m.windows[n, pe.window].straddles
    if pe.half:
        return
    two = (
        beats <= m.sizes.quarter_tile
        and not m.jobs[job].frees_window
        and pe.tile + 1 < m.streams[m.sizes.columns + pe.row].shown
        and m.tiles[n, pe.tile + 1] <= m.sizes.quarter_tile
        and job + 1 < pe.taken + m.sizes.depth
    )
    for k in range(1 + two):
        m.seen[n, (job + k) & (LISTS - 1)] = m.core[0].cycle + 2
    row.lists += 1 + two
    pe.asked += 1 + two
    following = m.jobs[pe.asked]
    pe.window, pe.tile = following.window, following.tile


@part
def work(m):
    """PEs: decode lists, and count what each of them does."""
    for n in range(len(m.pes)):
        pe = m.pes[n]
        if pe.wake > m.core[0].cycle:
            continue
        if is_free(m, pe, n):
            issued = decode(m, pe, n)
            pe.multiplies += issued
            pe.busy += issued > 0
            pe.empty_list += issued == 0 and pe.wake <= m.core[0].cycle
        else:
            wait(m, pe, n)


@part
def is_free(m, pe, n):
    """Whether a PE's oldest list is there and its block has a psum bank: two blocks at a time have one."""
    cycle, job = m.core[0].cycle, pe.taken
    if job >= pe.asked or cycle < m.seen[n, job & (LISTS - 1)]:
        return False
    return m.jobs[job].block - (pe.drained - (cycle < pe.drained_at)) < 2


@part
def decode(m, pe, n):
    """Use matches of the oldest list and, once it is used up, of the second; how many, but for what `run` counts."""
    lanes = m.sizes.lanes
    left = m.matches[n, pe.taken] - pe.begun
    if left > lanes:
        run(m, pe, m.core[0].cycle, left)
        return 0
    pe.begun = 0
    pop(m, pe, n)
    if not is_free(m, pe, n):
        return left
    more = np.int64(m.matches[n, pe.taken])
    if more <= lanes - left:
        pop(m, pe, n)
        return left + more
    pe.begun = lanes - left
    run(m, pe, m.core[0].cycle + 1, more - pe.begun)
    return lanes


@part
def run(m, pe, cycle, left):
    """Count all but the last of the cycles that `left` matches take from a cycle on."""
    cycles = (left - 1) // m.sizes.lanes
    pe.wake = cycle + cycles
    pe.begun += cycles * m.sizes.lanes
    pe.multiplies += cycles * m.sizes.lanes
    pe.busy += cycles


@part
def pop(m, pe, n):
    """Count a list that is used up; if it ends a block, its port may read the psums some cycles later."""
    core, job = m.core[0], m.jobs[pe.taken]
    m.popped[core.popped].pe, m.popped[core.popped].job = n, pe.taken
    core.popped += 1
    pe.taken += 1
    m.rows[pe.row].rests = False
    if job.ends_block:
        port = pe.row if m.blocks[job.block].row_mode else pe.row + m.sizes.columns - 1 - pe.column
        end = m.ends[port, job.block & (BLOCKS - 1)]
        end.pending -= 1
        end.at = core.cycle + m.sizes.landing
        core.reduces = core.reduces or end.pending == 0


@part
def wait(m, pe, n):
    """Count why a PE has no list to work on."""
    if pe.taken < pe.asked:
        if m.core[0].cycle >= m.seen[n, pe.taken & (LISTS - 1)]:
            pe.wait_psum += 1
        else:
            pe.wait_aim += 1
    elif pe.window >= m.streams[pe.column].shown:
        pe.wait_weights += m.core[0].first >= 0
    elif pe.tile >= m.streams[m.sizes.columns + pe.row].shown:
        pe.wait_activations += 1
    else:
        pe.wait_aim += 1
