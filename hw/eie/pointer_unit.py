"""Pointer unit: where the entries of a broadcast's column are (EIE, section IV)."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..common.ram import Ram
from ..emit.shared import shared
from .config import EieConfig
from .layouts import broadcast_layout, column_layout, load_layout

__all__ = ["PointerUnit"]


class PointerUnit(wiring.Component):
    """Reads a column's pointer and the next one, whose difference is how many entries it has.

    Pointers of even and of odd address are in two memories, so that both are read at once. Latency: 2 cycles from
    `i_broadcast` to everything that goes out.

    Attributes
    ----------
    i_broadcast
        At most one a cycle.
    i_write
        Write to the memories (the part of `load_layout`).
    o_push, o_column
        A column for the queue.
    o_empty
        A column without entries came; it is pushed too, unless ``skip_empty``.
    o_drop
        It is not.
    o_scan_end
        No more columns come.
    o_error
        The pointers of this column fall, or span more entries than there are rows, or lead beyond the memory. It is
        treated as if it had no entries.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_broadcast": In(broadcast_layout(config)),
                "i_write": In(load_layout(config)["pointers"].shape),
                "o_push": Out(1),
                "o_column": Out(column_layout(config)),
                "o_empty": Out(1),
                "o_drop": Out(1),
                "o_scan_end": Out(1),
                "o_error": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, broadcast = self.config, self.i_broadcast
        banks = [Ram(config.pointer_bits, config.pointers // 2) for _ in range(2)]
        for number, bank in enumerate(banks):
            m.submodules[f"bank_{number}"] = shared(bank)
            m.d.comb += [
                bank.i_write_enable.eq(self.i_write.enable & (self.i_write.bank == number)),
                bank.i_write_address.eq(self.i_write.address),
                bank.i_write_data.eq(self.i_write.data),
                bank.i_read_enable.eq(broadcast.valid),
                bank.i_read_address.eq((broadcast.pointer + (1 - number)) >> 1),
            ]
        read, odd, activation = Signal(), Signal(), Signal.like(broadcast.activation, reset_less=True)
        ending = Signal()
        m.d.sync += [
            read.eq(broadcast.valid),
            ending.eq(broadcast.scan_end),
            odd.eq(broadcast.pointer[0]),
            activation.eq(broadcast.activation),
        ]
        even_word, odd_word = (bank.o_read_data for bank in banks)
        start, end = Signal(config.pointer_bits), Signal(config.pointer_bits)
        count, malformed = Signal(config.pointer_bits), Signal()
        m.d.comb += [
            start.eq(Mux(odd, odd_word, even_word)),
            end.eq(Mux(odd, even_word, odd_word)),
            count.eq(end - start),
            malformed.eq((end < start) | (count > config.rows) | (end > config.entries)),
        ]
        valid, column = Signal(), Signal(column_layout(config), reset_less=True)
        m.d.sync += [
            valid.eq(read),
            self.o_scan_end.eq(ending),
            self.o_error.eq(read & malformed),
            column.activation.eq(activation),
            column.start.eq(start),
            column.count.eq(Mux(malformed, 0, count)),
        ]
        m.d.comb += [
            self.o_column.eq(column),
            self.o_empty.eq(valid & (column.count == 0)),
            self.o_drop.eq(self.o_empty & config.skip_empty),
            self.o_push.eq(valid & ~self.o_drop),
        ]
        return m
