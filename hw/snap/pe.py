"""Processing element: W and IA register files, list queue, sequence decoder, multipliers, psums."""

from functools import partial
from typing import Any, NamedTuple

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..common.delay import registered
from .aim_port import AimPort, aim_operands
from .config import SnapConfig
from .entry_file import EntryFile
from .job_signature import SIGNATURE_BITS, JobSignature
from .layouts import COUNTER_BITS, WAITS, activation_beat, pe_counter_layout, tile_tag, weight_beat, window_tag
from .list_layouts import job_flags, match_list, target
from .list_queue import ListQueue
from .multiply_add import MultiplyAdd
from .requester import Requester
from .ring import Ring
from .sequence_decoder import SequenceDecoder

__all__ = ["PE"]


class _Arriving(NamedTuple):
    """A beat at the register files, whether it is stored, and where."""

    beat: Any  # a view whose fields no checker can know
    store: Signal
    address: Signal


class _Freed(NamedTuple):
    """Whether the reducer has read a psum bank, and which."""

    free: Signal
    bank: Signal


class PE(wiring.Component):
    """``pe_multipliers`` multipliers and everything that keeps them busy (SNAP, Fig. 8(b) and Fig. 10).

    Windows and tiles are stored as they come; as soon as both of a job are there, the PE asks the AIM for the list of
    its matches. The sequence decoder turns the lists into pairs, which are multiplied and added to psums. When a
    block's last pair has landed, its psum bank waits for the reducer, while the other bank takes the next block.

    Timing: beat stored in t, request (and grant) in t + 1, matching in t + 2, pairs decoded from t + 3 on, multiplied
    a cycle later, added another cycle later, readable in t + 6. If ``pipelined``, a beat is stored in the cycle after
    that in which it is taken, and `SequenceDecoder` and `MultiplyAdd` take longer.

    Attributes
    ----------
    i_weights, i_weights_store, i_weights_end
        Beat of the column, whether to store it, whether it is taken and ends a window.
    o_weights_beat_room, o_weights_item_room
        There is room for a beat; for one more complete window.
    i_activations, i_activations_store, i_activations_end, o_activations_beat_room, o_activations_item_room
        The same for the row's beats, and tiles.
    o_request, o_operands, i_grant, o_made
        Request for the AIM; the number of lists that the operation completes.
    i_lists
        Result of the AIM, in the cycle after the grant.
    i_slot
        Slot that the reducer reads.
    i_bank, o_psum
        Bank that it sees, and the psum in it of the slot that was read in the cycle before.
    o_done
        By bank: the block in it is complete.
    i_free
        The reducer has read bank `i_bank`.
    o_signature
        See `JobSignature`.
    o_starved
        No list is on its way, and the next one needs a tile that isn't there: no room will come of it.
    o_overflow
        Sticky: a psum wrapped around.
    o_active
        A window to match or a list of matches is here: all the PE can do is wait for weights if there is none.
    i_cycles
        The core's counter of cycles.
    o_counters
        See `pe_counter_layout`.
    """

    def __init__(self, config: SnapConfig):
        self.config = config
        super().__init__(
            {
                "i_weights": In(weight_beat(config)),
                "i_weights_store": In(1),
                "i_weights_end": In(1),
                "o_weights_beat_room": Out(1),
                "o_weights_item_room": Out(1),
                "i_activations": In(activation_beat(config)),
                "i_activations_store": In(1),
                "i_activations_end": In(1),
                "o_activations_beat_room": Out(1),
                "o_activations_item_room": Out(1),
                "o_request": Out(1),
                "o_operands": Out(aim_operands(config)),
                "i_grant": In(1),
                "o_made": Out(range(3)),
                "i_lists": In(data.ArrayLayout(match_list(config), 2)),
                "i_bank": In(1),
                "i_slot": In(config.slot_bits),
                "o_psum": Out(signed(config.pe_psum_bits)),
                "o_done": Out(2),
                "i_free": In(1),
                "o_signature": Out(SIGNATURE_BITS),
                "o_starved": Out(1),
                "o_overflow": Out(1),
                "o_active": Out(1),
                "i_cycles": In(COUNTER_BITS),
                "o_counters": Out(pe_counter_layout()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.requester = requester = Requester(config)
        m.submodules.list_queue = queue = ListQueue(config)
        m.submodules.sequence_decoder = decoder = SequenceDecoder(config)
        windows = Ring(config.weight_beats, config.weight_windows, window_tag().size, 1, config.pipelined)
        tiles = Ring(config.activation_beats, config.activation_tiles, tile_tag(config).size, 2, config.pipelined)
        m.submodules.windows, m.submodules.tiles = windows, tiles
        self._store(m, windows, tiles, requester)
        weights = self._arriving(m, "weights", self.i_weights, windows)
        activations = self._arriving(m, "activations", self.i_activations, tiles)
        self._request(m, windows, tiles, weights, activations, requester)
        freed = self._freed(m)
        self._decode(m, tiles, freed, requester, queue, decoder)
        self._compute(m, windows, tiles, weights, activations, freed, decoder)
        self._count(m, requester, queue, decoder)
        return m

    def _store(self, m: Module, windows: Ring, tiles: Ring, requester: Requester) -> None:
        """Beats into the rings, and the items that are wanted out of them."""
        beat = self.i_activations
        tag = data.View(tile_tag(self.config), tiles.i_tag)
        m.d.comb += [
            windows.i_store.eq(self.i_weights_store),
            windows.i_end.eq(self.i_weights_end),
            windows.i_tag.eq(Cat(self.i_weights.group_last, self.i_weights.block_last)),
            windows.i_item[0].eq(requester.o_window),
            requester.i_window_complete.eq(windows.o_complete[0]),
            requester.i_window.eq(windows.o_item[0]),
            self.o_weights_beat_room.eq(windows.o_beat_room),
            self.o_weights_item_room.eq(windows.o_item_room),
            tiles.i_store.eq(self.i_activations_store),
            tiles.i_end.eq(self.i_activations_end),
            tag.slot.eq(beat.slot),
            tag.classes.eq(beat.classes),
            tag.group_last.eq(beat.group_last),
            self.o_activations_beat_room.eq(tiles.o_beat_room),
            self.o_activations_item_room.eq(tiles.o_item_room),
        ]
        for number in range(2):
            m.d.comb += [
                tiles.i_item[number].eq(requester.o_tiles[number]),
                requester.i_tiles_complete[number].eq(tiles.o_complete[number]),
                requester.i_tiles[number].eq(tiles.o_item[number]),
            ]

    def _arriving(self, m: Module, name: str, beat, ring: Ring) -> _Arriving:
        """A beat at the register files; there a cycle later if ``pipelined``, since it comes from far away."""
        late = partial(registered, m, self.config.pipelined)
        return _Arriving(
            late(f"{name}_beat", beat, reset_less=True),
            late(f"{name}_store", ring.i_store),
            late(f"{name}_address", ring.o_beat, reset_less=True),
        )

    def _freed(self, m: Module) -> _Freed:
        """What the reducer has read; a cycle later if ``pipelined``, since it is far away."""
        late = partial(registered, m, self.config.pipelined)
        return _Freed(late("free", self.i_free), late("free_bank", self.i_bank))

    def _request(
        self,
        m: Module,
        windows: Ring,
        tiles: Ring,
        weights: _Arriving,
        activations: _Arriving,
        requester: Requester,
    ) -> None:
        """What the AIM is to match."""
        m.submodules.aim_port = port = AimPort(self.config)
        m.d.comb += [
            port.i_weights.eq(weights.beat),
            port.i_weights_store.eq(weights.store),
            port.i_weights_beat.eq(weights.address),
            port.i_activations.eq(activations.beat),
            port.i_activations_store.eq(activations.store),
            port.i_activations_beat.eq(activations.address),
            port.i_window.eq(windows.o_item[0]),
            *(port.i_tiles[number].eq(tiles.o_item[number]) for number in range(2)),
            port.i_mode.eq(requester.o_mode),
            port.i_half.eq(requester.o_half),
            self.o_operands.eq(port.o_operands),
            self.o_request.eq(requester.o_request),
            self.o_made.eq(requester.o_made),
            requester.i_grant.eq(self.i_grant),
        ]

    def _decode(
        self,
        m: Module,
        tiles: Ring,
        freed: _Freed,
        requester: Requester,
        queue: ListQueue,
        decoder: SequenceDecoder,
    ) -> None:
        """The AIM's lists into the queue, and out of it as pairs."""
        m.d.comb += [
            queue.i_write.eq(requester.o_write),
            queue.i_begin.eq(requester.o_begin),
            queue.i_end.eq(requester.o_end),
            queue.i_both.eq(requester.o_both),
            queue.i_matches.eq(self.i_lists),
            queue.i_heads.eq(requester.o_heads),
            queue.i_clear.eq(decoder.o_clear),
            queue.i_pop.eq(decoder.o_pop),
            decoder.i_queued.eq(queue.o_queued),
            decoder.i_lists.eq(queue.o_lists),
            decoder.i_drained.eq(freed.free),
            requester.i_popped.eq(decoder.o_pop[0] + decoder.o_pop[1]),
        ]
        m.submodules.job_signature = signature = JobSignature()
        tiles_missing = ~tiles.o_complete[0]
        if self.config.pipelined:
            tiles_missing &= ~tiles.o_arriving
        # Nobody waits for it: the block is read long after its last job was popped.
        popped = "sync" if self.config.pipelined else "comb"
        m.d[popped] += signature.i_pop.eq(decoder.o_pop)
        m.d.comb += [
            signature.i_free.eq(freed.free),
            signature.i_bank.eq(freed.bank),
            self.o_signature.eq(signature.o_signature),
            self.o_starved.eq((requester.o_in_flight == 0) & tiles_missing & (decoder.o_free_tiles == 0)),
        ]
        for flags, entry in zip(signature.i_flags, queue.o_lists, strict=True):
            m.d[popped] += [getattr(flags, name).eq(getattr(entry.head, name)) for name in job_flags().members]

    def _compute(
        self,
        m: Module,
        windows: Ring,
        tiles: Ring,
        weights: _Arriving,
        activations: _Arriving,
        freed: _Freed,
        decoder: SequenceDecoder,
    ) -> None:
        """Operands of the pairs into the arithmetic, a cycle after the decoder sent the pairs."""
        config, width = self.config, self.config.beat_entries
        weight = data.StructLayout({"value": signed(config.data_bits), "slot": config.slot_bits})
        weight_file = EntryFile(config.weight_beats, width, weight, config.pe_multipliers)
        activation_file = EntryFile(config.activation_beats, width, signed(config.data_bits), config.pe_multipliers)
        arithmetic = MultiplyAdd(config)
        m.submodules.weights, m.submodules.activations = weight_file, activation_file
        m.submodules.multiply_add = arithmetic
        m.d.comb += [
            windows.i_release.eq(decoder.o_free_windows),
            tiles.i_release.eq(decoder.o_free_tiles),
            weight_file.i_store.eq(weights.store),
            weight_file.i_beat.eq(weights.address),
            activation_file.i_store.eq(activations.store),
            activation_file.i_beat.eq(activations.address),
            arithmetic.i_read_slot.eq(self.i_slot),
            arithmetic.i_bank.eq(self.i_bank),
            arithmetic.i_clear.eq(Cat(freed.free & ~freed.bank, freed.free & freed.bank)),
            self.o_psum.eq(arithmetic.o_psum),
            self.o_done.eq(arithmetic.o_done),
            self.o_overflow.eq(arithmetic.o_overflow),
        ]
        for lane in range(width):
            m.d.comb += [
                weight_file.i_entries[lane].value.eq(weights.beat.entries[lane].value),
                weight_file.i_entries[lane].slot.eq(weights.beat.entries[lane].slot),
                activation_file.i_entries[lane].eq(activations.beat.entries[lane].value),
            ]
        m.d.sync += arithmetic.i_ends.eq(decoder.o_ends)
        for lane, pair in enumerate(decoder.o_pairs):
            m.d.sync += [
                getattr(arithmetic.i_targets[lane], name).eq(getattr(pair, name)) for name in target(config).members
            ]
            m.d.comb += [
                weight_file.i_read[lane].eq(pair.valid),
                activation_file.i_read[lane].eq(pair.valid),
                weight_file.i_address[lane].eq(pair.weight),
                activation_file.i_address[lane].eq(pair.activation),
                arithmetic.i_weights[lane].eq(weight_file.o_entry[lane].value),
                arithmetic.i_slots[lane].eq(weight_file.o_entry[lane].slot),
                arithmetic.i_activations[lane].eq(activation_file.o_entry[lane]),
            ]

    def _count(self, m: Module, requester: Requester, queue: ListQueue, decoder: SequenceDecoder) -> None:
        """Performance counters: multiplications, and what the PE does in this cycle.

        All cycles but those in which a PE is active count as waiting for weights. Which these are shows later: whether
        a cycle without any work in the core lies between two programs or behind the last one.
        """
        counters, active_cycles = self.o_counters, Signal(COUNTER_BITS)
        m.d.comb += [
            self.o_active.eq((requester.o_in_flight != 0) | requester.i_window_complete),
            counters.wait_weights.eq(self.i_cycles - active_cycles),
        ]
        m.d.sync += [
            counters.multiplies.eq(counters.multiplies + decoder.o_issued),
            active_cycles.eq(active_cycles + self.o_active),
        ]
        reasons = (
            ("busy", decoder.o_issued != 0),
            ("empty_list", decoder.o_open),
            ("wait_psum", queue.o_queued[0]),
            ("wait_aim", requester.o_in_flight != queue.o_count),
            ("wait_weights", ~requester.i_window_complete),
            ("wait_activations", ~requester.i_tiles_complete[0]),
            ("wait_aim", 1),
        )
        reason = Signal(len(WAITS))
        for number, (name, applies) in enumerate(reasons):
            with m.If(applies) if not number else m.Elif(applies):
                m.d.comb += reason[WAITS.index(name)].eq(1)
        for name in WAITS:
            if name != "wait_weights":
                m.d.sync += counters[name].eq(counters[name] + reason[WAITS.index(name)])
