"""Random stream, memory stream and stream register against their models, with random stalls."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, flipped
from amaranth.sim import Simulator

from tensorloom.fpga.random_stream import RandomStream
from tensorloom.fpga.rom_stream import RomStream
from tensorloom.fpga.stream_register import StreamRegister
from tensorloom.sim.golden.xorshift import xorshift_words

WIDTH, BEATS = 70, 25
WORDS = [random.Random(7).getrandbits(WIDTH) for _ in range(BEATS)]


class Registered(wiring.Component):
    """A source with a stream register behind it."""

    def __init__(self, source: wiring.Component):
        self.source = source
        super().__init__({"i_start": In(1), "i_fault": In(1), "o": Out(stream.Signature(WIDTH))})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.source, m.submodules.register = source, register = self.source, StreamRegister(WIDTH)  # pyrefly: ignore[bad-argument-type]  # the stubs' Component has no elaborate
        wiring.connect(m, source.o, register.i)
        wiring.connect(m, register.o, flipped(self.o))
        m.d.comb += [source.i_start.eq(self.i_start), source.i_fault.eq(self.i_fault)]
        return m


def run(part: wiring.Component, stall: float, seed: int, fault: bool) -> tuple[list[int], int]:
    """Start twice, the second time perhaps with a fault; the beats, and the cycles of both."""
    numbers, beats, cycles = random.Random(seed), [], 0

    async def bench(ctx) -> None:
        nonlocal cycles
        for number in range(2):
            ctx.set(part.i_start, 1)
            ctx.set(part.i_fault, fault and number == 1)
            await ctx.tick()
            ctx.set(part.i_start, 0)
            waiting, quiet = None, 0
            while quiet < 8:
                ready = numbers.random() >= stall
                ctx.set(part.o.ready, ready)
                valid, payload = ctx.get(part.o.valid), ctx.get(part.o.payload)
                assert waiting is None or (valid and payload == waiting)
                waiting = payload if valid and not ready else None
                quiet = 0 if valid else quiet + 1
                if valid and ready:
                    beats.append(payload)
                cycles += 1
                await ctx.tick()

    simulator = Simulator(part)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return beats, cycles


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("fault", [False, True])
@pytest.mark.parametrize("kind", ["random", "memory"])
def test_every_beat_comes_once(kind: str, fault: bool, registered: bool, stall: float, seed: int) -> None:
    if kind == "random":
        part, words, at = (
            RandomStream(width=WIDTH, beats=BEATS, seed=3, fault_bit=66),
            xorshift_words(WIDTH, 3, BEATS),
            0,
        )
    else:
        part, words, at = RomStream(width=WIDTH, words=WORDS, fault=(4, 66)), WORDS, 4
    beats, cycles = run(Registered(part) if registered else part, stall, seed, fault)
    changed = list(words)
    changed[at] ^= fault << 66
    assert beats == [*words, *changed]
    if not stall:
        assert cycles <= 2 * (BEATS + 12), "less than a beat a cycle"


def test_words_are_those_of_the_published_generator() -> None:
    state, words = xorshift_words(32, 5, 1)[0], []
    for _ in range(50):
        words.append(state)
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
    assert xorshift_words(32, 5, 50) == words
    assert len(set(words)) == 50
