"""Samples from waveforms of Amaranth's simulator."""

from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tensorloom.tb.amaranth_bench import simulate
from tensorloom.tb.bench import Bench
from tensorloom.tb.waves import read_samples


class Adder(wiring.Component):
    """Adds up, with its steps in a register of its own."""

    def __init__(self):
        super().__init__({"i": In(4), "o": Out(8)})

    def elaborate(self, platform) -> Module:
        m, inner = Module(), Module()
        step = Signal(4)
        inner.d.sync += step.eq(self.i)
        m.d.sync += self.o.eq(self.o + step)
        m.submodules.inner = inner
        return m


async def _play(bench: Bench) -> None:
    for value in (3, 5, 2):
        await bench.cycle({"i": value})
    await bench.reset()
    await bench.cycle({"i": 7})
    await bench.cycle()


def test_samples_before_each_edge_without_reset(tmp_path: Path) -> None:
    simulate(Adder(), _play, vcd=tmp_path / "waves.vcd")
    samples = read_samples(tmp_path / "waves.vcd", ["inner.i", "inner.step", "o"])
    assert [tuple(sample.values()) for sample in samples] == [(3, 0, 0), (5, 3, 0), (2, 5, 3), (7, 0, 0), (7, 7, 0)]


def test_unknown_signals(tmp_path: Path) -> None:
    simulate(Adder(), _play, vcd=tmp_path / "waves.vcd")
    with pytest.raises(ValueError, match="the component must have inner.stop, p"):
        read_samples(tmp_path / "waves.vcd", ["p", "inner.stop", "o"])
