"""Writes memory over AXI4."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.fifo import Fifo
from ..emit.shared import shared
from .axi import Axi4WriteSignature, burst_address, bus_error, request_layout
from .config import PortConfig
from .errors import FirstError
from .outstanding import OutstandingBursts
from .splitter import BurstSplitter

__all__ = ["Writer", "write_beat"]


def write_beat(config: PortConfig) -> data.StructLayout:
    """A beat of data; if ``strobes``, with a bit for each byte that is written."""
    strobe = {"strobe": config.bytes} if config.strobes else {}
    return data.StructLayout({"data": config.data_bits} | strobe)


class Writer(wiring.Component):
    """Writes runs of beats in bursts, and says when memory has answered for all of one.

    Beats may come before their request or after it; requests take them in order. The address of a burst only goes out
    when all its beats are in the FIFO: once it is out, nothing but memory can hold up the bus. Data don't wait for
    their address to be taken, as memory may want to see them first. BREADY is always 1; all bursts have ID 0. Without
    stalls, address and first beat go out two cycles after the burst's last beat was taken, or three after the request,
    if that is later; then a beat a cycle, bursts and requests without gaps.

    What was taken is finished whatever the answers; whoever asked looks at ``o_error``.

    Attributes
    ----------
    i_requests
        Stream of requests (`request_layout`).
    i_beats
        Stream of beats (`write_beat`), as many as the requests say.
    o_done
        1 for a cycle a request (those of no beats excepted) after the last of its bursts was answered, in order.
    o_error, i_clear
        First error (`bus_error`) since `i_clear` was 1. It is seen no later than ``o_done`` of its request.
    o_idle
        Nothing that was taken is left to be written, and all answers have come.
    m_axi
        Memory port.
    unclaimed
        For proofs: beats that were taken and belong to no burst yet.
    """

    def __init__(self, config: PortConfig):
        self.config = config
        self.unclaimed = Signal(range(config.fifo_depth + 2), name="unclaimed")
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "i_requests": In(stream.Signature(request_layout(config))),
                "i_beats": In(stream.Signature(write_beat(config))),
                "o_done": Out(1),
                "o_error": Out(bus_error(config)),
                "i_clear": In(1),
                "o_idle": Out(1),
                "m_axi": Out(Axi4WriteSignature(**widths)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, axi = self.config, self.m_axi
        splitter = BurstSplitter(config.beat_address_bits, config.beats_bits, config.max_burst)
        waiting = OutstandingBursts(config.beat_address_bits, config.max_burst, config.outstanding, 2)
        fifo, errors = Fifo(write_beat(config).size, config.fifo_depth), FirstError(config)
        for name, part in {"splitter": splitter, "waiting": waiting, "fifo": fifo, "errors": errors}.items():
            m.submodules[name] = shared(part)
        self.waiting, self.fifo = waiting, fifo
        sent, answered = 0, 1  # who goes through the bursts: data, then answers

        connect(m, flipped(self.i_requests), splitter.i_requests)
        self._addresses(m, splitter, waiting)

        beat = data.View(write_beat(config), fifo.o.payload)
        number, last, goes = Signal(range(config.max_burst)), Signal(), Signal()
        m.d.comb += [
            fifo.i.valid.eq(self.i_beats.valid),
            fifo.i.payload.eq(self.i_beats.payload),
            self.i_beats.ready.eq(fifo.i.ready),
            axi.wvalid.eq(fifo.o.valid & waiting.o_valid[sent]),
            fifo.o.ready.eq(axi.wready & waiting.o_valid[sent]),
            axi.wdata.eq(beat.data),
            axi.wstrb.eq(beat.strobe if config.strobes else (1 << config.bytes) - 1),
            last.eq(number == waiting.o_burst[sent].beats - 1),
            axi.wlast.eq(last),
            goes.eq(axi.wvalid & axi.wready),
            waiting.i_next[sent].eq(goes & last),
        ]
        with m.If(goes):
            m.d.sync += number.eq(number + 1)
            with m.If(last):
                m.d.sync += number.eq(0)

        burst = waiting.o_burst[answered]
        m.d.comb += [
            axi.bready.eq(1),
            waiting.i_next[answered].eq(axi.bvalid),
            errors.i_answer.eq(axi.bvalid),
            errors.i_response.eq(axi.bresp),
            errors.i_address.eq(burst.address),
            errors.i_clear.eq(self.i_clear),
            self.o_error.eq(errors.o_error),
            # A burst whose address waits has no answer yet either.
            self.o_idle.eq(splitter.o_idle & ~waiting.o_valid[answered]),
        ]
        m.d.sync += self.o_done.eq(axi.bvalid & burst.final)
        return m

    def _addresses(self, m: Module, splitter: BurstSplitter, waiting: OutstandingBursts) -> None:
        """Start a burst: claim its beats, list it for data and answers, and offer its address from then on."""
        config, axi, bursts, fifo = self.config, self.m_axi, splitter.o_bursts, self.fifo
        unclaimed = self.unclaimed
        address, claimed, starts = (
            Signal.like(bursts.payload, name="address"),
            Signal.like(bursts.payload.beats),
            Signal(),
        )
        free = Signal()
        m.d.comb += [
            free.eq(~axi.awvalid | axi.awready),
            bursts.ready.eq(free & (bursts.payload.beats <= unclaimed) & waiting.o_room),
            starts.eq(bursts.valid & bursts.ready),
            waiting.i_push.eq(starts),
            waiting.i_burst.eq(bursts.payload),
            *burst_address(axi, "aw", config, address.address, address.beats),
        ]
        with m.If(starts):
            m.d.comb += claimed.eq(bursts.payload.beats)
        with m.If(free):
            m.d.sync += axi.awvalid.eq(starts)
        with m.If(starts):
            m.d.sync += address.eq(bursts.payload)
        m.d.sync += unclaimed.eq(unclaimed + (fifo.i.valid & fifo.i.ready) - claimed)
