"""What the core reducer must do: lose and make up nothing, and keep to the rules of its streams."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ....hw.common.delay import registered
from ....hw.snap.config import SnapConfig
from ....hw.snap.core_reducer import CoreReducer
from ....hw.snap.layouts import command_layout
from ...formal import Assert, Assume, Cover

__all__ = ["ReducerStreamsSpec", "ReducerSumsSpec", "ReducerValidSpec"]


class _ReducerInputs(wiring.Component):
    """A reducer whose commands are valid and wait until they are taken; ports take sums as they like."""

    def __init__(self, config: SnapConfig, dut: CoreReducer, extra: dict):
        self.config, self.dut = config, dut
        ports = {"command": In(command_layout(config)), "offered": In(1), "ready": In(config.ports)}
        super().__init__(ports | extra)

    def _reducer(self, m: Module) -> CoreReducer:
        m.submodules.dut = dut = self.dut
        commands, waits = dut.i_commands, Signal()
        waited = Signal.like(self.command.as_value(), name="waited")
        m.d.sync += [waits.eq(commands.valid & ~commands.ready), waited.eq(self.command.as_value())]
        m.d.comb += [
            commands.valid.eq(self.offered),
            commands.payload.eq(self.command),
            *(port.ready.eq(self.ready[number]) for number, port in enumerate(dut.o_sums)),
            Assume(~waits | (self.offered & (waited == self.command.as_value()))),
            Assume((self.command.slots != 0) & (self.command.slots <= self.config.psum_slots)),
            Assume(~self.command.row_mode | (self.command.ports[self.config.core_rows :] == 0)),
        ]
        return dut


class ReducerStreamsSpec(_ReducerInputs):
    """A sum that waits stays as it is; nothing is counted, freed or begun anew without valid and ready.

    PEs may do what they like. If ``pipelined``, what counts is that they had completed the block in the cycle before.
    """

    def __init__(self, config: SnapConfig):
        dut = CoreReducer(config)
        ports = dut.signature.members
        super().__init__(config, dut, {name: ports[name] for name in ("i_done", "i_psums")})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and assertions."""
        m = Module()
        config, dut = self.config, self._reducer(m)
        started, taken, bank = Signal(), Signal(), Signal()
        m.d.sync += [started.eq(1), taken.eq(dut.i_commands.valid & dut.i_commands.ready), bank.eq(dut.o_bank)]
        m.d.comb += [
            Assert(~dut.i_commands.ready | dut.i_commands.valid),
            Assert(~started | (dut.o_bank == bank ^ taken)),
        ]
        for row in range(config.core_rows):
            for column in range(config.core_columns):
                done = Mux(dut.o_bank, self.i_done[row][column][1], self.i_done[row][column][0])
                done = registered(m, config.pipelined, f"done_before_{row}_{column}", done)
                m.d.comb += [
                    dut.i_done[row][column].eq(self.i_done[row][column]),
                    dut.i_psums[row][column].eq(self.i_psums[row][column]),
                    Assert(~dut.o_free[row][column] | (dut.i_commands.valid & done)),
                ]
        for number, port in enumerate(dut.o_sums):
            payload = port.payload.as_value()
            waits, before = Signal(name=f"waits_{number}"), Signal.like(payload, name=f"before_{number}")
            count, handed = Signal.like(dut.o_counts[number], name=f"count_{number}"), Signal(name=f"handed_{number}")
            m.d.sync += [waits.eq(port.valid & ~port.ready), before.eq(payload), count.eq(dut.o_counts[number])]
            m.d.sync += handed.eq(port.valid & port.ready)
            m.d.comb += [
                Assert(~waits | (port.valid & (payload == before))),
                Assert(~started | (dut.o_counts[number] == (count + handed)[: len(count)])),
                Assert(dut.o_busy | ~port.valid),
            ]
        return m


class ReducerValidSpec(_ReducerInputs):
    """Every port offers a sum although no port has ever been ready: valid doesn't wait for ready.

    In row mode, in which the ports are as many as the rows, or not.
    """

    def __init__(self, config: SnapConfig, row_mode: bool):
        dut = CoreReducer(config)
        ports = dut.signature.members
        self._row_mode = row_mode
        super().__init__(config, dut, {name: ports[name] for name in ("i_done", "i_psums")})

    def elaborate(self, platform) -> Module:
        """Design, assumptions and what is to be reached."""
        m = Module()
        config, dut = self.config, self._reducer(m)
        for row in range(config.core_rows):
            for column in range(config.core_columns):
                m.d.comb += dut.i_done[row][column].eq(self.i_done[row][column])
                m.d.comb += dut.i_psums[row][column].eq(self.i_psums[row][column])
        offering = list(dut.o_sums)[: config.core_rows if self._row_mode else None]
        m.d.comb += Assume((self.ready == 0) & (self.command.row_mode == self._row_mode))
        m.d.comb += Cover(Cat(port.valid for port in offering).all())
        return m


class ReducerSumsSpec(_ReducerInputs):
    """Of any one slot, each port hands over exactly the psums of its diagonal or row, each PE's once a block.

    Every PE completes blocks when it likes, with any psums, which stay until it is freed. When a port has handed over
    as many sums as the blocks taken so far ask for, their total is that of the psums that were read for it; and it has
    when the reducer isn't busy.
    """

    def __init__(self, config: SnapConfig):
        psums = data.ArrayLayout(data.ArrayLayout(config.pe_psum_bits, config.psum_slots), config.pes)
        free = {"completes": In(config.pes), "psums": In(psums), "slot": In(config.slot_bits)}
        super().__init__(config, CoreReducer(config), free)

    def elaborate(self, platform) -> Module:
        """Design, PEs, assumptions and assertions."""
        m = Module()
        config, dut = self.config, self._reducer(m)
        rows, columns, bits = config.core_rows, config.core_columns, config.psum_bits
        started, slot = Signal(), Signal.like(self.slot)
        m.d.sync += [started.eq(1), slot.eq(self.slot)]
        m.d.comb += Assume(~started | (slot == self.slot))
        taken = dut.i_commands.valid & dut.i_commands.ready
        bank = registered(m, config.pipelined, "late_bank", dut.o_bank)  # as on its way to the PEs
        owed = [[] for _ in range(config.ports)]
        for row in range(rows):
            for column in range(columns):
                followed = self._pe(m, dut, bank, row, column, taken)
                freed = Mux(dut.o_free[row][column] & (self.command.slots > self.slot), followed, 0)
                owed[row].append(Mux(self.command.row_mode, freed, 0))
                owed[row - column + columns - 1].append(Mux(self.command.row_mode, 0, freed))
        finished = []
        for number, port in enumerate(dut.o_sums):
            read, due, paid = (Signal(bits, name=f"{name}_{number}") for name in ("read", "due", "paid"))
            asked, sent = (Signal(6, name=f"{name}_{number}") for name in ("asked", "sent"))
            next_slot = Signal(config.slot_bits, name=f"next_slot_{number}")
            sends, handed, reads = self.command.ports[number], port.valid & port.ready, Signal(bits, name=f"r_{number}")
            m.d.comb += reads.eq(read + sum(Mux(sends, psum, 0) for psum in owed[number]))
            m.d.sync += [read.eq(reads), sent.eq(sent + handed)]
            with m.If(handed & (port.payload.slot == self.slot)):
                m.d.sync += paid.eq(paid + port.payload.value)
            with m.If(taken):
                m.d.sync += [due.eq(due + reads), read.eq(0), asked.eq(asked + Mux(sends, self.command.slots, 0))]
            with m.If(handed):
                # Slots come in order; the first of a block is the one after the last of the block before.
                m.d.sync += next_slot.eq(port.payload.slot + 1)
                m.d.comb += Assert((port.payload.slot == 0) | (port.payload.slot == next_slot))
            m.d.comb += [Assert((sent != asked) | (paid == due)), Assert(dut.o_busy | (sent == asked))]
            finished.append((asked != 0) & (sent == asked))
        modes = Signal(2)
        with m.If(taken):
            m.d.sync += modes.eq(modes | Mux(self.command.row_mode, 2, 1))
        m.d.comb += Cover((modes == 3) & Cat(finished).all())
        return m

    def _pe(self, m: Module, dut: CoreReducer, read_bank, row: int, column: int, taken):
        """A PE's two banks, of which the reducer reads one; returns its psum of the slot that is followed."""
        number, name = row * self.config.core_columns + column, f"{row}_{column}"
        completes, psums = self.completes[number], self.psums[number]
        done, bank, gone = Signal(2, name=f"done_{name}"), Signal(name=f"bank_{name}"), Signal(name=f"gone_{name}")
        kept = [Signal(psums.shape(), name=f"kept_{half}_{name}") for half in range(2)]
        free = dut.o_free[row][column]
        shown, slot = Signal(psums.shape(), name=f"shown_{name}"), Signal(self.slot.shape(), name=f"slot_{name}")
        m.d.sync += slot.eq(dut.o_slots[row][column])
        m.d.comb += [
            Assume(~completes | ~done.bit_select(bank, 1)),
            dut.i_done[row][column].eq(done),
            shown.eq(Mux(read_bank, kept[1], kept[0])),
            dut.i_psums[row][column].eq(shown[slot].as_signed()),  # pyrefly: ignore[bad-index]
            Assert(~free | (done.bit_select(read_bank, 1) & ~gone)),
            Assert(~taken | free | gone),
        ]
        m.d.sync += gone.eq(~taken & (gone | free))
        m.d.sync += done.eq(done & ~(free << read_bank) | completes << bank)
        with m.If(completes):
            m.d.sync += bank.eq(~bank)
            for half in range(2):
                with m.If(bank == half):
                    m.d.sync += kept[half].eq(psums)
        return shown[self.slot]
