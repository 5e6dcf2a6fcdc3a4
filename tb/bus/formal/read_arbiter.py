"""What the arbiter must do with any clients and any reader."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.bus.config import PortConfig
from ....hw.bus.read_arbiter import ReadArbiter
from ...formal import Assert, Assume, Cover
from .stable import assert_stable

__all__ = ["ReadArbiterSpec"]


class ReadArbiterSpec(wiring.Component):
    """Each beat goes to whom it is for, as soon as the reader offers it; there is always a tag for it.

    The address of a request says which client it is from. The reader gives the beats of what it took in order, at any
    speed, the first in the cycle after the request. It takes more of them than the arbiter has tags.

    Parameters
    ----------
    config
        The reader's.
    clients
        How many there are.
    """

    def __init__(self, config: PortConfig, clients: int):
        self.config = (config, clients)
        inputs = {"valid": clients, "beats": clients * config.beats_bits, "ready": 1, "comes": 1}
        super().__init__({name: In(width) for name, width in inputs.items()})

    def elaborate(self, platform) -> Module:
        """Design, clients, a reader, and assertions."""
        m = Module()
        config, clients = self.config
        m.submodules.dut = dut = ReadArbiter(config, clients)
        for client, requests in enumerate(dut.i_requests):
            m.d.comb += [
                requests.valid.eq(self.valid[client]),
                requests.payload.address.eq(client),
                requests.payload.beats.eq(self.beats.word_select(client, config.beats_bits)),
            ]
        places = config.outstanding + 4
        who = Array(Signal(range(clients), name=f"who_{place}") for place in range(places))
        left = Array(Signal(config.beats_bits, name=f"left_{place}") for place in range(places))
        held, first, end = Signal(range(places + 1)), Signal(range(places)), Signal(range(places))
        request, beats = dut.o_requests, dut.i_beats
        takes, leaves = Signal(), Signal()
        m.d.comb += [
            request.ready.eq(self.ready & (held != places)),
            takes.eq(request.valid & request.ready),
            beats.valid.eq(self.comes & (held != 0)),
            beats.payload.last.eq(left[first] == 1),
            leaves.eq(beats.valid & beats.payload.last),
            Assume(~request.valid | (request.payload.beats < 4)),  # longer ones are the same for longer
            Assert(~request.valid | (request.payload.beats != 0)),
            Assert(~beats.valid | beats.ready),
            Assert(dut.o_valid == beats.valid << who[first]),
            Cover((held == config.outstanding + 3) & (who[0] != who[1]) & beats.valid),
        ]
        m.d.sync += held.eq(held + takes - leaves)
        with m.If(takes):
            m.d.sync += [who[end].eq(request.payload.address), left[end].eq(request.payload.beats)]
            m.d.sync += end.eq((end + 1) % places)
        with m.If(beats.valid):
            m.d.sync += left[first].eq(left[first] - 1)
        with m.If(leaves):
            m.d.sync += first.eq((first + 1) % places)
        assert_stable(m, "requests", request.valid, request.ready, request.payload)
        return m
