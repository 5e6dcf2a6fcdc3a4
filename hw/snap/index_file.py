"""Register file of channel indices that shows a window or tile whole, one lane an entry, as the AIM wants it."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.emitter import UNINITIALISED

__all__ = ["IndexFile"]


class IndexFile(wiring.Component):
    """A ring of ``beats`` beats, of which ``span`` from any beat on are read at once, without a rotator.

    Beat b always comes out in place b mod ``span``: the ring is banks of ``span`` beats, and places before that of
    `i_start` are of the bank after that of the others. Latency: a beat is readable in the cycle after its store.

    Parameters
    ----------
    beats, span
        Beats of the ring and of an item. Powers of two.
    beat
        Shape of a beat.

    Attributes
    ----------
    i_store, i_address, i_beat
        Store a beat.
    i_start
        First beat to read.
    o_beats
        The beats from `i_start` on, beat b in place b mod ``span``.
    """

    def __init__(self, beats: int, span: int, beat: ShapeLike):
        self.config = (beats, span, beat)
        super().__init__(
            {
                "i_store": In(1),
                "i_address": In(range(beats)),
                "i_beat": In(beat),
                "i_start": In(range(beats)),
                "o_beats": Out(data.ArrayLayout(beat, span)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        beats, span, beat = self.config
        low = exact_log2(span)
        for place in range(span):
            store = Signal(name=f"store_{place}")
            m.d.comb += store.eq(self.i_store & (self.i_address[:low] == place))
            if beats == span:
                only = Signal(beat, name=f"beat_{place}", reset_less=True)
                with m.If(store):
                    m.d.sync += only.eq(self.i_beat)
                m.d.comb += self.o_beats[place].eq(only)
                continue
            banks = Memory(shape=beat, depth=beats // span, init=[], attrs={UNINITIALISED: "1"})
            m.submodules[f"place_{place}"] = banks
            write, read = banks.write_port(), banks.read_port(domain="comb")
            wraps = self.i_start[:low] > place if place < span - 1 else 0
            m.d.comb += [
                write.en.eq(store),
                write.addr.eq(self.i_address[low:]),
                write.data.eq(self.i_beat),
                read.addr.eq(self.i_start[low:] + wraps),
                self.o_beats[place].eq(read.data),
            ]
        return m
