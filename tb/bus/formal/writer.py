"""What the writer must do with any memory that keeps to the protocol."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.bus.config import PortConfig
from ....hw.bus.writer import Writer
from ...formal import Assert, Assume, Cover
from .reader import assert_legal
from .stable import assert_stable

__all__ = ["WriterSpec"]


class ProbedWriter(Writer):
    """A writer that says what it holds.

    Attributes
    ----------
    in_fifo, bursts, takes
        Beats in the FIFO; bursts that wait for an answer; whether the FIFO takes a beat.
    """

    def __init__(self, config: PortConfig):
        super().__init__(config)
        self.in_fifo, self.bursts = Signal(range(4 * config.fifo_depth)), Signal(range(config.outstanding + 1))
        self.takes = Signal()

    def elaborate(self, platform) -> Module:
        """The writer, and wires to its parts."""
        m = super().elaborate(platform)
        m.d.comb += [
            self.in_fifo.eq(self.fifo.level + self.fifo.fresh + self.fifo.held),
            self.bursts.eq(self.waiting.waiting[1]),
            self.takes.eq(self.fifo.i.valid & self.fifo.i.ready),
        ]
        return m


class WriterSpec(wiring.Component):
    """No address goes out before its data are there; data are cut where addresses say; two bursts at most wait.

    Parameters
    ----------
    config
        The writer's, with ``outstanding`` 2.
    """

    def __init__(self, config: PortConfig):
        assert config.outstanding == 2
        self.config = config
        inputs = {"requests_valid": 1, "address": config.beat_address_bits, "beats": config.beats_bits}
        inputs |= {"valid": 1, "data": config.data_bits, "awready": 1, "wready": 1, "bvalid": 1, "bresp": 2, "clear": 1}
        super().__init__({name: In(width) for name, width in inputs.items()})

    def elaborate(self, platform) -> Module:
        """Design, a memory that answers what was written, and assertions."""
        m = Module()
        config = self.config
        m.submodules.dut = dut = ProbedWriter(config)
        axi = dut.m_axi
        m.d.comb += [
            dut.i_requests.valid.eq(self.requests_valid),
            dut.i_requests.payload.address.eq(self.address),
            dut.i_requests.payload.beats.eq(self.beats),
            dut.i_beats.valid.eq(self.valid),
            dut.i_beats.payload.data.eq(self.data),
            dut.i_clear.eq(self.clear),
            *(getattr(axi, name).eq(getattr(self, name)) for name in ("awready", "wready", "bvalid", "bresp")),
        ]
        # An address counts when it is first offered, so data may come with it and before it is taken.
        waited, offered, sent = Signal(), Signal(), Signal()
        m.d.sync += waited.eq(axi.awvalid & ~self.awready)
        m.d.comb += [offered.eq(axi.awvalid & ~waited), sent.eq(axi.wvalid & self.wready)]
        # Beats that are still to go, of the burst that is being written and the one after it.
        current, following, left = (
            Signal(range(config.max_burst + 1), name=n) for n in ("current", "following", "left")
        )
        now, after = Signal.like(current), Signal.like(current)
        m.d.comb += [now.eq(current), after.eq(following)]
        with m.If(offered):
            with m.If(current == 0):
                m.d.comb += now.eq(axi.awlen + 1)
            with m.Else():
                m.d.comb += [after.eq(axi.awlen + 1), Assert(following == 0)]
        m.d.comb += left.eq(now - sent)
        m.d.sync += [current.eq(left), following.eq(after)]
        with m.If(left == 0):
            m.d.sync += [current.eq(after), following.eq(0)]
        whole, taken = Signal(range(4)), Signal(range(4))  # bursts written, and addresses taken, but not answered
        m.d.sync += [
            whole.eq(whole + (sent & axi.wlast) - self.bvalid),
            taken.eq(taken + (axi.awvalid & self.awready) - self.bvalid),
        ]
        m.d.comb += [
            Assume(~self.bvalid | ((whole != 0) & (taken != 0))),
            Assert(~axi.wvalid | (now != 0)),
            Assert(~axi.wvalid | (axi.wlast == (now == 1))),
            Assert(dut.in_fifo == dut.unclaimed + now + after),
            Assert((whole <= 2) & (taken + axi.awvalid <= 2)),
            Assert(axi.bready),
            Assert(~dut.o_idle | ((now == 0) & (whole == 0) & (taken == 0) & ~axi.awvalid)),
            Assert(axi.wstrb.all()),
            Cover((whole == 1) & (current == 1) & (config.max_burst > 1) & ~axi.awvalid & (dut.unclaimed == 2)),
        ]
        done = Signal(range(16))  # requests that are done, never more than were taken
        asked = Signal(range(16))
        m.d.sync += [
            done.eq(done + dut.o_done),
            asked.eq(asked + (self.requests_valid & dut.i_requests.ready & (self.beats != 0))),
        ]
        m.d.comb += [Assert(done + dut.o_done <= asked), Assert(~dut.o_idle | (done + dut.o_done == asked))]
        assert_legal(m, config, axi, "aw")
        assert_stable(m, "w", axi.wvalid, self.wready, axi.wdata, axi.wlast)
        return m
