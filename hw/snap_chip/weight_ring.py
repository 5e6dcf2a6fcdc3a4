"""Weight buffer: rounds of weights in a ring, read as often as there are blocks."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bus.axi import request_layout
from ..bus.beat_loader import BeatLoader
from ..common.ram import Ram
from ..emit.shared import shared
from .config import WORD_BYTES, SnapChipConfig
from .weight_layouts import PASSES_BITS, ring_control, weight_job

__all__ = ["WeightRing"]


class WeightRing(wiring.Component):
    """Rows of weights, loaded ahead of the work as there is room, and given out word by word.

    Whoever reads says at the end of each block where to go on: at the start of the round, behind it, or at the start of
    the layer. Rounds begin with a row. In the last block of a round a row is free as soon as it is used up (so a round
    that is only read once may be longer than the ring), unless a later region of the layer reads it again.

    A beat that comes in cycle t can be given out from t + 2 on; a word a cycle, the first two cycles after a restart.

    Attributes
    ----------
    i_jobs, o_requests
        Streams: what to load (`weight_job`), and requests for it (`request_layout`) that there is room for.
    i_valid, i_data
        A beat that was asked for; it is always taken.
    o_words
        Stream of words. One that waits is withdrawn by a restart.
    i_control
        `ring_control`.
    stored, fetched, before
        For proofs: rows from the start of the round on that are there, and that were read; rows of the layer before
        them that are read again.
    word, use_word
        For proofs: word of its row that is read next, and that is used up next.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        counts = range(config.weight_rows + 1)
        self.stored, self.fetched, self.before = (Signal(counts, name=name) for name in ("stored", "fetched", "before"))
        words = range(config.beat_words)
        self.word, self.use_word = Signal(words, name="word"), Signal(words, name="use_word")
        super().__init__(
            {
                "i_jobs": In(stream.Signature(weight_job(config))),
                "o_requests": Out(stream.Signature(request_layout(config.bus))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "o_words": Out(stream.Signature(8 * WORD_BYTES)),
                "i_control": In(ring_control()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, control = self.config, self.i_control
        loader = BeatLoader(config.bus, config.weight_rows, PASSES_BITS)
        ram = Ram(config.data_bits, config.weight_rows)
        m.submodules.loader, m.submodules.ram = shared(loader), shared(ram)
        self.loader = loader
        connect(m, flipped(self.i_jobs), loader.i_jobs)
        connect(m, loader.o_requests, flipped(self.o_requests))

        stored, before = self.stored, self.before
        passed = self._rows_passed(m)
        back = Signal()  # to the start of the layer
        write_row, round_row, layer_row, next_round = (
            Signal(range(config.weight_rows), name=name)
            for name in ("write_row", "round_row", "layer_row", "next_round")
        )
        m.d.comb += [
            back.eq(control.restart & control.region & control.again),
            next_round.eq(Mux(back, layer_row, Mux(passed, self._after(round_row), round_row))),
            loader.i_free.eq(passed & ~control.again),
            loader.i_waits.eq(self.fetched == stored),
            ram.i_write_enable.eq(self.i_valid),
            ram.i_write_address.eq(write_row),
            ram.i_write_data.eq(self.i_data),
        ]
        with m.If(self.i_valid):
            m.d.sync += write_row.eq(self._after(write_row))
        m.d.sync += [
            round_row.eq(next_round),
            stored.eq(stored + self.i_valid + Mux(back, before, 0) - (passed & ~back)),
            before.eq(Mux(back, 0, before + (passed & control.again))),
        ]
        with m.If(passed & ~control.again):
            m.d.sync += layer_row.eq(next_round)
        self._fetch(m, ram, passed, next_round)
        return m

    def _after(self, row):
        return Mux(row == self.config.weight_rows - 1, 0, row + 1)

    def _rows_passed(self, m: Module):
        """Whether a row of the round is passed for the last time in this region: used up, or left in the middle."""
        words, control = self.config.beat_words, self.i_control
        passed, word = Signal(), self.use_word
        ends = control.used | (word != 0) if words > 1 else control.used
        m.d.comb += passed.eq(control.final & Mux(control.restart, ends, control.used & (word == words - 1)))
        if words > 1:
            m.d.sync += word.eq(Mux(control.restart, 0, word + control.used))
        return passed

    def _fetch(self, m: Module, ram: Ram, passed, next_round) -> None:
        """Words from the row on that is read next, as a `Fifo` gives out its beats."""
        words, out, restart = self.config.beat_words, self.o_words, self.i_control.restart
        row, word, shown = Signal.like(next_round), self.word, Signal(range(words))
        read, row_read, fresh, held = Signal(), Signal(), Signal(), Signal()
        fetched, kept = self.fetched, Signal(8 * WORD_BYTES, reset_less=True)
        m.d.comb += [
            read.eq((fetched != self.stored) & (~out.valid | out.ready)),
            row_read.eq(read & (word == words - 1)),
            ram.i_read_enable.eq(read),
            ram.i_read_address.eq(row),
            out.valid.eq(fresh | held),
            out.payload.eq(Mux(held, kept, ram.o_read_data.word_select(shown, 8 * WORD_BYTES))),
        ]
        m.d.sync += [kept.eq(out.payload), shown.eq(word)]
        with m.If(restart):
            m.d.sync += [fresh.eq(0), held.eq(0), fetched.eq(0), row.eq(next_round), word.eq(0)]
        with m.Else():
            m.d.sync += [
                fresh.eq(read),
                held.eq(out.valid & ~out.ready),
                fetched.eq(fetched + row_read - passed),
            ]
            if words > 1:
                m.d.sync += word.eq(word + read)
            with m.If(row_read):
                m.d.sync += row.eq(self._after(row))
