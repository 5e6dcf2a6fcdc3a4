"""Counters of what all clusters do together, and of what each makes the others wait for."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import EieConfig
from .layouts import COUNTER_BITS
from .machine_layouts import MACHINE_COUNTERS

__all__ = ["MachineCounters"]


class MachineCounters(wiring.Component):
    """Counts cycles; `sim.eie.counters.EieCounters` says what each counter means.

    Attributes
    ----------
    i_scanning, i_reading_out, i_offered, i_sent, i_empty, i_none
        What happens in this cycle; see `Control`, `Source` and `Credits`.
    i_clear
        All counters are 0 in the next cycle.
    o_counters, o_full_by
        Counts; of each cluster, cycles in which it alone or with others kept back an activation.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_scanning": In(1),
                "i_reading_out": In(1),
                "i_offered": In(1),
                "i_sent": In(1),
                "i_empty": In(1),
                "i_none": In(config.clusters),
                "i_clear": In(1),
                "o_counters": Out(data.StructLayout(dict.fromkeys(MACHINE_COUNTERS, COUNTER_BITS))),
                "o_full_by": Out(data.ArrayLayout(COUNTER_BITS, config.clusters)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        happens = {
            "cycles": self.i_scanning | self.i_reading_out,
            "scan_cycles": self.i_scanning,
            "readout_cycles": self.i_reading_out,
            "broadcasts": self.i_sent,
            "full": self.i_offered & ~self.i_sent,
            "source_empty": self.i_empty,
        }
        counted = [(self.o_counters[name], event) for name, event in happens.items()]
        for number, none in enumerate(self.i_none):
            kept_back = Signal(name=f"kept_back_{number}")
            m.d.comb += kept_back.eq(self.i_offered & none)
            counted.append((self.o_full_by[number], kept_back))
        with m.If(self.i_clear):
            m.d.sync += [counter.eq(0) for counter, _ in counted]
        with m.Else():
            m.d.sync += [counter.eq(counter + event) for counter, event in counted]
        return m
