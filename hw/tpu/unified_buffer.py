"""Unified buffer: activations on their way from layer to layer."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..emit.shared import shared
from .buffer_half import BufferHalf
from .config import GRANULE_BYTES, TpuConfig
from .layouts import put_layout, store_layout, ub_row, window_layout

__all__ = ["ROW_LATENCY", "WINDOW_LATENCY", "UnifiedBuffer"]

WINDOW_LATENCY = 3
"""Cycles from a window's request to its bytes: memory, choice of the bank, shift."""

ROW_LATENCY = 2
"""Cycles from the one in which a row is fetched to its bytes: memory, choice of the bank."""


class UnifiedBuffer(wiring.Component):
    """Rows as wide as the matrix unit in banks, by their number modulo the banks, with addresses of granules.

    As many bytes as a row has, from any granule on, lie in two neighbouring rows, so in one of each half: the even and
    the odd rows (`BufferHalf`). They are read or written in a cycle.

    What a window or a fetch gives of rows that are written at the same time is undefined.

    Attributes
    ----------
    i_window, o_window
        Request a window: its bytes come `WINDOW_LATENCY` cycles later. A row of which no granule counts is not read,
        nor is one that a window before has read, if it is the last one of its half and was not written since.
    i_fetch, o_fetch_ready, o_row
        Read a whole row: it comes `ROW_LATENCY` cycles after the one in which it is ready. It isn't while a window
        reads in the row's bank; that doesn't depend on ``i_fetch.valid``.
    i_put
        Write bytes anywhere: a window or a fetch that is requested two cycles later sees them.
    i_store
        Stream of writes within a row: what is requested in the next cycle sees them. It waits while bytes that were put
        in the cycle before go to the row's bank.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        width = 8 * config.row_bytes
        super().__init__(
            {
                "i_window": In(wiring.Signature({"valid": Out(1), "payload": Out(window_layout(config))})),
                "o_window": Out(width),
                "i_fetch": In(wiring.Signature({"valid": Out(1), "row": Out(ub_row(config))})),
                "o_fetch_ready": Out(1),
                "o_row": Out(width),
                "i_put": In(wiring.Signature({"valid": Out(1), "payload": Out(put_layout(config))})),
                "i_store": In(stream.Signature(store_layout(config))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        halves = [BufferHalf(self.config) for _ in range(2)]
        for name, half in zip(("even", "odd"), halves, strict=True):
            m.submodules[name] = shared(half)
        self._window(m, halves)
        self._put(m, halves)
        fetch, store, row = self.i_fetch, self.i_store.payload, self.i_store.payload.row
        fetched_odd = Signal()
        m.d.comb += [
            self.o_fetch_ready.eq(Mux(fetch.row[0], halves[1].o_fetch_ready, halves[0].o_fetch_ready)),
            self.i_store.ready.eq(Mux(row[0], halves[1].i_store.ready, halves[0].i_store.ready)),
        ]
        m.d.sync += [
            fetched_odd.eq(fetch.row[0]),
            self.o_row.eq(Mux(fetched_odd, halves[1].o_fetched, halves[0].o_fetched)),
        ]
        for odd, half in enumerate(halves):
            m.d.comb += [
                half.i_fetch.valid.eq(fetch.valid & (fetch.row[0] == odd)),
                half.i_fetch.row.eq(fetch.row >> 1),
                half.i_store.valid.eq(self.i_store.valid & (row[0] == odd)),
                half.i_store.payload.row.eq(row >> 1),
                half.i_store.payload.mask.eq(store.mask),
                half.i_store.payload.data.eq(store.data),
            ]
        return m

    def _place(self, m: Module, name: str, address: Value) -> tuple[Signal, Value, list[Value]]:
        """Take an address apart: its row, the granule there, and where that row and the next are in the two halves."""
        first_bits = exact_log2(self.config.row_granules)
        row = Signal(ub_row(self.config), name=f"{name}_row")
        m.d.comb += row.eq(address >> first_bits)
        return row, address[:first_bits], [(row + 1) >> 1, row >> 1]

    def _window(self, m: Module, halves: list[BufferHalf]) -> None:
        """Choose the rows in which something counts, and take the window's bytes out of them two cycles later."""
        window, size, granule = self.i_window.payload, self.config.row_granules, 8 * GRANULE_BYTES
        row, at, places = self._place(m, "window", window.address)
        low, high, some = Signal(), Signal(), Signal()  # does something count in the row where it begins; in the next
        m.d.comb += [
            some.eq(self.i_window.valid & (window.first < window.end)),
            low.eq(some & (at + window.first < size)),
            high.eq(some & (at + window.end > size)),
        ]
        for odd, half in enumerate(halves):
            m.d.comb += [half.i_choose.valid.eq(Mux(row[0] == odd, low, high)), half.i_choose.row.eq(places[odd])]

        late = data.StructLayout({"odd": 1, "at": len(at), "first": len(window.first), "end": len(window.end)})
        waiting, shown = Signal(late, reset_less=True), Signal(late, reset_less=True)
        m.d.sync += [waiting.as_value().eq(Cat(row[0], at, window.first, window.end)), shown.eq(waiting)]
        joined, before, counts = Signal(8 * self.config.row_bytes), Signal(size), Signal(size)
        m.d.comb += [
            before.eq(_ones(shown.at, size)),  # what lies in the row behind
            counts.eq(_ones(shown.end, size) & ~_ones(shown.first, size)),
        ]
        for number in range(size):
            even, odd = (half.o_chosen.word_select(number, granule) for half in halves)
            m.d.comb += joined.word_select(number, granule).eq(Mux(before[number] ^ shown.odd, odd, even))
        turned = self._turn(m, "window_turned", joined, shown.at, left=False)
        for number in range(size):
            bits = turned.word_select(number, granule)
            m.d.sync += self.o_window.word_select(number, granule).eq(Mux(counts[number], bits, 0))

    def _put(self, m: Module, halves: list[BufferHalf]) -> None:
        """Turn the bytes so that each is where it belongs in its row; both rows get all, and write what is theirs."""
        put, size = self.i_put.payload, self.config.row_granules
        row, at, places = self._place(m, "put", put.address)
        low, high = Signal(size), Signal(size)
        m.d.comb += Cat(low, high).eq(_ones(put.used, size) << at)
        data_in_place = Signal(8 * self.config.row_bytes, reset_less=True)
        m.d.sync += data_in_place.eq(self._turn(m, "put_turned", put.data, at, left=True))
        for odd, half in enumerate(halves):
            mask, place = Signal(size, name=f"put_mask_{odd}"), Signal.like(half.i_put.row, name=f"put_row_{odd}")
            m.d.sync += [mask.eq(Mux(self.i_put.valid, Mux(row[0] == odd, low, high), 0)), place.eq(places[odd])]
            m.d.comb += [half.i_put.mask.eq(mask), half.i_put.row.eq(place), half.i_put.data.eq(data_in_place)]

    def _turn(self, m: Module, name: str, row: Value, granules: Value, *, left: bool) -> Value:
        """Move a row's granules round by so many places, up (left) or down."""
        for bit in range(len(granules)):
            bits = (8 * GRANULE_BYTES << bit) * (1 if left else -1)
            turned = Signal(8 * self.config.row_bytes, name=f"{name}_{bit}")
            m.d.comb += turned.eq(Mux(granules[bit], row.rotate_left(bits), row))
            row = turned
        return row


def _ones(count: Value, size: int) -> Value:
    """The lowest bits, so many of them, of `size`."""
    return ((1 << count) - 1)[:size]
