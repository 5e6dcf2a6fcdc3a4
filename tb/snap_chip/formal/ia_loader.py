"""What the loader of activations must keep to whatever comes and whenever lines are given up."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from ....hw.snap_chip.config import SnapChipConfig
from ....hw.snap_chip.ia_loader import IaLoader
from ....hw.snap_chip.layer import layer_fields
from ...formal import Assert, Assume, Cover

__all__ = ["IaLoaderSpec"]

BANDS = 2
"""Bands that wait at most."""


class IaLoaderSpec(wiring.Component):
    """A bank's level is the number of its words that bands have; no word that one has is written again.

    Layers may be any, also impossible ones, as long as they stay as they are. That the FIFO of bands gives what it got
    is taken as given (`FifoSpec`).

    Parameters
    ----------
    config
        The loader's, with two ``resident_bands``.
    loader
        Class of the loader.
    """

    def __init__(self, config: SnapChipConfig, loader: type[IaLoader] = IaLoader):
        assert config.resident_bands == BANDS
        self.config, self.loader = config, loader
        super().__init__(
            {
                "start": In(1),
                "layer": In(layer_fields(*IaLoader.fields)),
                "i_beats": In(stream.Signature(config.data_bits)),
                "free_line": In(12),
            }
        )

    def elaborate(self, platform) -> Module:
        """Design, bands in order, and assertions."""
        m = Module()
        m.submodules.dut = dut = self.loader(self.config)
        connect(m, flipped(self.i_beats), dut.i_beats)
        before, directory = Signal.like(self.layer), dut.i_layer.directory_band
        m.d.sync += before.eq(self.layer)
        m.d.comb += [
            dut.i_start.eq(self.start),
            dut.i_layer.eq(self.layer),
            dut.i_free_line.eq(self.free_line),
            Assume(~self.start | dut.o_idle),
            Assume(dut.o_idle | (self.layer.as_value() == before.as_value())),
        ]
        # The bands that are complete, the oldest first.
        fifo, complete, after = dut.bands, Signal(range(BANDS + 1)), Signal(range(BANDS + 1))
        bands = [Signal(len(fifo.i.payload), name=f"band_{number}") for number in range(BANDS + 1)]
        gone = fifo.o.valid & fifo.o.ready
        m.d.comb += after.eq(complete - gone)
        m.d.sync += complete.eq(after + fifo.i.valid)
        for number, band in enumerate(bands[:-1]):
            here = fifo.i.valid & (after == number)
            m.d.sync += band.eq(Mux(here, fifo.i.payload, Mux(gone, bands[number + 1], band)))
        m.d.comb += [
            Assume(~fifo.o.valid | (fifo.o.payload == bands[0])),
            Assert(~fifo.i.valid | fifo.i.ready),
            Assert(complete == fifo.level + fifo.fresh + fifo.held),
            Assert(~(fifo.fresh & fifo.held)),
            Assert(dut.waiting == complete + dut.loads),
            Assert(dut.waiting <= BANDS),
            Assert(dut.used == Mux(dut.waiting == 0, 0, Mux(dut.waiting == 1, directory, directory << 1))),
            Assert(dut.used <= self.config.directory_entries),
        ]
        self._words(m, dut, bands, complete, gone)
        return m

    def _words(self, m: Module, dut: IaLoader, bands, complete, gone) -> None:
        """Which words of each bank are some band's."""
        size, write = self.config.bank_words, dut.o_write
        for bank, (level, count) in enumerate(zip(dut.levels, dut.counts, strict=True)):
            words = [band.word_select(bank, len(level)) for band in bands]
            tail, held = Signal(range(size), name=f"tail_{bank}"), Signal(size, name=f"held_{bank}")
            freed = Mux(gone, words[0], 0)
            comes = write.valid & (write.payload.bank == bank)
            written = Cat(
                comes & ((place - write.payload.address)[: len(tail)] <= write.payload.more) for place in range(size)
            )
            left = Cat(held[place] & ~((place - tail)[: len(tail)] < freed) for place in range(size))
            m.d.sync += [tail.eq(tail + freed), held.eq(left | written)]
            m.d.comb += [
                Assert(level == count + Mux(complete > 0, words[0], 0) + Mux(complete > 1, words[1], 0)),
                Assert(level <= size),
                Assert(dut.loads | (count == 0)),
                Assert(held == Cat((place - tail)[: len(tail)] < level for place in range(size))),
                Assert(dut.puts[bank] == (tail + level)[: len(tail)]),
                Assert((held & written) == 0),
            ]
        m.d.comb += [Cover((dut.levels[0] == size) & (complete == 1)), Cover(gone & dut.loads & (complete == 1))]
