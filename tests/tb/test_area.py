import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.emit.shared import shared
from tensorloom.tb.area import nand2_equivalents


class Gate(wiring.Component):
    a: In(1)
    b: In(1)
    o: Out(1)
    config = "gate"

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(~(self.a & self.b))
        return m


class Gates(wiring.Component):
    """Two gates and a register with reset to 0, which is a flip-flop, a gate and an inverter."""

    a: In(2)
    o: Out(2)

    def elaborate(self, platform):
        m = Module()
        gates = [Gate(), Gate()]
        m.submodules += [shared(gate) for gate in gates]
        m.d.comb += [gates[0].a.eq(self.a[0]), gates[0].b.eq(self.a[1]), self.o[0].eq(gates[0].o)]
        m.d.comb += [gates[1].a.eq(gates[0].o), gates[1].b.eq(self.a[0])]
        m.d.sync += self.o[1].eq(gates[1].o)
        return m


def test_gates_and_flip_flops_are_counted():
    area = nand2_equivalents(emit(Gates()))
    assert area["gate"] == 1
    assert area["gates"] == pytest.approx(2 + 4 + 1, abs=1)
    assert nand2_equivalents(emit(Gates()), tops=("gate",)) == {"gate": 1}
