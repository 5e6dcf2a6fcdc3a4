"""Asks for beats as there is room for them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from ..config import check_int
from .axi import request_layout
from .config import PortConfig

__all__ = ["BeatLoader", "job_layout"]


def job_layout(config: PortConfig, passes_bits: int = 0) -> data.StructLayout:
    """What to read: a request; or ``beats`` from ``address`` on (in beats), all of them ``passes`` times."""
    if not passes_bits:
        return request_layout(config)
    bits = config.beat_address_bits
    return data.StructLayout({"address": bits, "beats": bits, "passes": passes_bits})


class BeatLoader(wiring.Component):
    """Requests for all beats of its jobs, one job and pass after the other, each for no more than there are free rows.

    It waits for the room for a whole burst, unless the reader waits for what comes next: room for that may have to do.
    No request crosses a multiple of the bus's longest burst, so that each is one burst. A request in two cycles; one
    more cycle between passes, and another between jobs.

    Parameters
    ----------
    config
        The memory port.
    rows
        Of the buffer, each for a beat: at least a burst.
    passes_bits
        Width of the number of passes; 0 if jobs have none, and so one.

    Attributes
    ----------
    i_jobs
        Stream of jobs (`job_layout`); one without beats or passes does nothing.
    o_requests
        Stream of requests (`request_layout`).
    i_free
        A row of the buffer becomes free.
    i_waits
        All that was loaded has been read.
    free
        For proofs: rows that are free.
    """

    def __init__(self, config: PortConfig, rows: int, passes_bits: int = 0):
        check_int("rows", rows, config.max_burst)
        check_int("passes_bits", passes_bits, 0, 32)
        self.config = (config, rows, passes_bits)
        self.free = Signal(range(rows + 1), init=rows, name="free")
        super().__init__(
            {
                "i_jobs": In(stream.Signature(job_layout(config, passes_bits))),
                "o_requests": Out(stream.Signature(request_layout(config))),
                "i_free": In(1),
                "i_waits": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, _, passes_bits = self.config
        most = config.max_burst
        job, out, free = Signal.like(self.i_jobs.payload), self.o_requests, self.free
        passes = job.passes if passes_bits else Signal(name="passes")
        address, left = Signal.like(job.address), Signal.like(job.beats)
        to_border, whole, beats = (Signal(bits_for(most), name=name) for name in ("to_border", "whole", "beats"))
        fits, asks, taken = Signal(), Signal(), Signal.like(beats)
        m.d.comb += [
            to_border.eq(most - address[: exact_log2(most)]),
            whole.eq(Mux(left < to_border, left, to_border)),
            fits.eq(free >= whole),
            beats.eq(Mux(fits, whole, free)),
            asks.eq(~out.valid & (fits | self.i_waits) & (beats != 0)),
            taken.eq(Mux(out.ready, out.payload.beats, 0)),
            out.payload.address.eq(address),
            self.i_jobs.ready.eq((left == 0) & (passes == 0)),
        ]
        m.d.sync += free.eq(free - Mux(asks, beats, 0) + self.i_free)
        with m.If(asks):
            m.d.sync += [out.valid.eq(1), out.payload.beats.eq(beats)]
        with m.Elif(out.ready):
            m.d.sync += out.valid.eq(0)
        with m.If(out.valid):
            m.d.sync += [address.eq(address + taken), left.eq(left - taken)]
        with m.Elif((left == 0) & (passes != 0)):
            m.d.sync += [address.eq(job.address), left.eq(job.beats), passes.eq(passes - 1)]
        with m.Elif((left == 0) & self.i_jobs.valid):
            m.d.sync += job.eq(self.i_jobs.payload)
            if not passes_bits:
                m.d.sync += passes.eq(1)
        return m
