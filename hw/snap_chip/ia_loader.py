"""Loads a layer's input activations into the banks, band by band."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.fifo import Fifo
from ..emit.shared import shared
from .config import SnapChipConfig
from .ia_bank import directory_entry
from .layer import layer_fields
from .tile_parser import WORD_BITS, TileParser

__all__ = ["IaLoader", "bank_write"]


def bank_write(config: SnapChipConfig) -> data.StructLayout:
    """What the loader writes into a bank.

    ``bank``: which; ``more``, ``address``, ``data``: a word and so many more; ``list``, ``index``, ``entry``: a tile
    begins, and is entered in the directory.
    """
    return data.StructLayout(
        {
            "bank": range(config.banks),
            "more": range(config.run_words),
            "address": range(config.bank_words),
            "data": data.ArrayLayout(WORD_BITS, config.run_words),
            "list": 1,
            "index": range(config.directory_entries),
            "entry": directory_entry(config),
        }
    )


class IaLoader(wiring.Component):
    """Writes the stored tiles of a tensor into the banks as they come: bands, their tiles, lines, columns.

    A bank is a ring of words, and its directory one of tiles. Bands are freed as a whole, when no line of theirs is
    needed any more. A band begins when the directory has room for all of it.

    Attributes
    ----------
    i_start
        A layer begins; only when idle.
    i_layer
        Of the command.
    i_beats
        Segments of the layer's input, in order.
    o_write
        ``valid`` and `bank_write`; always taken.
    i_free_line
        Lines below this one are not needed any more. It goes to its end after a layer.
    o_lines, o_tiles
        Lines all of whose tiles are in the banks, and how many tiles the next band's lines have there.
    o_waits
        There is no room for what comes next.
    o_idle
        All was loaded and is freed.
    levels, counts, bands, puts
        For proofs: words in each bank, those of them that are of the band that is being loaded, the FIFO of those of
        the bands before, and where the next word goes.
    used, waiting, loads
        For proofs: entries of a directory that bands have, those bands, and whether the last of them is being loaded.
    """

    fields = (
        "height", "width_quotient", "width_rest", "band_lines", "tiles", "directory_line", "directory_band",
    )  # fmt: skip

    def __init__(self, config: SnapChipConfig):
        self.config = config
        count = range(config.bank_words + 1)
        self.levels, self.counts = (
            [Signal(count, name=f"{name}_{bank}") for bank in range(config.banks)] for name in ("level", "count")
        )
        self.puts = [Signal(range(config.bank_words), name=f"put_{bank}") for bank in range(config.banks)]
        self.bands = Fifo(len(self.levels[0]) * config.banks, config.resident_bands)
        self.used = Signal(range(config.directory_entries + 1), name="used")
        self.waiting, self.loads = Signal(range(config.resident_bands + 3), name="waiting"), Signal(name="loads")
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields)),
                "i_beats": In(stream.Signature(config.data_bits)),
                "o_write": Out(stream.Signature(bank_write(config), always_ready=True)),
                "i_free_line": In(12),
                "o_lines": Out(13),
                "o_tiles": Out(12),
                "o_waits": Out(1),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, write = self.config, self.i_layer, self.o_write
        parser = TileParser(config)
        m.submodules.parser = shared(parser)
        connect(m, flipped(self.i_beats), parser.i_beats)
        runs, capacity = parser.o_runs, config.bank_words
        levels, puts, loads = self.levels, self.puts, self.loads
        bank, put, index = Signal(range(config.banks)), Signal(range(capacity)), Signal(range(config.directory_entries))
        room, taken, words = Signal(), Signal(), Signal(range(config.run_words + 1))
        ends, more, begins, ready = Signal(), Signal(), Signal(), Signal()

        level = Signal(range(capacity + 1))
        with m.Switch(bank):
            for number in range(config.banks):
                with m.Case(number):
                    m.d.comb += [level.eq(levels[number]), put.eq(puts[number])]
        m.d.comb += [
            room.eq(level + 1 + runs.payload.more <= capacity),
            runs.ready.eq(loads & room),
            taken.eq(runs.valid & runs.ready),
            words.eq(Mux(taken, 1 + runs.payload.more, 0)),
            write.valid.eq(taken),
            write.payload.bank.eq(bank),
            write.payload.more.eq(runs.payload.more),
            write.payload.address.eq(put),
            write.payload.data.eq(runs.payload.data),
            write.payload.list.eq(runs.payload.first),
            write.payload.index.eq(index),
            write.payload.entry.start.eq(put),
            write.payload.entry.words.eq(runs.payload.words),
            begins.eq(more & ~loads),
            self.o_waits.eq(Mux(loads, runs.valid & ~room, begins & ~ready)),
        ]
        band_ends = self._walk(m, bank, index, taken & runs.payload.last, parser.i_final)
        m.d.comb += ends.eq(band_ends)
        empty = self._free(m, bank, words, ends, begins, ready)
        for number, pointer in enumerate(puts):
            with m.If(bank == number):
                m.d.sync += pointer.eq(pointer + words)
        with m.If(begins & ready):
            m.d.sync += loads.eq(1)
        with m.If(ends):
            m.d.sync += [loads.eq(0), more.eq(self.o_lines + layer.band_lines < layer.height)]
        with m.If(self.i_start):
            m.d.sync += more.eq(1)
        m.d.comb += self.o_idle.eq(~more & ~loads & empty)
        return m

    def _walk(self, m: Module, bank: Signal, index: Signal, tile_over, final: Signal):
        """Go through a tensor's tiles in their order; the tile is the last of its segment; a band ends with it."""
        config, layer = self.config, self.i_layer
        group, line, band_line = Signal(10), Signal(8), Signal(13)
        tile = Signal(12)
        entry = range(config.directory_entries)
        band_base, line_base, group_base = Signal(entry), Signal(entry), Signal(entry)
        last_bank, last_column, last_line, band_ends = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            index.eq(line_base + group_base + tile),
            last_bank.eq(bank == config.banks - 1),
            last_column.eq(
                Mux(
                    layer.width_rest == 0,
                    last_bank & (group + 1 == layer.width_quotient),
                    (bank + 1 == layer.width_rest) & (group == layer.width_quotient),
                )
            ),
            last_line.eq((line + 1 == layer.band_lines) | (band_line + line + 1 == layer.height)),
            final.eq(last_column & last_line),
            band_ends.eq(tile_over & final & (tile + 1 == layer.tiles)),
            self.o_lines.eq(band_line),
            self.o_tiles.eq(tile),
        ]
        with m.If(tile_over):
            m.d.sync += bank.eq(bank + 1)
            with m.If(last_bank):
                m.d.sync += [bank.eq(0), group.eq(group + 1), group_base.eq(group_base + layer.tiles)]
            with m.If(last_column):
                m.d.sync += [bank.eq(0), group.eq(0), group_base.eq(0)]
                m.d.sync += [line.eq(line + 1), line_base.eq(line_base + layer.directory_line)]
            with m.If(final):
                m.d.sync += [line.eq(0), line_base.eq(band_base), tile.eq(tile + 1)]
            with m.If(band_ends):
                base = (band_base + layer.directory_band)[: len(band_base)]
                m.d.sync += [
                    tile.eq(0),
                    band_line.eq(band_line + layer.band_lines),
                    band_base.eq(base),
                    line_base.eq(base),
                ]
        with m.If(self.i_start):
            m.d.sync += [band_line.eq(0), band_base.eq(0), line_base.eq(0)]
        return band_ends

    def _free(self, m: Module, bank, words, band_ends, begins, ready):
        """Count the words of each band in each bank, and free bands; nothing is left to be freed."""
        config, layer = self.config, self.i_layer
        levels, counts, fifo, used, waiting = self.levels, self.counts, self.bands, self.used, self.waiting
        count_bits = len(levels[0])
        m.submodules.bands = shared(fifo)
        sums = [Signal(count_bits, name=f"sum_{number}") for number in range(config.banks)]
        tail_line, frees, takes = Signal(13), Signal(), Signal()
        m.d.comb += [
            fifo.i.valid.eq(band_ends),
            fifo.i.payload.eq(Cat(sums)),
            frees.eq(fifo.o.valid & (tail_line + layer.band_lines <= self.i_free_line)),
            fifo.o.ready.eq(frees),
            # The band before is in the FIFO by now, as it takes more than a cycle to load one.
            ready.eq((used + layer.directory_band <= config.directory_entries) & (waiting < config.resident_bands)),
            takes.eq(begins & ready),
        ]
        for number, (level, count, total) in enumerate(zip(levels, counts, sums, strict=True)):
            added, freed = Signal.like(words, name=f"added_{number}"), Signal(count_bits, name=f"freed_{number}")
            m.d.comb += [
                added.eq(Mux(bank == number, words, 0)),
                freed.eq(Mux(frees, fifo.o.payload.word_select(number, count_bits), 0)),
                total.eq(count + added),
            ]
            m.d.sync += [level.eq(level + added - freed), count.eq(Mux(band_ends, 0, total))]
        directory = layer.directory_band
        m.d.sync += [
            used.eq(used + Mux(takes, directory, 0) - Mux(frees, directory, 0)),
            waiting.eq(waiting + takes - frees),
        ]
        with m.If(frees):
            m.d.sync += tail_line.eq(tail_line + layer.band_lines)
        with m.If(self.i_start):
            m.d.sync += tail_line.eq(0)
        return waiting == 0
