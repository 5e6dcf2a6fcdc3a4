"""Compiled parts: the port that reads memory, and who shares it."""

from ...bus.parts import fill as fill_fifo
from ...bus.parts import give_request
from ...bus.parts import load as load_beats
from ...bus.parts import read as read_port
from ...compiled import part
from .state import RINGS

__all__ = ["fill", "load", "read"]


@part
def read(m):
    """Read arbiter and reader: which client gets a beat, whose request is taken."""
    c, p = m.chip[0], m.memory_port[0]
    asking = int(c.fetch == 1)
    for number in range(len(m.loaders)):
        asking |= m.loaders[number].valid << number + 1
    read_port(p, m.bus[0], c.cycle, asking)
    if p.granted == 0:
        give_request(p, 0, c.command_at, m.sizes[0].command_beats)
    elif p.granted > 0:
        loader = m.loaders[p.granted - 1]
        give_request(p, p.granted, loader.address, loader.count)
    if p.arrived >= 0:
        c.client_beats[min(p.arrived, RINGS)] += 1
        c.moves += 1


@part
def load(m, number, offered, address, beats, passes, frees, hurries):
    """A loader's cycle, whose reader may wait for what comes next; whether it takes the job that is `offered`."""
    granted = m.memory_port[0].granted == number + 1
    return load_beats(m.loaders[number], m.bus[0], granted, offered, address, beats, passes, frees, hurries)


@part
def fill(m, number, ready):
    """The FIFO behind a loader; whether a beat leaves it."""
    return fill_fifo(m.fifos[number], m.memory_port[0].arrived == number + 1, ready)
