"""Memory of codebooks."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..common.ram import Ram
from ..emit.shared import shared
from .config import EieConfig
from .layouts import codebook_quarter

__all__ = ["Codebooks"]


class Codebooks(wiring.Component):
    """Keeps codebooks, and gives that of a job to the clusters, a quarter a cycle.

    Attributes
    ----------
    i_write, i_address, i_data
        Write a quarter; address 4 * codebook + quarter.
    i_begin, i_codebook
        First cycle of a job; its codebook, which stands still for three cycles more.
    o_quarter
        `codebook_quarter`: in the second to the fifth cycle after the first, a register.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_write": In(1),
                "i_address": In(range(4 * config.codebooks)),
                "i_data": In(config.codes // 4 * config.data_bits),
                "i_begin": In(1),
                "i_codebook": In(range(max(2, config.codebooks))),
                "o_quarter": Out(codebook_quarter(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        ram = Ram(len(self.i_data), 4 * self.config.codebooks)
        m.submodules.ram = shared(ram)
        quarter, read, comes = Signal(2), Signal(), Signal(2)
        m.d.comb += [
            read.eq(self.i_begin | (quarter != 0)),
            ram.i_write_enable.eq(self.i_write),
            ram.i_write_address.eq(self.i_address),
            ram.i_write_data.eq(self.i_data),
            ram.i_read_enable.eq(read),
            ram.i_read_address.eq((self.i_codebook << 2) + quarter),
        ]
        m.d.sync += [
            quarter.eq(quarter + read),
            comes.eq(quarter),
            self.o_quarter.weights.eq(ram.o_read_data),
            self.o_quarter.quarter.eq(comes),
        ]
        read_before = Signal()
        m.d.sync += [read_before.eq(read), self.o_quarter.valid.eq(read_before)]
        return m
