"""A FIFO of beats in a memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import check_int
from ..emit.shared import shared
from .ram import Ram

__all__ = ["Fifo"]


class Fifo(wiring.Component):
    """Beats come out in the order in which they went in; one in and one out a cycle, or in two if the depth is 1.

    A beat that is taken in cycle t is offered from cycle t + 2 on. Its memory promises no more than an SRAM macro, so
    that one can take its place: `amaranth.lib.fifo` asks for more.

    Parameters
    ----------
    width, depth
        Bits of a beat; beats that the memory holds. One more waits at the output.

    Attributes
    ----------
    i, o
        Streams.
    level, fresh, held
        For proofs: beats in the memory; whether the output shows what was read in the cycle before, or what it kept.
    """

    def __init__(self, width: int, depth: int):
        check_int("width", width, 1)
        check_int("depth", depth, 1)
        self.config = (width, depth)
        self.level = Signal(range(depth + 1), name="level")
        self.fresh, self.held = Signal(name="fresh"), Signal(name="held")
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform) -> Module:
        m = Module()
        width, depth = self.config
        ram = Ram(width, depth)
        m.submodules.ram = shared(ram)
        level, fresh, held = self.level, self.fresh, self.held
        write, read = Signal(), Signal()
        kept = Signal(width, reset_less=True)
        m.d.comb += [
            # No level is higher, so that only the depth itself has all its bits.
            self.i.ready.eq(~Cat(bit for number, bit in enumerate(level) if depth >> number & 1).all()),
            write.eq(self.i.valid & self.i.ready),
            read.eq((level != 0) & (~self.o.valid | self.o.ready)),
            ram.i_write_enable.eq(write),
            ram.i_write_data.eq(self.i.payload),
            ram.i_read_enable.eq(read),
            self.o.valid.eq(fresh | held),
            self.o.payload.eq(Mux(held, kept, ram.o_read_data)),
        ]
        m.d.sync += [
            level.eq(level + write - read),
            fresh.eq(read),
            held.eq(self.o.valid & ~self.o.ready),
            kept.eq(self.o.payload),
        ]
        if depth > 1:  # the address of a single row has no bits
            self._count_rows(m, "write_row", write, ram.i_write_address)
            self._count_rows(m, "read_row", read, ram.i_read_address)
        return m

    def _count_rows(self, m: Module, name: str, moves: Signal, port) -> None:
        """The address goes round the memory."""
        row, depth = Signal.like(port, name=name), self.config[1]
        m.d.comb += port.eq(row)
        with m.If(moves):
            m.d.sync += row.eq(Mux(row == depth - 1, 0, row + 1))
