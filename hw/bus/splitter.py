"""Cuts requests into bursts."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from ..config import check, check_int

__all__ = ["BurstSplitter", "burst_layout"]


def burst_layout(address_bits: int, max_burst: int) -> data.StructLayout:
    """A burst.

    ``address``: of its first beat, in beats. ``beats``: 1 to `max_burst`. ``final``: it is the last of its request.
    """
    return data.StructLayout({"address": address_bits, "beats": bits_for(max_burst), "final": 1})


class BurstSplitter(wiring.Component):
    """Cuts runs of beats into bursts that never cross a multiple of `max_burst` beats.

    So they never cross a page either, if a page is such a multiple, and all but the first and the last of a request are
    whole and aligned, which memories like best. One burst a cycle, two cycles after the request was taken.

    Parameters
    ----------
    address_bits, beats_bits
        Width of an address in beats, of the number of beats of a request.
    max_burst
        Beats of a burst at most; a power of two.

    Attributes
    ----------
    i_requests
        Stream of ``address`` and ``beats``; none are taken for a request of 0 beats.
    o_bursts
        Stream of bursts (`burst_layout`).
    o_idle
        No burst is left of what was taken.
    address, left
        For proofs: what isn't cut yet.
    """

    def __init__(self, address_bits: int, beats_bits: int, max_burst: int):
        check_int("address_bits", address_bits, 1)
        check_int("beats_bits", beats_bits, 1)
        check_int("max_burst", max_burst, 1, 256)
        check("max_burst", max_burst.bit_count() == 1, "a power of two", max_burst)
        check("max_burst", max_burst <= 1 << address_bits, "no more than there are addresses", max_burst)
        self.config = (address_bits, beats_bits, max_burst)
        self.address, self.left = Signal(address_bits, name="address"), Signal(beats_bits, name="left")
        request = data.StructLayout({"address": address_bits, "beats": beats_bits})
        super().__init__(
            {
                "i_requests": In(stream.Signature(request)),
                "o_bursts": Out(stream.Signature(burst_layout(address_bits, max_burst))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        max_burst = self.config[2]
        offset_bits = exact_log2(max_burst)
        address, left = self.address, self.left
        burst, valid = self.o_bursts.payload, self.o_bursts.valid
        to_border, beats = Signal(bits_for(max_burst)), Signal(bits_for(max_burst))
        final, free, cut = Signal(), Signal(), Signal()
        m.d.comb += [
            to_border.eq(max_burst - address[:offset_bits]),
            final.eq(left <= to_border),
            beats.eq(Mux(final, left, to_border)),
            free.eq(~valid | self.o_bursts.ready),
            cut.eq(free & (left != 0)),
            self.i_requests.ready.eq((left == 0) | (cut & final)),
            self.o_idle.eq((left == 0) & ~valid),
        ]
        with m.If(free):
            m.d.sync += [valid.eq(left != 0), burst.address.eq(address), burst.beats.eq(beats), burst.final.eq(final)]
        with m.If(cut):
            m.d.sync += [address.eq(address + beats), left.eq(left - beats)]
        with m.If(self.i_requests.valid & self.i_requests.ready):
            m.d.sync += [address.eq(self.i_requests.payload.address), left.eq(self.i_requests.payload.beats)]
        return m
