"""Lanes from sums to bytes, side by side."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.requantizer import Requantizer
from ..config import check, check_int
from ..emit.shared import shared
from .config import SET_ENTRY_BYTES

__all__ = ["RAW_LATENCY", "REQUANTIZE_LATENCY", "LaneGroup"]

SUM_BITS = 32

REQUANTIZE_LATENCY = 4
"""Cycles from sums to the bytes that are made of them."""

RAW_LATENCY = 1
"""Cycles from sums to bytes of their own."""


class LaneGroup(wiring.Component):
    """A lane for each of some columns, with the column's bias and factor.

    Nothing waits: what comes in comes out `REQUANTIZE_LATENCY` cycles later, or `RAW_LATENCY` cycles if ``i_raw``.
    Whoever uses it knows what counts.

    Parameters
    ----------
    lanes
        How many.
    beat_bytes
        Of a beat of the parameter set; what the lanes need of it is a multiple of that.

    Attributes
    ----------
    i_load, i_beat
        The next beat of the set: for column 0, 1, ... an int32 bias, then a float32 factor. The group's last beat makes
        its set complete, from the next cycle on.
    i_sums
        Of the columns.
    i_raw, i_relu
        Take bytes of the sums as they are; with ``i_relu``, of 0 in place of those below 0. Constant while sums are
        under way.
    i_plane
        Which byte that is, the lowest is 0.
    i_zero_point, i_low, i_high
        As those of `Requantizer`.
    o_bytes
        Of the columns.
    """

    def __init__(self, lanes: int, beat_bytes: int):
        check_int("lanes", lanes, 1)
        check_int("beat_bytes", beat_bytes, 1)
        set_bytes = lanes * SET_ENTRY_BYTES
        check("beat_bytes", set_bytes % beat_bytes == 0, f"a divisor of lanes * {SET_ENTRY_BYTES}", beat_bytes)
        self.config = (lanes, beat_bytes)
        super().__init__(
            {
                "i_load": In(1),
                "i_beat": In(8 * beat_bytes),
                "i_sums": In(SUM_BITS * lanes),
                "i_raw": In(1),
                "i_relu": In(1),
                "i_plane": In(2),
                "i_zero_point": In(signed(9)),
                "i_low": In(signed(9)),
                "i_high": In(signed(9)),
                "o_bytes": Out(8 * lanes),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lanes, _ = self.config
        entry = data.StructLayout({"bias": signed(SUM_BITS), "factor": 32})
        entries = Signal(data.ArrayLayout(entry, lanes), reset_less=True)
        with m.If(self.i_load):
            m.d.sync += entries.eq(Cat(entries, self.i_beat)[len(self.i_beat) :])
        for index in range(lanes):
            lane = Requantizer(SUM_BITS, 0)
            m.submodules[f"lane_{index}"] = shared(lane)
            sum_ = self.i_sums.word_select(index, SUM_BITS)
            raw = Signal(8, name=f"raw_{index}", reset_less=True)
            with m.If(self.i_raw):
                m.d.sync += raw.eq(Mux(self.i_relu & sum_[-1], 0, sum_.word_select(self.i_plane, 8)))
            m.d.comb += [
                lane.i.valid.eq(1),
                lane.i.payload.sum.eq(sum_),
                lane.i.payload.bias.eq(entries[index].bias),
                lane.i.payload.factor.eq(entries[index].factor),
                lane.o.ready.eq(1),
                lane.i_zero_point.eq(self.i_zero_point),
                lane.i_low.eq(self.i_low),
                lane.i_high.eq(self.i_high),
                self.o_bytes.word_select(index, 8).eq(Mux(self.i_raw, raw, lane.o.payload.value[:8])),
            ]
        return m
