# amaranth: UnusedElaboratable=no
"""A memory with one write and one read port, as a module of its own."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..config import check, check_int
from ..emit.emitter import UNINITIALISED

__all__ = ["Ram"]


class Ram(wiring.Component):
    """``depth`` rows of ``width`` bits, a write and a synchronous read each cycle.

    An SRAM macro can take its place, so nothing may be used that only some of them promise: what a row holds before it
    is written, what a read of the row that is written in the same cycle returns, and what the read port shows in cycles
    after those without a read (here: the old value, and what was read last).

    Parameters
    ----------
    width, depth
        Bits of a row; number of rows.
    lanes
        Parts of equal width, of which each can be written without the others.

    Attributes
    ----------
    i_write_enable, i_write_address, i_write_data
        Write port: the row changes at the end of the cycle, in the lanes that are enabled (a bit each).
    i_read_enable, i_read_address, o_read_data
        Read port: data comes one cycle after the address.
    memory
        The rows (for proofs only).
    """

    def __init__(self, width: int, depth: int, lanes: int = 1):
        check_int("width", width, 1)
        check_int("depth", depth, 1)
        check_int("lanes", lanes, 1, width)
        check("width", width % lanes == 0, f"a multiple of the lanes, {lanes}", width)
        self.config = (width, depth, lanes)
        self.memory = Memory(shape=width, depth=depth, init=[], attrs={UNINITIALISED: "1"})
        super().__init__(
            {
                "i_write_enable": In(lanes),
                "i_write_address": In(range(depth)),
                "i_write_data": In(width),
                "i_read_enable": In(1),
                "i_read_address": In(range(depth)),
                "o_read_data": Out(width),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        width, _, lanes = self.config
        m.submodules.memory = memory = self.memory
        write, read = memory.write_port(granularity=width // lanes), memory.read_port(transparent_for=())
        m.d.comb += [
            write.en.eq(self.i_write_enable),
            write.addr.eq(self.i_write_address),
            write.data.eq(self.i_write_data),
            read.en.eq(self.i_read_enable),
            read.addr.eq(self.i_read_address),
            self.o_read_data.eq(read.data),
        ]
        return m
