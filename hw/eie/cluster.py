"""A cluster: the entries of some rows, and multipliers for them (EIE, section IV: a processing element)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..emit.shared import shared
from .cluster_counters import ClusterCounters
from .column_reader import ColumnReader
from .config import EieConfig
from .entry_decoder import EntryDecoder
from .finisher import Finisher
from .lane import Lane
from .layouts import (
    activation_group,
    broadcast_layout,
    cluster_counters,
    cluster_errors,
    codebook_quarter,
    load_layout,
    read_layout,
)
from .pointer_unit import PointerUnit

__all__ = ["Cluster"]


class Cluster(wiring.Component):
    """Takes every broadcast activation, and multiplies it by its entries of that column.

    All clusters are alike: none knows which one it is. `sim.eie.cycles` says what happens when: a broadcast is here in
    cycle d + 1. A job begins with a cycle of `i_begin`, then come broadcasts, for each of which whoever sends them has
    a credit, then ``scan_end``; once `o_idle` is there, rows may be read out.

    Attributes
    ----------
    i_begin
        First cycle of a job.
    i_broadcast
        Register that all clusters see.
    o_returned
        Register: columns that were used up or dropped in the cycle before, whose places in the queue are free.
    o_idle
        All that was broadcast is in the sums, and no more comes.
    i_scanning, i_reading_out
        For the counters: the cycle is one of this phase of a job. Scanning are all cycles from the first one to that in
        which all clusters are idle.
    i_read, o_activations
        Rows to read out; their activations come ``readout_latency`` cycles later. Their sums are 0 behind it.
    i_shift, i_relu
        See `Finisher`; they stay as they are while rows are read out.
    i_clear
        Rows whose sums are to be 0, as they must be before the first job after reset.
    i_codebook
        A quarter of the job's codebook, in the job's cycles 0 to 7.
    i_write
        Writes to the memories, while there is no job.
    i_clear_counters, o_counters
        See `ClusterCounters`.
    i_clear_errors, o_errors
        See `cluster_errors`. Columns are returned whatever is wrong with them.
    """

    def __init__(self, config: EieConfig):
        self.config = config
        super().__init__(
            {
                "i_begin": In(1),
                "i_broadcast": In(broadcast_layout(config)),
                "o_returned": Out(range(4)),
                "o_idle": Out(1),
                "i_scanning": In(1),
                "i_reading_out": In(1),
                "i_read": In(read_layout(config)),
                "i_shift": In(range(config.psum_bits)),
                "i_relu": In(1),
                "o_activations": Out(activation_group(config)),
                "i_clear": In(read_layout(config)),
                "i_codebook": In(codebook_quarter(config)),
                "i_write": In(load_layout(config)),
                "i_clear_counters": In(1),
                "o_counters": Out(cluster_counters()),
                "i_clear_errors": In(1),
                "o_errors": Out(cluster_errors()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.pointers = shared(pointers := PointerUnit(config))
        m.submodules.reader = shared(reader := ColumnReader(config))
        m.submodules.decoder = shared(decoder := EntryDecoder(config))
        m.d.comb += [
            pointers.i_broadcast.eq(self.i_broadcast),
            pointers.i_write.eq(self.i_write.pointers),
            reader.i_begin.eq(self.i_begin),
            reader.i_push.eq(pointers.o_push),
            reader.i_column.eq(pointers.o_column),
            reader.i_write.eq(self.i_write.matrix),
            decoder.i_codebook.eq(self.i_codebook),
            decoder.i_taken.eq(reader.o_taken),
            decoder.i_entries.eq(reader.o_entries),
        ]
        m.d.sync += self.o_returned.eq(reader.o_pop + pointers.o_drop)
        self._sums(m, decoder)

        ended_before, ended = Signal(), Signal()
        m.d.sync += ended_before.eq(pointers.o_scan_end | ended)
        m.d.comb += ended.eq(ended_before & ~self.i_begin)
        landing = Signal(config.landing_cycles - 1)  # by cycle: entries were taken
        m.d.sync += landing.eq(Cat(reader.o_valid.any(), landing))
        m.d.comb += self.o_idle.eq(ended & (reader.o_count == 0) & ~landing.any())

        m.submodules.counters = shared(counters := ClusterCounters(config))
        m.d.comb += [
            counters.i_clear.eq(self.i_clear_counters),
            counters.i_scanning.eq(self.i_scanning),
            counters.i_reading_out.eq(self.i_reading_out),
            counters.i_ended.eq(ended),
            counters.i_count.eq(reader.o_count),
            counters.i_pop.eq(reader.o_pop),
            counters.i_valid.eq(reader.o_valid),
            counters.i_read.eq(reader.o_read),
            counters.i_empty.eq(pointers.o_empty),
            counters.i_products.eq(Cat(operand.valid for operand in decoder.o_operands)),
            self.o_counters.eq(counters.o_counters),
        ]
        for name, found in (("pointers", pointers.o_error), ("row", decoder.o_row), ("filler", decoder.o_filler)):
            error = self.o_errors[name]
            m.d.sync += error.eq(found | (error & ~self.i_clear_errors))
        return m

    def _sums(self, m: Module, decoder: EntryDecoder) -> None:
        """Lanes, and what becomes of their sums."""
        m.submodules.finisher = shared(finisher := Finisher(self.config))
        m.d.comb += [
            finisher.i_shift.eq(self.i_shift),
            finisher.i_relu.eq(self.i_relu),
            self.o_activations.eq(finisher.o_activations),
        ]
        for number, operand in enumerate(decoder.o_operands):
            lane = Lane(self.config)
            m.submodules[f"lane_{number}"] = shared(lane)
            m.d.comb += [
                lane.i_operand.eq(operand),
                lane.i_read.eq(self.i_read),
                lane.i_clear.eq(self.i_clear),
                finisher.i_parts[number].eq(lane.o_sums),
            ]
