"""Half of the unified buffer: its even or its odd rows."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..common.ram import Ram
from ..emit.shared import shared
from .config import TpuConfig

__all__ = ["BufferHalf", "half_row", "half_write"]


def half_row(config: TpuConfig) -> Shape:
    """Number of a row among the even ones, or among the odd ones."""
    return Shape.cast(range(config.ub_rows // 2))


def half_write(config: TpuConfig) -> data.StructLayout:
    """Bytes to write in a row: the granules of `data` that `mask` has a bit for."""
    return data.StructLayout({"row": half_row(config), "mask": config.row_granules, "data": 8 * config.row_bytes})


class BufferHalf(wiring.Component):
    """Every other row of the unified buffer, in half of its banks, and a register for the row that was chosen last.

    Attributes
    ----------
    i_choose, o_chosen
        Choose a row: it is shown from two cycles later on, until another one is. It isn't read if it was chosen before
        and not written since.
    i_fetch, o_fetch_ready, o_fetched
        Read a row: it comes a cycle after the one in which it is ready, which it isn't while a chosen row is read in
        the same bank.
    i_put
        Write at once.
    i_store
        Stream of writes, which wait while a put goes to the same bank.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        row, width = half_row(config), 8 * config.row_bytes
        super().__init__(
            {
                "i_choose": In(wiring.Signature({"valid": Out(1), "row": Out(row)})),
                "o_chosen": Out(width),
                "i_fetch": In(wiring.Signature({"valid": Out(1), "row": Out(row)})),
                "o_fetch_ready": Out(1),
                "o_fetched": Out(width),
                "i_put": In(half_write(config)),
                "i_store": In(stream.Signature(half_write(config))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        number = config.ub_banks // 2
        bank_bits = exact_log2(number)
        banks = [Ram(8 * config.row_bytes, config.ub_rows // config.ub_banks, config.row_granules)]
        banks += [Ram(*banks[0].config) for _ in range(number - 1)]
        choose, fetch, put, store = self.i_choose.row, self.i_fetch.row, self.i_put, self.i_store.payload
        reads, puts = Signal(), Signal()
        self._keep(m, reads, puts)
        m.d.comb += [
            puts.eq(put.mask.any()),
            self.o_fetch_ready.eq(~(reads & (choose[:bank_bits] == fetch[:bank_bits]))),
            self.i_store.ready.eq(~(puts & (put.row[:bank_bits] == store.row[:bank_bits]))),
        ]
        for index, bank in enumerate(banks):
            m.submodules[f"bank_{index}"] = shared(bank, hier_block=True)

            def mine(row: Value, index: int = index) -> Value:
                return row[:bank_bits] == index

            read_here, put_here = Signal(name=f"read_{index}"), Signal(name=f"put_{index}")
            m.d.comb += [
                read_here.eq(reads & mine(choose)),
                put_here.eq(puts & mine(put.row)),
                bank.i_read_enable.eq(read_here | self.i_fetch.valid & mine(fetch)),
                bank.i_read_address.eq(Mux(read_here, choose[bank_bits:], fetch[bank_bits:])),
                bank.i_write_address.eq(Mux(put_here, put.row[bank_bits:], store.row[bank_bits:])),
                bank.i_write_data.eq(Mux(put_here, put.data, store.data)),
            ]
            with m.If(put_here):
                m.d.comb += bank.i_write_enable.eq(put.mask)
            with m.Elif(self.i_store.valid & mine(store.row)):
                m.d.comb += bank.i_write_enable.eq(store.mask)
        shown = [bank.o_read_data for bank in banks]
        chosen, was_read = self._shown(m, "chosen", shown, choose[:bank_bits]), Signal()
        m.d.sync += was_read.eq(reads)
        with m.If(was_read):
            m.d.sync += self.o_chosen.eq(chosen)
        m.d.comb += self.o_fetched.eq(self._shown(m, "fetched", shown, fetch[:bank_bits]))
        return m

    def _keep(self, m: Module, reads: Signal, puts: Signal) -> None:
        """Whether a row must be read: it isn't the one that was chosen last, or that was written since."""
        has, kept, following = Signal(), Signal(half_row(self.config)), Signal(half_row(self.config))
        stale = Signal()
        m.d.comb += [
            reads.eq(self.i_choose.valid & ~(has & (kept == self.i_choose.row))),
            following.eq(Mux(reads, self.i_choose.row, kept)),
            stale.eq(
                (puts & (self.i_put.row == following))
                | (self.i_store.valid & self.i_store.ready & (self.i_store.payload.row == following))
            ),
        ]
        m.d.sync += [kept.eq(following), has.eq((has | reads) & ~stale)]

    def _shown(self, m: Module, name: str, shown: list[Value], bank: Value) -> Signal:
        """The row that was read in the cycle before, in this bank."""
        number, row = Signal(len(bank), name=f"{name}_bank"), Signal(8 * self.config.row_bytes, name=f"{name}_row")
        m.d.sync += number.eq(bank)
        with m.Switch(number):
            for index, data_of_bank in enumerate(shown):
                with m.Case(index):
                    m.d.comb += row.eq(data_of_bank)
        return row
