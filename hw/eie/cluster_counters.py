"""Counters of a cluster: what it does in every cycle of a job."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .config import EieConfig
from .layouts import cluster_counters

__all__ = ["ClusterCounters"]


class ClusterCounters(wiring.Component):
    """Counts until it is cleared; what happens in a cycle is counted from the next one on.

    Attributes
    ----------
    i_clear
        Make all counters 0; nothing is counted in this cycle.
    i_scanning, i_reading_out
        The cycle is one of this phase of a job.
    i_ended
        No more columns come.
    i_count, i_pop, i_valid, i_read
        Columns in the queue; columns used up, entries taken by lane, a line read (`ColumnReader`).
    i_empty
        A column without entries came.
    i_products
        By lane: a product.
    o_counters
        See `cluster_counters`.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_clear": In(1),
                "i_scanning": In(1),
                "i_reading_out": In(1),
                "i_ended": In(1),
                "i_count": In(bits_for(config.queue_depth)),
                "i_pop": In(range(3)),
                "i_valid": In(config.lanes),
                "i_read": In(1),
                "i_empty": In(1),
                "i_products": In(config.lanes),
                "o_counters": Out(cluster_counters()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        counters, scanning = self.o_counters, self.i_scanning
        queued, busy, popped = self.i_count != 0, self.i_valid.any(), self.i_pop != 0
        idle = Signal(range(self.config.lanes + 1))
        none_left, second = self.i_pop == self.i_count, self.i_pop == 2
        m.d.comb += idle.eq(sum(~lane for lane in self.i_valid))
        amounts = {
            "entries": sum(self.i_valid),
            "products": sum(self.i_products),
            "empty_columns": self.i_empty,
            "lines": self.i_read,
            "busy": busy,
            "line_wait": scanning & queued & ~busy & ~popped,
            "starved": scanning & ~queued & ~self.i_ended,
            "empty": ~busy & popped,
            "drained": scanning & ~queued & self.i_ended,
            "readout": self.i_reading_out,
            "idle_line": idle * (busy & ~none_left & ~second),
            "idle_columns": idle * (busy & ~none_left & second),
            "idle_queue": idle * (busy & none_left),
        }
        for name, amount in amounts.items():
            m.d.sync += counters[name].eq(counters[name] + amount)
        with m.If(self.i_count > counters.highest):
            m.d.sync += counters.highest.eq(self.i_count)
        with m.If(self.i_clear):
            m.d.sync += counters.eq(0)
        return m
