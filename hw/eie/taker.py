"""Taker: which entries of the two oldest columns are worked on now."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from .config import EieConfig
from .layouts import line_number, queued_column, taken_layout

__all__ = ["Taker"]


class Taker(wiring.Component):
    """Up to ``lanes`` entries a cycle, of the oldest column and, if these are its last, of the second.

    An empty column takes a cycle if it is the oldest, and none beside another, if a lane is left. Latency: `o_taken` is
    a register, everything else is of the same cycle as the inputs.

    Attributes
    ----------
    i_known
        Bit 0: the first line of the oldest column, and bit 1, only along with bit 0: that of the second one, was read
        before this cycle.
    i_columns
        Both.
    i_lines
        Lines read before this cycle.
    o_pop
        Columns that are used up now.
    o_valid
        By lane: an entry is taken.
    o_ahead
        Lines from that of the next entry to the newest, if the oldest column is known.
    o_taken
        What was taken in the cycle before.
    used
        Register: entries taken of the oldest column (for proofs only).
    """

    def __init__(self, config: EieConfig):
        self.config = config
        self.used = Signal(range(config.rows), name="used")
        super().__init__(
            {
                "i_known": In(2),
                "i_columns": In(data.ArrayLayout(queued_column(config), 2)),
                "i_lines": In(line_number(config)),
                "o_pop": Out(range(3)),
                "o_valid": Out(config.lanes),
                "o_ahead": Out(bits_for(config.line_buffer)),
                "o_taken": Out(taken_layout(config)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, used, lanes = self.config, self.used, self.config.lanes
        shift, numbers = exact_log2(config.line_entries), line_number(config)
        head, second = self.i_columns[0].column, self.i_columns[1].column
        # Place of the next entry of either column, counted in entries of the lines that were read.
        places = [Signal(shift + numbers, name=f"place_{number}") for number in range(2)]
        for number, place in enumerate(places):
            column, slot = self.i_columns[number].column, self.i_columns[number].slot
            start = Cat(column.start[:shift], slot)
            m.d.comb += place.eq(start + used if number == 0 else start)
        left = Signal(bits_for(config.rows))
        m.d.comb += left.eq(head.count - used)
        first, ahead = self._ready(m, 0, places[0], left)
        following, _ = self._ready(m, 1, places[1], second.count)

        # `first` and `following` are without gaps: bit k is whether there are more than k.
        exactly = [~first[0], *(first[n - 1] & ~first[n] for n in range(1, lanes)), first[lanes - 1]]
        ends, both, other = Signal(), Signal(), Signal(lanes)
        ended = [exactly[n] & (left == n) for n in range(lanes + 1)]
        fits = [
            exactly[n] & (second.count == count) & (following[count - 1] if count else 1)
            for n in range(1, lanes)
            for count in range(lanes - n + 1)
        ]
        m.d.comb += [
            self.o_ahead.eq(ahead),
            ends.eq(self.i_known[0] & _any(ended)),
            other.eq(
                Cat(_any([exactly[n] & following[lane - n] for n in range(1, lane + 1)]) for lane in range(lanes))
            ),
            both.eq(ends & self.i_known[1] & _any(fits)),
            self.o_pop.eq(ends + both),
            self.o_valid.eq(first | Mux(ends, other, 0)),
        ]
        taken = self.o_taken
        m.d.sync += [taken.valid.eq(self.o_valid), taken.second.eq(~first), taken.first.eq(used == 0)]
        m.d.sync += [
            to.eq(queued.column.activation) for to, queued in zip(taken.activations, self.i_columns, strict=True)
        ]
        for lane, place in enumerate(taken.places):
            with m.If(first[lane]):
                m.d.sync += place.eq(places[0] + lane)
            for n in range(1, lane + 1):
                with m.If(exactly[n]):
                    m.d.sync += place.eq(places[1] + (lane - n))
        with m.If(ends):
            m.d.sync += used.eq(Mux(both, 0, sum(other)))
        with m.Else():
            m.d.sync += used.eq(used + sum(first))
        return m

    def _ready(self, m: Module, number: int, place, left) -> tuple[Signal, Signal]:
        """By count: whether the column has more entries than that in lines that were read; and these lines.

        There may be none, if both columns were taken from and the cursor had no place for the next line of the second.
        """
        shift, entries, lanes = exact_log2(self.config.line_entries), self.config.line_entries, self.config.lanes
        ahead = Signal(line_number(self.config), name=f"ahead_{number}")
        ready = Signal(lanes, name=f"ready_{number}")
        m.d.comb += ahead.eq(self.i_lines - place[shift:])
        within = place[:shift]
        m.d.comb += ready.eq(
            Cat(
                self.i_known[number] & (left > k) & (ahead != 0) & ((ahead != 1) | (within < entries - k))
                for k in range(lanes)
            )
        )
        return ready, ahead


def _any(values):
    return reduce(or_, values, 0)
