"""Reads a tensor's segments, whose lengths are in a table."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from ..bus.axi import request_layout
from ..bus.beat_reader import BeatReader
from ..emit.shared import shared
from .config import SnapChipConfig
from .weight_layouts import PASSES_BITS, weight_job

__all__ = ["CLIENTS", "SegmentReader", "tensor_place"]

CLIENTS = 2
"""Of memory: one reads the table, one the segments."""

LENGTH_BITS = 32


def tensor_place(config: SnapChipConfig) -> data.StructLayout:
    """Where a tensor is, in beats: ``address`` of its first segment, ``pitch`` from one to the next, the ``table``.

    ``bands``, ``tiles``: there is a segment for each pair of both.
    """
    bits = config.bus.beat_address_bits
    return data.StructLayout({"address": bits, "table": bits, "pitch": 16, "bands": 12, "tiles": 12})


class SegmentReader(wiring.Component):
    """The beats of all segments of a tensor, in order.

    Attributes
    ----------
    i_start, i_tensor
        Begin to read a tensor (`tensor_place`), which stays as it is; only if the one before was read.
    o_requests, i_valid, i_data
        By client: to and from memory; beats are taken at once.
    o_beats
        Stream of beats.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_tensor": In(tensor_place(config)),
                "o_requests": Out(stream.Signature(request_layout(config.bus))).array(CLIENTS),
                "i_valid": In(CLIENTS),
                "i_data": In(config.data_bits),
                "o_beats": Out(stream.Signature(config.data_bits)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, tensor = self.config, self.i_tensor
        table, segments = (
            BeatReader(config.bus, depth, PASSES_BITS) for depth in (config.bus.max_burst, config.bus.fifo_depth)
        )
        m.submodules.table, m.submodules.segments = shared(table), shared(segments)
        for number, reader in enumerate((table, segments)):
            connect(m, reader.o_requests, flipped(self.o_requests[number]))
            m.d.comb += [reader.i_valid.eq(self.i_valid[number]), reader.i_data.eq(self.i_data)]
        connect(m, segments.o_beats, flipped(self.o_beats))

        lengths = config.data_bits // LENGTH_BITS
        asks, left, listed = Signal(), Signal(24), Signal(range(lengths + 1))
        row, job = Signal(config.data_bits, reset_less=True), Signal(weight_job(config))
        count, taken = Signal(24), Signal()
        m.d.comb += [
            count.eq(tensor.bands * tensor.tiles),
            table.i_jobs.valid.eq(asks),
            table.i_jobs.payload.address.eq(tensor.table),
            table.i_jobs.payload.beats.eq((count + (lengths - 1)) >> exact_log2(lengths)),
            table.i_jobs.payload.passes.eq(1),
            # A row that is used up makes room for the next one.
            table.o_beats.ready.eq(listed == 0),
            segments.i_jobs.valid.eq((listed != 0) & (left != 0)),
            segments.i_jobs.payload.eq(job),
            job.beats.eq(row[:LENGTH_BITS]),
            job.passes.eq(1),
            taken.eq(segments.i_jobs.valid & segments.i_jobs.ready),
        ]
        address = Signal.like(tensor.address)
        m.d.comb += job.address.eq(address)
        with m.If(table.i_jobs.ready):
            m.d.sync += asks.eq(0)
        with m.If(table.o_beats.valid & table.o_beats.ready):
            m.d.sync += [row.eq(table.o_beats.payload), listed.eq(lengths)]
        with m.If(taken):
            m.d.sync += [
                row.eq(row >> LENGTH_BITS),
                listed.eq(listed - 1),
                left.eq(left - 1),
                address.eq(address + tensor.pitch),
            ]
        with m.If((listed != 0) & (left == 0)):
            m.d.sync += listed.eq(0)
        with m.If(self.i_start):
            m.d.sync += [asks.eq(1), left.eq(count), address.eq(tensor.address)]
        return m
