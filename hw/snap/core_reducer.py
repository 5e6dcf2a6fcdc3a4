"""Core reducer: adds up the psums of diagonals or rows of PEs (second level of the two-level reduction)."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from ..common.delay import registered
from ..emit.shared import shared
from .config import SnapConfig
from .layouts import COUNTER_BITS, command_layout, sum_layout
from .psum_file import fits

__all__ = ["CoreReducer", "ReducerPort"]


class ReducerPort(wiring.Component):
    """One port: sums slot after slot of its PEs, a sum a cycle, into an output register.

    Attributes
    ----------
    i_open
        The command uses the port, and all its PEs have completed the block.
    i_sends
        The sums go out; otherwise they are dropped, all at once.
    i_slots
        Sums of the block.
    i_restart
        Begin the next block with the next cycle. If ``pipelined``, `i_slots` is that block's already.
    i_values
        The PEs' psums of the slot that `o_next_step` was in the cycle before (0 where there is no PE).
    o_next_step
        Slot to sum in the next cycle.
    o_free
        The last sum of the block was read in this cycle: the PEs' banks are free.
    o_finished
        No sum of the block remains to be read after this cycle.
    o_sums
        The sums.
    o_held
        Psums were read whose sum is not in `o_sums` yet; only if ``pipelined``.
    o_count
        Sums handed over.
    o_overflow
        Sticky: a sum wrapped around.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_open": In(1),
                "i_sends": In(1),
                "i_slots": In(bits_for(config.psum_slots)),
                "i_restart": In(1),
                "i_values": In(signed(config.pe_psum_bits)).array(config.core_columns),
                "o_next_step": Out(config.slot_bits),
                "o_free": Out(1),
                "o_finished": Out(1),
                "o_sums": Out(stream.Signature(sum_layout(config))),
                "o_held": Out(1),
                "o_count": Out(COUNTER_BITS),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        is_open, reads, drops, ends = Signal(), Signal(), Signal(), Signal()
        free, moves, over, last = Signal(), Signal(), Signal(), Signal()
        step, more, next_step = (Signal(self.i_slots.shape(), name=name) for name in ("step", "more", "next_step"))
        bits, columns, sums = self.config.psum_bits, self.config.core_columns, self.o_sums
        total, slot = Signal(signed(self.config.pe_psum_bits + bits_for(columns - 1))), Signal(self.config.slot_bits)
        m.d.comb += [
            is_open.eq(self.i_open & ~over),
            free.eq(~sums.valid | sums.ready),
            drops.eq(is_open & ~self.i_sends),
            more.eq(step + 1),
            # That the PEs are ready is known late, so there is no arithmetic behind it.
            ends.eq(drops | (reads & last)),
            self.o_finished.eq(over | ends),
            self.o_free.eq(ends),
            self.o_next_step.eq(next_step),
        ]
        m.d.sync += step.eq(next_step)
        if self.config.pipelined:
            m.d.comb += next_step.eq(Mux(self.i_restart, 0, Mux(reads, more, step)))
            # Comparisons in registers: slots come from afar, and the way from here to the next command is long.
            with m.If(self.i_restart):
                m.d.sync += [over.eq(self.i_slots == 0), last.eq(self.i_slots == 1)]
            with m.Else():
                m.d.sync += over.eq(over | ends)
                with m.If(reads):
                    m.d.sync += last.eq(step + 2 == self.i_slots)
            held = Signal()
            values = [Signal.like(value, name=f"value_{n}", reset_less=True) for n, value in enumerate(self.i_values)]
            held_slot = Signal(self.config.slot_bits, reset_less=True)
            m.d.comb += [
                moves.eq(held & free),
                reads.eq(is_open & self.i_sends & (~held | moves)),
                total.eq(sum(values)),
                slot.eq(held_slot),
                self.o_held.eq(held),
            ]
            m.d.sync += held.eq(reads | held & ~moves)
            with m.If(reads):
                m.d.sync += [
                    held_slot.eq(step),
                    *(to.eq(value) for to, value in zip(values, self.i_values, strict=True)),
                ]
        else:
            m.d.comb += [
                next_step.eq(Mux(self.i_restart, 0, Mux(drops, self.i_slots, Mux(reads, more, step)))),
                over.eq(step == self.i_slots),
                last.eq(more == self.i_slots),
                reads.eq(is_open & self.i_sends & free),
                moves.eq(reads),
                total.eq(sum(self.i_values)),
                slot.eq(step),
            ]
        with m.If(sums.ready):
            m.d.sync += sums.valid.eq(0)
            with m.If(sums.valid):
                m.d.sync += self.o_count.eq(self.o_count + 1)
        with m.If(moves & ~fits(total, bits)):
            m.d.sync += self.o_overflow.eq(1)
        with m.If(moves):
            m.d.sync += [sums.valid.eq(1), sums.payload.value.eq(total), sums.payload.slot.eq(slot)]
        return m


class CoreReducer(wiring.Component):
    """Adds up the psums of PEs, block by block, as the commands say (SNAP, section V-B, Fig. 11).

    Diagonal mode: port p sums the PEs with row - column + columns - 1 = p. Row mode: port p sums row p, and the ports
    from ``core_rows`` on rest. All ports work on one block at a time, each as soon as its PEs have completed it; the
    command is taken in the cycle in which the last port reads its last psum.

    Latency: a sum is offered in the cycle after its psums were read, or the one after that if ``pipelined``. One sum a
    port and cycle; if ``pipelined``, none in the first cycle of a command, in which the ports begin anew.

    Attributes
    ----------
    i_commands, o_sums
        See `command_layout`, `sum_layout`; sums in the order of slots, only of ports that send.
    i_done
        By row and column: the PE has completed the block in its bank 0, bank 1.
    i_psums
        By row and column: the PE's psum at `o_bank`, and at what `o_slots` was in the cycle before.
    o_bank
        Bank of the present block. If ``pipelined``, psums of the bank that it showed in the cycle before are read.
    o_slots
        By row and column: the slot to read, whose psum is there in the next cycle.
    o_free
        By row and column: the PE's bank `o_bank` was read.
    o_busy
        A command is offered or a sum waits.
    o_counts
        Sums handed over, by port.
    o_error, o_overflow
        Sticky: a command asked for no slot, for more than there are, or in row mode for a port without a row; a sum
        wrapped around.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        rows, columns = config.core_rows, config.core_columns
        super().__init__(
            {
                "i_commands": In(stream.Signature(command_layout(config))),
                "i_done": In(2).array(rows, columns),
                "i_psums": In(signed(config.pe_psum_bits)).array(rows, columns),
                "o_bank": Out(1),
                "o_slots": Out(config.slot_bits).array(rows, columns),
                "o_free": Out(1).array(rows, columns),
                "o_sums": Out(stream.Signature(sum_layout(config))).array(config.ports),
                "o_busy": Out(1),
                "o_counts": Out(data.ArrayLayout(COUNTER_BITS, config.ports)),
                "o_error": Out(1),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, command = self.config, self.i_commands
        rows, columns = range(config.core_rows), range(config.core_columns)
        ports = [ReducerPort(config) for _ in range(config.ports)]
        row_mode, bank = command.payload.row_mode, self.o_bank
        restart = command.ready
        if config.pipelined:  # that a command is taken is known late, and no port reads in its first cycle anyhow
            restart = ~registered(m, True, "lasts", command.valid & ~command.ready)
        done = [[Mux(bank, self.i_done[r][c][1], self.i_done[r][c][0]) for c in columns] for r in rows]
        for p, port in enumerate(ports):
            m.submodules[f"port_{p}"] = shared(port)
            across = [(p, c) if p in rows else None for c in columns]
            diagonal = [(r, c) if (r := p + c - columns[-1]) in rows else None for c in columns]
            complete = [
                Cat(done[r][c] for r, c in filter(None, pes)).all() if any(pes) else 0 for pes in (across, diagonal)
            ]
            is_open = command.valid & Mux(row_mode, *complete)
            if config.pipelined:  # what is complete for a command stays so until it is taken
                is_open = registered(m, True, f"open_{p}", is_open & ~command.ready)
            m.d.comb += [
                port.i_open.eq(is_open),
                port.i_sends.eq(registered(m, config.pipelined, f"sends_{p}", command.payload.ports[p])),
                port.i_slots.eq(command.payload.slots),
                port.i_restart.eq(restart),
                self.o_counts[p].eq(port.o_count),
            ]
            for c in columns:
                psums = [self.i_psums[pe[0]][pe[1]] if pe else 0 for pe in (across[c], diagonal[c])]
                m.d.comb += port.i_values[c].eq(Mux(row_mode, *psums))
            connect(m, port.o_sums, flipped(self.o_sums[p]))
        for r in rows:
            for c in columns:
                across, diagonal = ports[r], ports[r - c + columns[-1]]
                m.d.comb += [
                    # Where the mode changes, all steps restart together.
                    self.o_slots[r][c].eq(Mux(row_mode, across.o_next_step, diagonal.o_next_step)),
                    self.o_free[r][c].eq(Mux(row_mode, across.o_free, diagonal.o_free)),
                ]
        finished = Cat(port.o_finished | (row_mode & (p not in rows)) for p, port in enumerate(ports))
        if config.pipelined:  # what the ports say then is of the block before
            finished = Cat(finished, ~restart)
        slots = command.payload.slots
        m.d.comb += [
            command.ready.eq(command.valid & finished.all()),
            self.o_busy.eq(command.valid | Cat(port.o_sums.valid | port.o_held for port in ports).any()),
            self.o_overflow.eq(Cat(port.o_overflow for port in ports).any()),
        ]
        with m.If(command.ready):
            m.d.sync += bank.eq(~bank)
        rowless = row_mode & command.payload.ports[config.core_rows :].any()
        with m.If(command.valid & ((slots == 0) | (slots > config.psum_slots) | rowless)):
            m.d.sync += self.o_error.eq(1)
        return m
