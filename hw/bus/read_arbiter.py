"""Several clients of one reader."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..common.fifo import Fifo
from ..config import check_int
from ..emit.shared import shared
from .axi import request_layout
from .config import PortConfig
from .reader import read_beat

__all__ = ["ReadArbiter"]


class ReadArbiter(wiring.Component):
    """Passes requests of its clients on to a `Reader` in turn, and gives each of them the beats that it asked for.

    A client must take its beats in the cycle in which they come, so it only asks for what it has room for; then no
    client can hold up another. Requests of 0 beats are taken and dropped. A request that is taken in cycle t is offered
    to the reader from t + 1 on, one a cycle; beats pass through without delay.

    Parameters
    ----------
    config
        Of the reader.
    clients
        How many there are.

    Attributes
    ----------
    i_requests
        Streams of requests (`request_layout`), by client.
    o_requests, i_beats
        To and from the reader.
    o_valid, o_beat
        By client (a bit each): this beat (`read_beat`) is for it. ``last``: the last of its request.
    """

    def __init__(self, config: PortConfig, clients: int):
        check_int("clients", clients, 1, 256)
        self.config = (config, clients)
        requests = stream.Signature(request_layout(config))
        super().__init__(
            {
                "i_requests": In(requests).array(clients),
                "o_requests": Out(requests),
                "i_beats": In(stream.Signature(read_beat(config))),
                "o_valid": Out(clients),
                "o_beat": Out(read_beat(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, clients = self.config
        # What can be on its way: bursts that wait for answers, and two requests before they are bursts.
        tags = Fifo(bits_for(clients - 1), config.outstanding + 2)
        m.submodules.tags = shared(tags)
        out, beats = self.o_requests, self.i_beats
        asking, grants, behind = Signal(clients), Signal(clients), Signal(clients)
        after, grant, index = Signal(clients - 1), Signal(), Signal(range(clients))  # the first is behind nobody
        m.d.comb += [
            asking.eq(Cat(requests.valid for requests in self.i_requests)),
            # The first of those behind the one that was served last, or of all.
            behind.eq(asking & Cat(Const(0, 1), after)),
            grants.eq(_first(Mux(behind.any(), behind, asking))),
            grant.eq((~out.valid | out.ready) & tags.i.ready),
        ]
        chosen = Signal.like(out.payload)
        for client, requests in enumerate(self.i_requests):
            m.d.comb += requests.ready.eq(grants[client] & grant)
            with m.If(grants[client]):
                m.d.comb += [chosen.eq(requests.payload), index.eq(client)]
        passes = Signal()
        m.d.comb += [
            passes.eq(grant & asking.any() & (chosen.beats != 0)),
            tags.i.valid.eq(passes),
            tags.i.payload.eq(index),
        ]
        with m.If(~out.valid | out.ready):
            m.d.sync += out.valid.eq(passes)
        with m.If(passes):
            m.d.sync += out.payload.eq(chosen)
        with m.If(grant & asking.any()):
            m.d.sync += after.eq(~(grants | (grants - 1))[1:])
        m.d.comb += [
            beats.ready.eq(tags.o.valid),
            self.o_beat.eq(beats.payload),
            tags.o.ready.eq(beats.valid & beats.payload.last),
        ]
        with m.If(beats.valid & tags.o.valid):
            m.d.comb += self.o_valid.eq(1 << tags.o.payload)
        return m


def _first(bits: Value) -> Value:
    """The lowest bit that is set, alone."""
    return bits & -bits
