"""A bank of input activations."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.ram import Ram
from ..emit.shared import shared
from .config import SnapChipConfig
from .tile_parser import WORD_BITS

__all__ = ["IaBank", "directory_entry"]


def directory_entry(config: SnapChipConfig) -> data.StructLayout:
    """Where a stored tile is: its first word, and its words less one."""
    return data.StructLayout({"start": range(2 * config.bank_rows), "words": range(config.tile_words)})


class IaBank(wiring.Component):
    """Words of stored tiles and a directory of the tiles, both to be written and read in each cycle.

    Even and odd words lie in memories of their own, so that any two words that follow each other are read or written
    together. Reads take a cycle.

    Attributes
    ----------
    i_write, i_address, i_data, i_two
        Write the first word, if ``i_two`` the second as well, at this address and the next (modulo the size).
    i_list, i_index, i_entry
        Write a `directory_entry`.
    i_read, i_read_address, o_data
        Read two words.
    i_look, i_look_index, o_entry
        Read a `directory_entry`.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        words, tiles = range(2 * config.bank_rows), range(config.directory_entries)
        super().__init__(
            {
                "i_write": In(1),
                "i_address": In(words),
                "i_data": In(data.ArrayLayout(WORD_BITS, 2)),
                "i_two": In(1),
                "i_list": In(1),
                "i_index": In(tiles),
                "i_entry": In(directory_entry(config)),
                "i_read": In(1),
                "i_read_address": In(words),
                "o_data": Out(data.ArrayLayout(WORD_BITS, 2)),
                "i_look": In(1),
                "i_look_index": In(tiles),
                "o_entry": Out(directory_entry(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        rams = [Ram(WORD_BITS, config.bank_rows) for _ in range(2)]
        m.submodules.even, m.submodules.odd = (shared(ram) for ram in rams)
        entries = Ram(config.directory_bits, config.directory_entries)
        m.submodules.directory = shared(entries)
        was_odd = Signal()
        odd, read_odd = self.i_address[0], self.i_read_address[0]
        with m.If(self.i_read):
            m.d.sync += was_odd.eq(read_odd)
        for parity, ram in enumerate(rams):
            second = odd != parity  # of the two words, this memory's is the second
            m.d.comb += [
                ram.i_write_enable.eq(self.i_write & (~second | self.i_two)),
                ram.i_write_address.eq((self.i_address + second) >> 1),
                ram.i_write_data.eq(Mux(second, self.i_data[1], self.i_data[0])),
                ram.i_read_enable.eq(self.i_read),
                ram.i_read_address.eq((self.i_read_address + (read_odd != parity)) >> 1),
                self.o_data[parity].eq(Mux(was_odd, rams[1 - parity].o_read_data, ram.o_read_data)),
            ]
        m.d.comb += [
            entries.i_write_enable.eq(self.i_list),
            entries.i_write_address.eq(self.i_index),
            entries.i_write_data.eq(self.i_entry),
            entries.i_read_enable.eq(self.i_look),
            entries.i_read_address.eq(self.i_look_index),
            self.o_entry.eq(entries.o_read_data),
        ]
        return m
