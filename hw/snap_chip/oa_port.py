"""From a core's sums to bytes in the output buffer."""

from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..common.ram import Ram
from ..common.requantizer import Requantizer
from ..emit.shared import shared
from ..snap.layouts import sum_layout
from ..snap.psum_file import fits
from .config import OA_SLOTS, SnapChipConfig
from .layer import diagonal_fields, layer_fields
from .output_scan import TILE_COUNT_BITS, slot_start
from .scale_table import ROUND_COUNT_BITS, kernel_scale

__all__ = ["OaPort"]


class OaPort(wiring.Component):
    """Requantizes the sums of one port of a core, and keeps the bytes until the compressor has read them.

    Sums come by region, round, entry, kernel. The byte of kernel k in round h of stored tile m is number
    kernels * h + k of the entry's row in slot m mod `OA_SLOTS`. A sum a cycle; its byte is in memory 5 cycles later.

    In diagonal mode a port's column of a column group is also one of the group before, which has a port of its own for
    it behind those of the rows. So what that sent is added to the port's sums in all groups but the first. Behind the
    last group there is one more entry a line that the core knows nothing of: nothing but what was carried, or 0.

    Parameters
    ----------
    carries
        Whether the column of the port is one of the group before: that of the first ports of a chip with a global
        accumulator.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_tiles, i_last_entries
        Stored tiles that have a slot so far, modulo 2**`TILE_COUNT_BITS`; by slot, entries of its tile less one.
    i_rounds, o_round, o_kernel, i_scale
        Rounds whose scales are there; the round and the kernel that the port is at; its `kernel_scale`.
    i_sums
        Stream of `sum_layout`.
    i_lines, i_last_sums
        With a global accumulator, by slot: entries of a column group; last entry that has a sum of the core.
    i_carried
        If the port carries: stream of sums, of the group before.
    i_words
        Stream of rows, for a layer whose outputs are no sums: all bytes of the core for an entry.
    o_tiles
        Stored tiles that are complete, modulo 2**`TILE_COUNT_BITS`.
    i_read, i_address, o_data
        Read a row: it comes in the next cycle.
    o_overflow
        For a cycle: a sum with its bias needed more than 32 bits, or one with what was carried more than psums have.
    """

    fields = ("kernels", "sum_zero", "sum_low", "sum_high")

    def __init__(self, config: SnapChipConfig, carries: bool = False):
        self.config = config, carries
        entries = data.ArrayLayout(range(config.region_pixels), OA_SLOTS)
        row = data.ArrayLayout(8, config.core_kernels)
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields, *diagonal_fields(config, "diagonal"))),
                "i_tiles": In(TILE_COUNT_BITS),
                "i_last_entries": In(entries),
                "i_rounds": In(ROUND_COUNT_BITS),
                "o_round": Out(ROUND_COUNT_BITS),
                "o_kernel": Out(range(config.core_kernels)),
                "i_scale": In(kernel_scale()),
                "i_sums": In(stream.Signature(sum_layout(config.core))),
                "i_words": In(stream.Signature(row)),
                "o_tiles": Out(TILE_COUNT_BITS),
                "i_read": In(1),
                "i_address": In(range(OA_SLOTS * config.region_pixels)),
                "o_data": Out(row),
                "o_overflow": Out(1),
            }
            | ({"i_lines": In(entries), "i_last_sums": In(entries)} if config.global_accumulator else {})
            | ({"i_carried": In(stream.Signature(signed(config.core.psum_bits)))} if carries else {})
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        (config, _), layer, kernel = self.config, self.i_layer, self.o_kernel
        bytes_ = config.core_kernels
        ram = Ram(8 * bytes_, OA_SLOTS * config.region_pixels, bytes_)
        tag = data.StructLayout({"address": range(ram.config[1]), "place": range(bytes_), "last": 1})
        lane = Requantizer(config.core.psum_bits, tag.size)
        m.submodules.ram, m.submodules.lane = shared(ram), shared(lane)

        tile, slot, entry = Signal(TILE_COUNT_BITS), Signal(range(OA_SLOTS)), Signal(range(config.region_pixels))
        first = Signal(range(bytes_))  # the byte of the round's first kernel
        summed, worded, goes, last_entry, last_kernel, last_round, tile_ends = (Signal() for _ in range(7))
        entering, address = Signal(tag), Signal(range(ram.config[1]))
        m.d.comb += [
            goes.eq(tile != self.i_tiles),
            self.i_words.ready.eq(goes),
            worded.eq(self.i_words.valid & goes),
            lane.i.valid.eq(self.i_sums.valid & goes & (self.o_round != self.i_rounds)),
            self.i_sums.ready.eq(lane.i.ready & goes & (self.o_round != self.i_rounds)),
            summed.eq(lane.i.valid & lane.i.ready),
            last_kernel.eq(worded | (kernel + 1 == layer.kernels)),
            last_round.eq(worded | (first + layer.kernels == bytes_)),
            last_entry.eq(entry == self.i_last_entries[slot]),
            tile_ends.eq(last_kernel & last_entry & last_round),
            address.eq(slot_start(config, slot) + entry),
            entering.address.eq(address),
            entering.place.eq(first + kernel),
            entering.last.eq(tile_ends),
            lane.i.payload.sum.eq(self.i_sums.payload.value),
            lane.i.payload.bias.eq(self.i_scale.bias),
            lane.i.payload.factor.eq(self.i_scale.factor),
            lane.i.payload.tag.eq(entering),
            lane.i_zero_point.eq(layer.sum_zero),
            lane.i_low.eq(layer.sum_low),
            lane.i_high.eq(layer.sum_high),
            self.o_overflow.eq(lane.o_overflow),
        ]
        if config.global_accumulator:
            self._accumulate(m, lane, goes, summed, entry, slot)
        with m.If(summed | worded):
            m.d.sync += kernel.eq(Mux(last_kernel, 0, kernel + 1))
            with m.If(last_kernel):
                m.d.sync += entry.eq(Mux(last_entry, 0, entry + 1))
                with m.If(last_entry):
                    m.d.sync += [self.o_round.eq(self.o_round + 1), first.eq(Mux(last_round, 0, first + layer.kernels))]
            with m.If(tile_ends):
                m.d.sync += [tile.eq(tile + 1), slot.eq(Mux(slot == OA_SLOTS - 1, 0, slot + 1))]

        leaving = data.View(tag, lane.o.payload.tag)
        m.d.comb += [
            lane.o.ready.eq(1),
            ram.i_write_enable.eq(Mux(worded, (1 << bytes_) - 1, Mux(lane.o.valid, 1 << leaving.place, 0))),
            ram.i_write_address.eq(Mux(worded, address, leaving.address)),
            ram.i_write_data.eq(Mux(worded, self.i_words.payload, lane.o.payload.value[:8].replicate(bytes_))),
            ram.i_read_enable.eq(self.i_read),
            ram.i_read_address.eq(self.i_address),
            self.o_data.eq(ram.o_read_data),
        ]
        m.d.sync += self.o_tiles.eq(self.o_tiles + Mux(worded, tile_ends, lane.o.valid & leaving.last))
        with m.If(self.i_start):
            m.d.sync += [tile.eq(0), slot.eq(0), self.o_round.eq(0), self.o_tiles.eq(0)]
        return m

    def _accumulate(self, m: Module, lane: Requantizer, may, summed, entry, slot) -> None:
        """What goes into the lane instead of a sum of the core alone: that, one that was carried, both, or none."""
        (config, carries), layer, sums = self.config, self.i_layer, self.i_sums
        own, total, goes, there = Signal(), Signal(signed(config.core.psum_bits + 1)), Signal(), Signal()
        value, comes = Mux(own, sums.payload.value, 0), Const(1)
        if carries:
            source, carried = self.i_carried, Signal()
            value, comes = value + Mux(carried, source.payload, 0), ~carried | source.valid
            m.d.comb += [
                carried.eq(layer.diagonal & (entry >= self.i_lines[slot])),
                source.ready.eq(lane.i.ready & goes & there & carried),
            ]
        m.d.comb += [
            goes.eq(may & (self.o_round != self.i_rounds)),
            own.eq(~layer.diagonal | (entry <= self.i_last_sums[slot])),
            total.eq(value),
            there.eq((~own | sums.valid) & comes),
            lane.i.valid.eq(goes & there),
            lane.i.payload.sum.eq(total),
            sums.ready.eq(lane.i.ready & goes & own & there),
            self.o_overflow.eq(lane.o_overflow | summed & ~fits(total, config.core.psum_bits)),
        ]
