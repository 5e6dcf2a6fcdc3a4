"""What the reader must do with any memory that keeps to the protocol."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.bus.config import PAGE_BYTES, PortConfig
from ....hw.bus.reader import Reader
from ...formal import Assert, Assume, Cover
from .stable import assert_stable

__all__ = ["ReaderSpec", "assert_legal"]


def assert_legal(m: Module, config: PortConfig, axi, channel: str) -> None:
    """Bursts on ``ar`` or ``aw`` are no longer than they may be, and inside a page; one that waits stays."""
    valid, ready, address, length = (getattr(axi, channel + name) for name in ("valid", "ready", "addr", "len"))
    bytes_asked = (length + 1) * config.bytes
    with m.If(valid):
        m.d.comb += [Assert(length < config.max_burst), Assert(address % PAGE_BYTES + bytes_asked <= PAGE_BYTES)]
    assert_stable(m, channel, valid, ready, address, length)


class ProbedReader(Reader):
    """A reader that says what it holds.

    Attributes
    ----------
    in_fifo, bursts, takes
        Beats in the FIFO; bursts that wait; whether the FIFO has room.
    """

    def __init__(self, config: PortConfig):
        super().__init__(config)
        self.in_fifo, self.bursts = Signal(range(4 * config.fifo_depth)), Signal(range(config.outstanding + 1))
        self.takes = Signal()

    def elaborate(self, platform) -> Module:
        """The reader, and wires to its parts."""
        m = super().elaborate(platform)
        m.d.comb += [
            self.in_fifo.eq(self.fifo.level + self.fifo.fresh + self.fifo.held),
            self.takes.eq(self.fifo.i.ready),
            self.bursts.eq(self.waiting.waiting[0]),
            Assert(~(self.fifo.fresh & self.fifo.held)),
            Assert(~self.splitter.o_bursts.valid | (self.splitter.o_bursts.payload.beats != 0)),
            Assert(~self.splitter.o_bursts.valid | self._inside(self.splitter.o_bursts.payload)),
        ]
        return m

    def _inside(self, burst):
        most = self.config.max_burst
        return (burst.beats <= most) & (burst.address % most + burst.beats <= most)


class ReaderSpec(wiring.Component):
    """A beat that comes always has room, and no burst is asked for that might not; two bursts at most wait.

    Parameters
    ----------
    config
        The reader's, with ``outstanding`` 2.
    """

    def __init__(self, config: PortConfig):
        assert config.outstanding == 2
        self.config = config
        inputs = {"requests_valid": 1, "address": config.beat_address_bits, "beats": config.beats_bits, "ready": 1}
        inputs |= {"arready": 1, "rvalid": 1, "rdata": config.data_bits, "rresp": 2, "rlast": 1, "clear": 1}
        super().__init__({name: In(width) for name, width in inputs.items()})

    def elaborate(self, platform) -> Module:
        """Design, a memory that answers what it was asked, and assertions."""
        m = Module()
        config = self.config
        m.submodules.dut = dut = ProbedReader(config)
        axi = dut.m_axi
        m.d.comb += [
            dut.i_requests.valid.eq(self.requests_valid),
            dut.i_requests.payload.address.eq(self.address),
            dut.i_requests.payload.beats.eq(self.beats),
            dut.o_beats.ready.eq(self.ready),
            dut.i_clear.eq(self.clear),
            *(getattr(axi, name).eq(getattr(self, name)) for name in ("arready", "rvalid", "rdata", "rresp", "rlast")),
        ]
        # Beats that are still to come, of the burst that is being answered and the one after it.
        current, following = (Signal(range(config.max_burst + 1), name=name) for name in ("current", "following"))
        after, asked = Signal.like(current), Signal()
        m.d.comb += [
            Assume(~self.rvalid | (current != 0)),
            Assume(~self.rvalid | (self.rlast == (current == 1))),
            after.eq(current - self.rvalid),
            asked.eq(axi.arvalid & self.arready),
        ]
        m.d.sync += current.eq(after)
        with m.If(after == 0):
            m.d.sync += [current.eq(following), following.eq(0)]
            with m.If(asked & (following == 0)):
                m.d.sync += current.eq(axi.arlen + 1)
        with m.If(asked & ((after != 0) | (following != 0))):
            m.d.sync += following.eq(axi.arlen + 1)
        owed = Signal(range(2 * config.max_burst + 1))
        m.d.comb += [
            owed.eq(current + following),
            Assert((following == 0) | (current != 0)),
            Assert((current <= config.max_burst) & (following <= config.max_burst)),
            Assert(dut.bursts == (current != 0) + (following != 0)),
            Assert(dut.credits + owed + dut.in_fifo == config.fifo_depth),
            Assert(~asked | (dut.bursts < 2)),
            Assert(axi.rready),
            Assert(~self.rvalid | dut.takes),
            Assert(~dut.o_idle | (owed == 0)),
            Cover((current == config.max_burst) & (following != 0) & (dut.credits == 0)),
        ]
        assert_legal(m, config, axi, "ar")
        assert_stable(m, "beats", dut.o_beats.valid, self.ready, dut.o_beats.payload)
        return m
