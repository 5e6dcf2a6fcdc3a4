"""Compiled parts: the core reducer."""

from ...compiled import part
from ...gates import goes
from .state import BLOCKS

__all__ = ["begin_block", "is_done", "reduce"]


@part
def reduce(m, offered):
    """Sum a psum of each PE of every port; whether the command that is `offered` is taken."""
    core, late = m.core[0], m.sizes.late
    used = 0
    if offered:
        used = m.sizes.rows if m.blocks[core.block].row_mode else len(m.ports)
    finished, core.reduces = offered, False
    for p in range(len(m.ports)):
        port = m.ports[p]
        accepted = (not m.sizes.stalls or goes(m.gates[len(m.streams) + 1 + p], m.bits, core.cycle)) and port.holds
        port.sums += accepted
        free = accepted or not port.holds
        sent = False
        if p < used:
            sent = read(m, port, p, free or (late and not port.held))
            done = port.step == m.blocks[core.block].slots
            finished = finished and done
            core.reduces = core.reduces or (not done and m.ends[p, core.block & (BLOCKS - 1)].pending == 0)
        if late:
            moves = port.held and free
            port.held = sent or (port.held and not free)
            sent = moves
        port.holds = sent or not free
        core.reduces = core.reduces or port.holds or port.held
    if finished:
        next_block(m)
    return finished


@part
def read(m, port, p, room):
    """Read a psum of each PE of a port, or drop all; whether they go out."""
    core = m.core[0]
    block, end = m.blocks[core.block], m.ends[p, core.block & (BLOCKS - 1)]
    ready = end.pending == 0 and core.cycle >= end.at
    is_open = port.opened if m.sizes.late else ready
    port.opened = ready
    if not is_open or port.step == block.slots:
        return False
    sends = block.ports >> p & 1 == 1
    if sends and not room:
        return False
    port.step = port.step + 1 if sends else block.slots
    if port.step == block.slots:
        drain(m, p, block.row_mode)
    return sends


@part
def drain(m, p, row_mode):
    """Give the banks of a port's PEs back."""
    for column in range(m.sizes.columns):
        row = p if row_mode else p + column - (m.sizes.columns - 1)
        if 0 <= row < m.sizes.rows:
            pe = m.pes[row * m.sizes.columns + column]
            pe.drained += 1
            pe.drained_at = m.core[0].cycle + 1 + m.sizes.late


@part
def next_block(m):
    """Go on to the next command."""
    m.core[0].block += 1
    m.core[0].reduces = True
    for p in range(len(m.ports)):
        m.ports[p].step, m.ports[p].opened = 0, False
    begin_block(m, m.core[0].block + BLOCKS - 1)


@part
def begin_block(m, b):
    """Take account of the PEs that have to come to the end of a block."""
    if b >= len(m.blocks):
        return
    for p in range(len(m.ports)):
        count = 0
        for column in range(m.sizes.columns):
            row = p if m.blocks[b].row_mode else p + column - (m.sizes.columns - 1)
            count += 0 <= row < m.sizes.rows
        m.ends[p, b & (BLOCKS - 1)].pending = count


@part
def is_done(m):
    """Whether all commands are taken and no sum is on its way out."""
    if m.core[0].block < len(m.blocks):
        return False
    for p in range(len(m.ports)):
        if m.ports[p].holds or m.ports[p].held:
            return False
    return True
