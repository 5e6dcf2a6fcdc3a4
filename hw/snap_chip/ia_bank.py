"""A bank of input activations."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..common.ram import Ram
from ..emit.shared import shared
from .config import SnapChipConfig
from .tile_parser import WORD_BITS

__all__ = ["IaBank", "directory_entry"]


def directory_entry(config: SnapChipConfig) -> data.StructLayout:
    """Where a stored tile is: its first word, and its words less one."""
    return data.StructLayout({"start": range(config.bank_words), "words": range(config.tile_words)})


class IaBank(wiring.Component):
    """Words of stored tiles and a directory of the tiles, both to be written and read in each cycle.

    The words of a row lie in memories of their own, so that any words that follow each other, as many as a row has, are
    read or written together. Reads take a cycle.

    Attributes
    ----------
    i_write, i_address, i_data, i_more
        Write the first word, and so many more, at this address and the next (modulo the size).
    i_list, i_index, i_entry
        Write a `directory_entry`.
    i_read, i_read_address, o_data
        Read as many words as a row has.
    i_look, i_look_index, o_entry
        Read a `directory_entry`.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        words, tiles = range(config.bank_words), range(config.directory_entries)
        super().__init__(
            {
                "i_write": In(1),
                "i_address": In(words),
                "i_data": In(data.ArrayLayout(WORD_BITS, config.run_words)),
                "i_more": In(range(config.run_words)),
                "i_list": In(1),
                "i_index": In(tiles),
                "i_entry": In(directory_entry(config)),
                "i_read": In(1),
                "i_read_address": In(words),
                "o_data": Out(data.ArrayLayout(WORD_BITS, config.row_words)),
                "i_look": In(1),
                "i_look_index": In(tiles),
                "o_entry": Out(directory_entry(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        size = config.row_words
        column_bits = exact_log2(size)
        rams = [Ram(WORD_BITS, config.bank_rows) for _ in range(size)]
        entries = Ram(config.directory_bits, config.directory_entries)
        m.submodules.directory = shared(entries)
        first, read_first, shown_first = (Signal(column_bits, name=name) for name in ("first", "read_first", "shown"))
        m.d.comb += [first.eq(self.i_address), read_first.eq(self.i_read_address)]
        with m.If(self.i_read):
            m.d.sync += shown_first.eq(read_first)
        for column, ram in enumerate(rams):
            m.submodules[f"column_{column}"] = shared(ram)
            # Which of the words is this memory's, and in which row.
            word, read_word = (Signal(column_bits, name=f"{name}_{column}") for name in ("word", "read_word"))
            m.d.comb += [
                word.eq(column - first),
                read_word.eq(column - read_first),
                ram.i_write_enable.eq(self.i_write & (word <= self.i_more)),
                ram.i_write_address.eq((self.i_address + word) >> column_bits),
                ram.i_write_data.eq(self.i_data[word]),
                ram.i_read_enable.eq(self.i_read),
                ram.i_read_address.eq((self.i_read_address + read_word) >> column_bits),
            ]
        shown = Array(ram.o_read_data for ram in rams)
        for word in range(size):
            m.d.comb += self.o_data[word].eq(shown[(shown_first + word)[:column_bits]])
        m.d.comb += [
            entries.i_write_enable.eq(self.i_list),
            entries.i_write_address.eq(self.i_index),
            entries.i_write_data.eq(self.i_entry),
            entries.i_read_enable.eq(self.i_look),
            entries.i_read_address.eq(self.i_look_index),
            self.o_entry.eq(entries.o_read_data),
        ]
        return m
