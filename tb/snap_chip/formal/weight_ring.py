"""What the weight buffer must do whatever is asked for and whoever reads."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from ....hw.snap_chip.config import SnapChipConfig
from ....hw.snap_chip.weight_layouts import ring_control, weight_job
from ....hw.snap_chip.weight_ring import WeightRing
from ...formal import Assert, Assume, Cover

__all__ = ["WeightRingSpec"]


class ProbedRing(WeightRing):
    """A ring that says how many rows are free.

    Attributes
    ----------
    free
        As of its loader.
    """

    def __init__(self, config: SnapChipConfig):
        super().__init__(config)
        self.free = Signal(range(config.weight_rows + 1))

    def elaborate(self, platform) -> Module:
        """The ring, and wires to its loader."""
        m = super().elaborate(platform)
        m.d.comb += self.free.eq(self.loader.free)
        return m


class WeightRingSpec(wiring.Component):
    """Each row is free, asked for, or holds weights: a beat that comes has room, and none is lost or counted twice.

    Beats come that were asked for, in their time. No word is used up that wasn't given out, and in the last block of a
    round all of its rows before the current one are used up for good.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_jobs": In(stream.Signature(weight_job(config))),
                "i_valid": In(1),
                "i_data": In(config.data_bits),
                "i_control": In(ring_control()),
                "takes": In(1),
                "ready": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        """Design, memory, a reader, and assertions."""
        m = Module()
        rows, words = self.config.weight_rows, self.config.beat_words
        m.submodules.dut = dut = ProbedRing(self.config)
        control, out, request = self.i_control, dut.o_words, dut.o_requests
        connect(m, flipped(self.i_jobs), dut.i_jobs)
        m.d.comb += [
            dut.i_valid.eq(self.i_valid),
            dut.i_data.eq(self.i_data),
            dut.i_control.eq(control),
            request.ready.eq(self.takes),
            out.ready.eq(self.ready),
        ]
        owed, asked = Signal(range(rows + 1)), Signal(range(rows + 1))
        taken, used = Signal(range(rows * words + 1)), Signal(range(rows * words + 1))
        passed = Signal(range(words + 1))
        m.d.comb += [
            asked.eq(Mux(request.valid, request.payload.beats, 0)),
            passed.eq(Mux(control.final & control.used & (used == words - 1), words, 0)),
            Assume(~self.i_valid | (owed != 0)),
            Assume(~control.used | (used < taken)),
            Assume(~control.final | (used < words)),
        ]
        m.d.sync += owed.eq(owed + Mux(request.valid & self.takes, request.payload.beats, 0) - self.i_valid)
        with m.If(control.restart):
            m.d.sync += [taken.eq(0), used.eq(0)]
        with m.Else():
            m.d.sync += [taken.eq(taken + (out.valid & self.ready) - passed), used.eq(used + control.used - passed)]
        free, stored, fetched, before = dut.free, dut.stored, dut.fetched, dut.before
        m.d.comb += [
            Assert(free + asked + owed + stored + before == rows),
            Assert(~self.i_valid | (stored + before < rows)),
            Assert(fetched <= stored),
            Assert((dut.word == 0) | (fetched < stored)),
            Assert(fetched * words + dut.word == taken + out.valid),
            Assert(used <= taken),
            Assert(dut.use_word == used % words),
            Cover((free == 0) & (before != 0) & out.valid),
        ]
        return m
