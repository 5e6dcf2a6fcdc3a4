"""Reads memory over AXI4."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.fifo import Fifo
from ..emit.shared import shared
from .axi import Axi4ReadSignature, burst_address, bus_error, request_layout
from .config import PortConfig
from .errors import FirstError
from .outstanding import OutstandingBursts
from .splitter import BurstSplitter

__all__ = ["Reader", "read_beat"]


def read_beat(config: PortConfig) -> data.StructLayout:
    """A beat of data; ``last``: the last of its request."""
    return data.StructLayout({"data": config.data_bits, "last": 1})


class Reader(wiring.Component):
    """Asks for runs of beats in bursts, and gives the beats in order.

    A burst is only asked for when its beats have room in the FIFO, beside all that was asked for before: RREADY is
    always 1, and nothing that happens to this reader's beats can hold up others on the same bus. All bursts have ID 0,
    so answers come in order. Without stalls, the address of a request that is taken in cycle t is out in cycle t + 2,
    and a beat that comes in cycle t goes out in cycle t + 2; a beat a cycle, bursts and requests without gaps.

    What was taken is finished whatever the answers: data of bursts that failed come out too, and whoever asked for them
    looks at ``o_error``.

    Attributes
    ----------
    i_requests
        Stream of requests (`request_layout`).
    o_beats
        Stream of beats (`read_beat`).
    o_error, i_clear
        First error (`bus_error`) since `i_clear` was 1. It is seen no later than the last beat of its burst.
    o_idle
        Nothing that was taken is left to be asked for, and all answers have come.
    m_axi
        Memory port.
    credits
        For proofs: beats that may still be asked for.
    """

    def __init__(self, config: PortConfig):
        self.config = config
        self.credits = Signal(range(config.fifo_depth + 1), init=config.fifo_depth, name="credits")
        widths = {name: getattr(config, name) for name in ("address_bits", "data_bits", "id_bits")}
        super().__init__(
            {
                "i_requests": In(stream.Signature(request_layout(config))),
                "o_beats": Out(stream.Signature(read_beat(config))),
                "o_error": Out(bus_error(config)),
                "i_clear": In(1),
                "o_idle": Out(1),
                "m_axi": Out(Axi4ReadSignature(**widths)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, axi, beats = self.config, self.m_axi, self.o_beats
        splitter = BurstSplitter(config.beat_address_bits, config.beats_bits, config.max_burst)
        waiting = OutstandingBursts(config.beat_address_bits, config.max_burst, config.outstanding, 1)
        fifo, errors = Fifo(config.data_bits + 1, config.fifo_depth), FirstError(config)
        for name, part in {"splitter": splitter, "waiting": waiting, "fifo": fifo, "errors": errors}.items():
            m.submodules[name] = shared(part)
        self.splitter, self.waiting, self.fifo = splitter, waiting, fifo

        connect(m, flipped(self.i_requests), splitter.i_requests)
        bursts = splitter.o_bursts
        credits = self.credits
        may, asked, leaves, ends = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            # Both stay true while the address waits: credits only grow, the queue only shrinks.
            may.eq((bursts.payload.beats <= credits) & waiting.o_room),
            axi.arvalid.eq(bursts.valid & may),
            bursts.ready.eq(axi.arready & may),
            *burst_address(axi, "ar", config, bursts.payload.address, bursts.payload.beats),
            asked.eq(axi.arvalid & axi.arready),
            waiting.i_push.eq(asked),
            waiting.i_burst.eq(bursts.payload),
        ]
        taken = Signal.like(bursts.payload.beats)
        with m.If(asked):
            m.d.comb += taken.eq(bursts.payload.beats)
        m.d.sync += credits.eq(credits - taken + leaves)

        m.d.comb += [
            axi.rready.eq(1),
            ends.eq(axi.rvalid & axi.rlast),
            waiting.i_next[0].eq(ends),
            fifo.i.valid.eq(axi.rvalid),
            fifo.i.payload.eq(Cat(axi.rdata, axi.rlast & waiting.o_burst[0].final)),
            beats.valid.eq(fifo.o.valid),
            beats.payload.eq(fifo.o.payload),
            fifo.o.ready.eq(beats.ready),
            leaves.eq(beats.valid & beats.ready),
            errors.i_answer.eq(axi.rvalid),
            errors.i_response.eq(axi.rresp),
            errors.i_address.eq(waiting.o_burst[0].address),
            errors.i_clear.eq(self.i_clear),
            self.o_error.eq(errors.o_error),
            self.o_idle.eq(splitter.o_idle & ~waiting.o_valid[0]),
        ]
        return m
