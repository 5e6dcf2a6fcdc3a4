"""How many broadcasts each cluster has room for."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import EieConfig

__all__ = ["Credits"]


class Credits(wiring.Component):
    """A counter for each cluster, of the places in its queue that no broadcast is on its way to.

    A broadcast takes a credit of each in the cycle in which it is decided. The cluster gives it back when the column
    has left its queue, or did not enter it.

    Attributes
    ----------
    i_sent
        A broadcast was decided.
    i_returned
        By cluster: credits that it gives back in this cycle.
    o_all
        All clusters have one.
    o_none
        By cluster: it has none.
    credits
        For proofs: the counters.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        depth = config.queue_depth
        self.credits = [
            Signal(range(depth + 1), init=depth, name=f"credit_{number}") for number in range(config.clusters)
        ]
        super().__init__(
            {
                "i_sent": In(1),
                "i_returned": In(data.ArrayLayout(range(4), config.clusters)),
                "o_all": Out(1),
                "o_none": Out(config.clusters),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        for credit, returned in zip(self.credits, self.i_returned, strict=True):
            m.d.sync += credit.eq(credit + returned - self.i_sent)
        m.d.comb += [self.o_none.eq(Cat(credit == 0 for credit in self.credits)), self.o_all.eq(~self.o_none.any())]
        return m
