"""What the splitter must do with every request."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.bus.splitter import BurstSplitter
from ...formal import Assert, Cover
from .stable import assert_stable

__all__ = ["SplitterSpec"]


class SplitterSpec(wiring.Component):
    """Bursts cover exactly what was asked for, in order; each has 1 to `max_burst` beats and crosses no border.

    Parameters
    ----------
    address_bits, beats_bits, max_burst
        The splitter's.
    """

    def __init__(self, address_bits: int, beats_bits: int, max_burst: int):
        self.config = (address_bits, beats_bits, max_burst)
        super().__init__({"valid": In(1), "address": In(address_bits), "beats": In(beats_bits), "ready": In(1)})

    def elaborate(self, platform) -> Module:
        """Design, two requests that aren't covered yet, and assertions."""
        m = Module()
        address_bits, beats_bits, max_burst = self.config
        m.submodules.dut = dut = BurstSplitter(*self.config)
        burst, valid = dut.o_bursts.payload, dut.o_bursts.valid
        m.d.comb += [
            dut.i_requests.valid.eq(self.valid),
            dut.i_requests.payload.address.eq(self.address),
            dut.i_requests.payload.beats.eq(self.beats),
            dut.o_bursts.ready.eq(self.ready),
        ]
        # What is still to be covered: the request that bursts come from, and the one after it. No beats: no request.
        layout = data.StructLayout({"address": address_bits, "beats": beats_bits})
        current, following = Signal(layout, name="current"), Signal(layout, name="following")
        after, last, takes = Signal(layout), Signal(), Signal()
        m.d.comb += [
            last.eq(current.beats == burst.beats),
            takes.eq(self.valid & dut.i_requests.ready & (self.beats != 0)),
            after.eq(current),
        ]
        with m.If(valid & self.ready):
            m.d.comb += [after.address.eq(current.address + burst.beats), after.beats.eq(current.beats - burst.beats)]
        m.d.sync += current.eq(after)
        with m.If(after.beats == 0):
            m.d.sync += [current.eq(following), following.beats.eq(0)]
            with m.If(takes & (following.beats == 0)):
                m.d.sync += [current.address.eq(self.address), current.beats.eq(self.beats)]
        with m.If(takes & ((after.beats != 0) | (following.beats != 0))):
            m.d.sync += [following.address.eq(self.address), following.beats.eq(self.beats)]
            m.d.comb += Assert((after.beats == 0) | (following.beats == 0))  # there is place for it
        with m.If(valid):
            m.d.comb += [
                Assert((burst.beats != 0) & (burst.beats <= max_burst)),
                Assert(burst.address % max_burst + burst.beats <= max_burst),
                Assert(burst.address == current.address),
                Assert(burst.beats <= current.beats),
                Assert(burst.final == last),
            ]
        assert_stable(m, "bursts", valid, self.ready, burst)
        self._relate(m, dut, current, following, last)
        m.d.comb += [
            Assert(dut.o_idle == (current.beats == 0)),
            Cover(valid & burst.final & self.ready & (following.beats > max_burst)),
        ]
        return m

    def _relate(self, m: Module, dut: BurstSplitter, current, following, last) -> None:
        """What the splitter holds is what is left to be covered, which makes the induction close."""
        burst, valid = dut.o_bursts.payload, dut.o_bursts.valid
        rest = Signal.like(current, name="rest")
        m.d.comb += rest.eq(current)
        with m.If(valid):
            m.d.comb += [
                rest.address.eq(current.address + burst.beats),
                rest.beats.eq(current.beats - burst.beats),
            ]
            with m.If(last):
                m.d.comb += rest.eq(following)
        m.d.comb += [
            Assert(dut.left == rest.beats),
            Assert((dut.left == 0) | (dut.address == rest.address)),
            Assert((following.beats == 0) | (valid & last)),
        ]
