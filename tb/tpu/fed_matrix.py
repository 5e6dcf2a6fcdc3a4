"""A design for tests: the matrix unit with what feeds it."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ...hw.emit.shared import shared
from ...hw.systolic.layouts import counter_layout, sum_row, weight_row
from ...hw.systolic.matrix_unit import MatrixUnit
from ...hw.tpu.config import TpuConfig
from ...hw.tpu.feeder import Feeder
from ...hw.tpu.layouts import matmul_entry, put_layout, store_layout
from ...hw.tpu.unified_buffer import UnifiedBuffer

__all__ = ["FedMatrix"]


class FedMatrix(wiring.Component):
    """Unified buffer, feeder and matrix unit.

    Attributes
    ----------
    i_put, i_store
        See `UnifiedBuffer`.
    i_entries, o_done
        See `Feeder`.
    i_weights, o_sums, o_counters, o_error
        See `MatrixUnit`.
    """

    def __init__(self, config: TpuConfig):
        self.config = config
        super().__init__(
            {
                "i_entries": In(stream.Signature(matmul_entry(config))),
                "i_put": In(wiring.Signature({"valid": Out(1), "payload": Out(put_layout(config))})),
                "i_store": In(stream.Signature(store_layout(config))),
                "i_weights": In(stream.Signature(weight_row(config.matrix))),
                "o_sums": Out(stream.Signature(sum_row(config.matrix))),
                "o_done": Out(1),
                "o_counters": Out(counter_layout()),
                "o_error": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        """Wires."""
        m = Module()
        buffer, feeder, matrix = UnifiedBuffer(self.config), Feeder(self.config), MatrixUnit(self.config.matrix)
        m.submodules.buffer, m.submodules.feeder, m.submodules.matrix = shared(buffer), shared(feeder), shared(matrix)
        connect(m, flipped(self.i_entries), feeder.i_entries)
        connect(m, flipped(self.i_put), buffer.i_put)
        connect(m, flipped(self.i_store), buffer.i_store)
        connect(m, flipped(self.i_weights), matrix.i_weights)
        connect(m, feeder.o_window, buffer.i_window)
        connect(m, feeder.o_commands, matrix.i_commands)
        connect(m, feeder.o_activations, matrix.i_activations)
        connect(m, matrix.o_sums, flipped(self.o_sums))
        m.d.comb += [
            feeder.i_window.eq(buffer.o_window),
            self.o_done.eq(feeder.o_done),
            self.o_counters.eq(matrix.o_counters),
            self.o_error.eq(matrix.o_error),
        ]
        return m
