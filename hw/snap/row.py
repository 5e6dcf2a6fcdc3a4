"""A row of PEs that share an AIM and an activation stream."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.delay import registered
from ..emit.shared import shared
from .aim import Aim
from .aim_port import aim_operands
from .config import SnapConfig
from .job_signature import SIGNATURE_BITS
from .layouts import COUNTER_BITS, activation_beat, pe_counter_layout, row_counter_layout, weight_beat
from .pe import PE
from .stream_check import ActivationCheck

__all__ = ["SnapRow"]


class SnapRow(wiring.Component):
    """``core_columns`` PEs, their AIM, and the arbiter that gives it to one of them a cycle, in turn.

    Attributes
    ----------
    i_activations
        Stream of the row.
    i_weights, i_weights_store, i_weights_end
        By column: beat, whether this row stores it, and whether it is taken and ends a window.
    o_weights_beat_room, o_weights_item_room
        By column: the PE has room for a beat; for one more complete window.
    i_bank, i_slots, o_psums, o_done, i_free
        By column: see `PE`. If ``pipelined``, the PEs see the bank a cycle later.
    o_active
        A PE is active.
    i_cycles
        The core's counter of cycles.
    o_pe_counters, o_counters, o_beats
        Counters of the PEs, of the AIM, of the activation stream.
    o_signature, o_alike
        `JobSignature` of the first PE, and whether that of all others is the same.
    o_error, o_overflow
        Sticky: the activation stream is malformed; a psum wrapped around.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        columns = config.core_columns
        super().__init__(
            {
                "i_activations": In(stream.Signature(activation_beat(config))),
                "i_weights": In(weight_beat(config)).array(columns),
                "i_weights_store": In(columns),
                "i_weights_end": In(columns),
                "o_weights_beat_room": Out(columns),
                "o_weights_item_room": Out(columns),
                "i_bank": In(1),
                "i_slots": In(config.slot_bits).array(columns),
                "o_psums": Out(signed(config.pe_psum_bits)).array(columns),
                "o_done": Out(2).array(columns),
                "i_free": In(columns),
                "o_active": Out(1),
                "i_cycles": In(COUNTER_BITS),
                "o_pe_counters": Out(data.ArrayLayout(pe_counter_layout(), columns)),
                "o_counters": Out(row_counter_layout()),
                "o_beats": Out(COUNTER_BITS),
                "o_signature": Out(SIGNATURE_BITS),
                "o_alike": Out(1),
                "o_error": Out(1),
                "o_overflow": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        pes = [PE(config) for _ in range(config.core_columns)]
        bank = registered(m, config.pipelined, "bank", self.i_bank)  # one for each row, as the way there is long
        for column, pe in enumerate(pes):
            m.submodules[f"pe_{column}"] = shared(pe)
            m.d.comb += [
                pe.i_weights.eq(self.i_weights[column]),
                pe.i_weights_store.eq(self.i_weights_store[column]),
                pe.i_weights_end.eq(self.i_weights_end[column]),
                self.o_weights_beat_room[column].eq(pe.o_weights_beat_room),
                self.o_weights_item_room[column].eq(pe.o_weights_item_room),
                pe.i_bank.eq(bank),
                pe.i_slot.eq(self.i_slots[column]),
                self.o_psums[column].eq(pe.o_psum),
                self.o_done[column].eq(pe.o_done),
                pe.i_free.eq(self.i_free[column]),
                pe.i_cycles.eq(self.i_cycles),
                self.o_pe_counters[column].eq(pe.o_counters),
            ]
        m.d.comb += [
            self.o_active.eq(Cat(pe.o_active for pe in pes).any()),
            self.o_overflow.eq(Cat(pe.o_overflow for pe in pes).any()),
            self.o_signature.eq(pes[0].o_signature),
            self.o_alike.eq(Cat(pe.o_signature == pes[0].o_signature for pe in pes).all()),
        ]
        self._activations(m, pes)
        self._match(m, pes)
        return m

    def _activations(self, m: Module, pes: list[PE]) -> None:
        """The stream: a beat is taken when every PE that stores it has room, and all have for one more tile."""
        beat, valid, ready = self.i_activations.payload, self.i_activations.valid, self.i_activations.ready
        rooms, taken = Signal(len(pes)), Signal()
        m.submodules.check = check = ActivationCheck(self.config)
        m.d.comb += [
            *(
                rooms[column].eq(pe.o_activations_item_room & (pe.o_activations_beat_room | ~beat.mask[column]))
                for column, pe in enumerate(pes)
            ),
            ready.eq(rooms.all()),
            taken.eq(valid & ready),
            check.i_beat.eq(beat),
            check.i_valid.eq(valid),
            check.i_taken.eq(taken),
            check.i_stuck.eq((~rooms & Cat(pe.o_starved for pe in pes)).any()),
            self.o_error.eq(check.o_error),
        ]
        m.d.sync += self.o_beats.eq(self.o_beats + taken)
        for column, pe in enumerate(pes):
            m.d.comb += [
                pe.i_activations.eq(beat),
                pe.i_activations_store.eq(taken & beat.mask[column]),
                pe.i_activations_end.eq(taken & beat.last),
            ]

    def _match(self, m: Module, pes: list[PE]) -> None:
        """The AIM and its arbiter: the first PE from the one after the last that was served."""
        aim = Aim(self.config)
        m.submodules.aim = shared(aim)
        count = len(pes)
        turn, grants = Signal(range(max(2, count))), Signal(count)
        requests = Signal(count)
        m.d.comb += requests.eq(Cat(pe.o_request for pe in pes))
        with m.Switch(turn):
            for first in range(count):
                with m.Case(first):
                    for offset in reversed(range(count)):
                        with m.If(requests[(first + offset) % count]):
                            m.d.comb += grants.eq(1 << (first + offset) % count)
        operands = Signal(aim_operands(self.config))
        made = Signal(range(3))
        m.d.comb += [operands.eq(pes[0].o_operands), made.eq(pes[0].o_made)]
        for column, pe in enumerate(pes):
            m.d.comb += [pe.i_grant.eq(grants[column]), pe.i_lists.eq(aim.o_lists)]
            with m.If(grants[column]):
                m.d.sync += turn.eq((column + 1) % count)
                m.d.comb += [operands.eq(pe.o_operands), made.eq(pe.o_made)]
        m.d.comb += [
            aim.i_weights.eq(operands.weights),
            aim.i_tile.eq(operands.tile),
            aim.i_classes.eq(operands.classes),
            aim.i_mode.eq(operands.mode),
            aim.i_half.eq(operands.half),
        ]
        counters = self.o_counters
        m.d.sync += [
            counters.aim_operations.eq(counters.aim_operations + requests.any()),
            counters.lists.eq(counters.lists + Mux(requests.any(), made, 0)),
        ]
