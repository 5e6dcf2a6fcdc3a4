"""The SNAP core, cycle by cycle.

What a block does in a cycle depends on what the others' registers held at its beginning, so blocks are called in such
an order that each still finds that. A PE that only multiplies until a list is used up is left alone till then.
"""

from ...compiled import compiled
from ...gates import offers
from ...state import by_address
from .pes import match, work
from .reducer import begin_block, is_done, reduce
from .state import BLOCKS
from .streams import load, offer, release

__all__ = ["advance"]


@compiled
def advance(m, limit):
    """Run until the last sum is handed over or `limit` cycles have passed since reset; whether it is done."""
    m = by_address(m)
    core, command = m.core[0], m.gates[len(m.streams)]
    if core.cycle == 0:
        for b in range(BLOCKS):
            begin_block(m, b)
        load(m)
        if not m.sizes.stalls:
            core.first = 0
    while core.cycle < limit:
        if m.sizes.stalls:
            offer(m)
        match(m)
        if m.sizes.late:
            release(m)
        work(m)
        if not m.sizes.late:
            release(m)
        offered = core.block < len(m.blocks)
        if m.sizes.stalls:
            offered = offers(command, m.bits, core.cycle, offered)
        if (core.reduces or m.sizes.stalls) and reduce(m, offered):
            command.offered = False
        load(m)
        core.cycle += 1
        if is_done(m):
            return True
    return False
