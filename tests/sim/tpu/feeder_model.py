"""The feeder and the unified buffer of the cycle model by themselves, driven by a script."""

import numpy as np

from tensorloom.hw.tpu.isa import encode
from tensorloom.sim.compiled import compiled
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.model.board import push_and_pop
from tensorloom.sim.tpu.model.buffer import can_fetch, can_store, choose, feed, keep
from tensorloom.sim.tpu.model.build import new_machine
from tensorloom.sim.tpu.model.state import COMMANDS, MATMUL, MATRIX, ROWS
from tensorloom.sim.tpu.rules import Room

SCRIPT = np.dtype([(name, "i8") for name in ("offered", "row", "command", "fetch", "store", "put", "used")])
"""By cycle: is an entry offered; is a row taken if there is one, a command; the row fetched, -1 or -2 for the window's
first or second one; the row stored, -1 for none; address (-1: none) and granules of a put."""

DONE = np.dtype(
    [(name, "i8") for name in ("taken", "window", "first", "end", "done", "rows", "commands", "store", "row", "fetch")]
)
"""By cycle: is the entry taken; the window that is asked for (-1: none); is an entry done; are rows and commands taken;
is the row stored; which one is fetched or would be, and is it."""


@compiled
def follow(m, script, does):
    """Run as many cycles as the script has."""
    c, b = m.core[0], m.board[0]
    for number in range(len(script)):
        s, d = script[number], does[number]
        b.offered[MATRIX] = s.offered
        d.rows = s.row == 1 and m.fifos[ROWS].valid == 1
        d.commands = s.command == 1 and m.fifos[COMMANDS].valid == 1
        feed(m, d.rows, d.commands)
        choose(m)
        d.taken, d.window, d.done = b.issue[MATRIX], c.window, b.done[MATRIX]
        d.first, d.end = c.window_first, c.window_end
        d.row = s.fetch if s.fetch >= 0 else max(0, c.window >> m.sizes[0].row_bits) - 1 - s.fetch
        d.fetch = can_fetch(m, d.row)
        d.store = s.store >= 0 and can_store(m, s.store)
        keep(m, s.store if d.store else -1, s.put, s.used)
        c.push = -1
        push_and_pop(m)


def model_of(config, entries):
    """A machine whose feeder has these entries before it."""
    code = encode("halt").to_bytes(16, "little")
    machine = new_machine(config, code, Room(), (0, 0, 0), MemoryTiming(), 0)
    matmuls = np.zeros(len(entries) + 1, MATMUL)
    for record, entry in zip(matmuls, entries, strict=False):
        for name, value in (entry | entry["geometry"]).items():
            if name in (MATMUL.names or ()):
                record[name] = value
    return machine._replace(matmuls=matmuls)
