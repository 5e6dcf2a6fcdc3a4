"""What counters must add, whatever they counted before."""

from collections.abc import Mapping

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring

from ....hw.eie.cluster_counters import ClusterCounters
from ....hw.eie.config import EieConfig
from ....hw.eie.machine_counters import MachineCounters
from ....sim.eie.counters import CLASSES, IDLE
from ...formal import Assert, Assume

__all__ = ["ClusterCountersSpec", "MachineCountersSpec"]


class _CountersSpec(wiring.Component):
    """All inputs of the counters are free."""

    def __init__(self, counters: ClusterCounters | MachineCounters):
        self.config, self.dut = counters.config, counters
        super().__init__({name: port for name, port in counters.signature.members.items() if name.startswith("i_")})

    def _start(self, m: Module) -> None:
        m.submodules.dut = dut = self.dut
        m.d.comb += [Value.cast(getattr(dut, name)).eq(getattr(self, name)) for name in self.signature.members]

    def _expect(self, m: Module, counters: Mapping[str, Value], amounts: Mapping[str, Value | int]) -> None:
        """Each counter holds what it held a cycle ago and the amount of that cycle; nothing after a clear."""
        assert counters.keys() == amounts.keys()
        for name, counter in counters.items():
            expected = Signal.like(counter, name=f"expected_{name}")
            m.d.sync += expected.eq(Mux(self.i_clear, 0, counter + amounts[name]))
            m.d.comb += Assert(counter == expected)


class ClusterCountersSpec(_CountersSpec):
    """In every cycle of a job a cluster does one of `CLASSES`; each lane of a busy one takes an entry or is idle."""

    def __init__(self, config: EieConfig):
        super().__init__(ClusterCounters(config))

    def elaborate(self, platform) -> Module:
        """Counters, what they may assume of the cluster, and assertions."""
        m = Module()
        self._start(m)
        counters, lanes, count, pop = self.dut.o_counters, self.i_valid, self.i_count, self.i_pop
        taken = Signal(range(self.config.lanes + 1))
        does, why = Signal(range(len(CLASSES) + 1)), Signal(range(len(IDLE)))
        number = {name: index for index, name in enumerate(CLASSES)}
        m.d.comb += [
            taken.eq(sum(lanes)),
            Assume(count <= self.config.queue_depth),
            Assume((pop <= count) & ((taken == 0) | (count != 0))),
            Assume(~self.i_reading_out | (~self.i_scanning & (count == 0))),
            Assume(self.i_scanning | self.i_reading_out | (count == 0)),
            does.eq(len(CLASSES)),
        ]
        with m.If(self.i_reading_out):
            m.d.comb += does.eq(number["readout"])
        with m.Elif(self.i_scanning):
            with m.If(taken != 0):
                m.d.comb += does.eq(number["busy"])
            with m.Elif(count == 0):
                m.d.comb += does.eq(Mux(self.i_ended, number["drained"], number["starved"]))
            with m.Else():
                m.d.comb += does.eq(Mux(pop == 0, number["line_wait"], number["empty"]))
        with m.If(count == pop):
            m.d.comb += why.eq(IDLE.index("idle_queue"))
        with m.Elif(pop == 2):
            m.d.comb += why.eq(IDLE.index("idle_columns"))
        with m.Else():
            m.d.comb += why.eq(IDLE.index("idle_line"))
        idle = Mux(taken == 0, 0, self.config.lanes - taken)
        amounts = {
            "entries": taken,
            "products": sum(self.i_products),
            "empty_columns": self.i_empty,
            "lines": self.i_read,
            **{name: does == index for index, name in enumerate(CLASSES)},
            **{name: Mux(why == index, idle, 0) for index, name in enumerate(IDLE)},
        }
        self._expect(m, {name: counters[name] for name in amounts}, amounts)
        highest = Signal.like(counters.highest)
        m.d.sync += highest.eq(Mux(self.i_clear, 0, Mux(count > counters.highest, count, counters.highest)))
        m.d.comb += Assert(counters.highest == highest)
        return m


class MachineCountersSpec(_CountersSpec):
    """Each counts the cycles of its kind; an activation that isn't sent is kept back by each cluster without credit."""

    def __init__(self, config: EieConfig):
        super().__init__(MachineCounters(config))

    def elaborate(self, platform) -> Module:
        """Counters and assertions."""
        m = Module()
        self._start(m)
        amounts = {
            "cycles": Mux(self.i_scanning, 1, self.i_reading_out),
            "scan_cycles": self.i_scanning,
            "readout_cycles": self.i_reading_out,
            "broadcasts": self.i_sent,
            "full": Mux(self.i_sent, 0, self.i_offered),
            "source_empty": self.i_empty,
        }
        self._expect(m, {name: self.dut.o_counters[name] for name in amounts}, amounts)
        names = [f"full_by_{number}" for number in range(self.config.clusters)]
        kept_back = (Mux(self.i_offered, none, 0) for none in self.i_none)
        self._expect(m, dict(zip(names, self.dut.o_full_by, strict=True)), dict(zip(names, kept_back, strict=True)))
        return m
