"""Sources and sinks of testbenches, on a design with and without faults."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bench import Bench, Sink, Source, run

BEATS = list(range(20))


class Stage(wiring.Component):
    """A register of a stream; as a fault, `valid` waits for `ready`, or the last beat comes for ever."""

    def __init__(self, fault: str = ""):
        self.fault = fault
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform) -> Module:
        m = Module()
        full, leaves = Signal(), Signal()
        m.d.comb += [
            leaves.eq(full & self.o.ready),
            self.o.valid.eq(leaves if self.fault == "waits" else full),
            self.i.ready.eq(~full | leaves),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [full.eq(1), self.o.payload.eq(self.i.payload)]
        with m.Elif(leaves if self.fault != "repeats" else 0):
            m.d.sync += full.eq(0)
        return m


def cycles(fault: str, most: int = len(BEATS), *, after_valid: bool = False) -> int:
    """How many it takes until all beats were sent and so many taken, and no more come."""
    taken = 0

    async def check(bench: Bench) -> None:
        nonlocal taken
        source = Source("i", BEATS, 0, random.Random(1))
        sink = Sink("o", most, 0, random.Random(1), after_valid=after_valid)
        start = bench.cycles
        await run(bench, [source, sink], lambda: source.done and sink.done, watchdog=20)
        assert sink.beats == BEATS[:most]
        taken, end = bench.cycles - start, bench.cycles + 10
        await run(bench, [source, sink], lambda: bench.cycles == end, watchdog=20)

    simulate(Stage(fault), check)
    return taken


def test_a_sink_that_waits_for_valid() -> None:
    assert cycles("") == cycles("waits") == 1 + len(BEATS)
    assert cycles("", after_valid=True) == 1 + 2 * len(BEATS)
    with pytest.raises(AssertionError, match="nothing moved for 20 cycles"):
        cycles("waits", after_valid=True)


@pytest.mark.parametrize("after_valid", [False, True])
def test_beats_that_are_too_many(after_valid: bool) -> None:
    for fault, most in (("", len(BEATS) - 1), ("repeats", len(BEATS))):
        with pytest.raises(AssertionError, match=f"o gave more than {most} beats"):
            cycles(fault, most, after_valid=after_valid)
