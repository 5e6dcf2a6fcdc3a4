"""What is emitted once has instances that nobody elaborates, nor what they hold."""

import gc
import re

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tensorloom.hw.common.fifo import Fifo
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.emit.shared import shared


class Queues(wiring.Component):
    """FIFOs that it makes at once, so that others can look into them."""

    config = ()

    def __init__(self) -> None:
        self.first, self.others = Fifo(8, 2), [(Fifo(8, 2),)]
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.first, m.submodules.other = shared(self.first), shared(self.others[0][0])
        m.d.comb += [self.first.i.payload.eq(self.i), self.o.eq(self.first.o.payload)]
        return m


class Two(wiring.Component):
    """Of one module."""

    config = ()

    def __init__(self) -> None:
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.a, m.submodules.b = a, b = shared(Queues()), shared(Queues())
        m.d.comb += [a.component.i.eq(self.i), b.component.i.eq(a.component.o), self.o.eq(b.component.o)]
        return m


@pytest.mark.filterwarnings("error")
def test_parts_of_an_instance_count_as_used() -> None:
    gc.collect()
    text = "".join(emit(Two()).verilog.values())
    gc.collect()  # here Amaranth complains, and pytest fails
    assert len(re.findall(r"^module queues\b", text, re.MULTILINE)) == 1
