"""Matrix unit: mesh, weight FIFO, accumulators and control behind four streams."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..common.delay import delayed
from ..emit.shared import shared
from .accumulators import Accumulators
from .config import SystolicConfig
from .layouts import COUNTER_BITS, activation_row, command_layout, counter_layout, sum_row, weight_row
from .mesh import Mesh
from .sequencer import Sequencer
from .skew import LeftEdge, Triangle
from .weight_fifo import WeightFIFO
from .weight_loader import WeightLoader

__all__ = ["MatrixUnit"]


class MatrixUnit(wiring.Component):
    """A weight-stationary matrix unit (TPU v1, Jouppi et al. 2017, section 2; lecture, TPU pages).

    A command multiplies B activation rows by the rows x columns weight tile in use, in B cycles, and
    writes or adds the B rows of sums to the accumulators. The next tile is loaded meanwhile, so
    commands of at least ``rows`` (and tiles down + 2) activation rows follow each other without a
    bubble. Operands are byte planes, signed or unsigned by command; 16-bit operands are two planes, so
    8x16 runs at half and 16x16 at a quarter of the speed, as the sum of commands with their ``shift``.

    The sums of a row that enters in cycle t are offered at ``o_sums`` in cycle t + rows + columns + 3
    (+ ``multiplier_registers``), if nothing holds them back. Back-pressure at any stream delays and loses nothing.

    Attributes
    ----------
    i_weights
        Rows of weight tiles, row 0 first, ``rows`` a tile.
    i_activations
        Activation rows in the order in which the commands take them.
    i_commands
        See `command_layout`.
    o_sums
        Accumulator rows of the commands that drain, in order.
    o_counters
        See `COUNTERS`.
    o_error
        Sticky: a command had no rows or reached beyond the accumulators.
    """

    def __init__(self, config: SystolicConfig):
        self.config = config
        super().__init__(
            {
                "i_weights": In(stream.Signature(weight_row(config))),
                "i_activations": In(stream.Signature(activation_row(config))),
                "i_commands": In(stream.Signature(command_layout(config))),
                "o_sums": Out(stream.Signature(sum_row(config))),
                "o_counters": Out(counter_layout()),
                "o_error": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.weight_fifo = fifo = WeightFIFO(config)
        m.submodules.weight_loader = loader = WeightLoader(config)
        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.mesh = mesh = Mesh(config)
        m.submodules.accumulators = accumulators = Accumulators(config)
        connect(m, flipped(self.i_weights), fifo.i_weights)
        connect(m, flipped(self.i_commands), sequencer.i_commands)
        connect(m, accumulators.o_sums, flipped(self.o_sums))
        m.d.comb += [
            loader.i_tile_ready.eq(fifo.o_tile_ready),
            loader.i_swap.eq(sequencer.o_swap),
            fifo.i_start.eq(loader.o_start),
            fifo.i_read.eq(loader.o_read),
            self.i_activations.ready.eq(sequencer.o_activations_ready),
            sequencer.i_activations_valid.eq(self.i_activations.valid),
            sequencer.i_weights_ready.eq(loader.o_ready),
            sequencer.i_conflict.eq(accumulators.o_conflict),
            sequencer.i_queue_full.eq(accumulators.o_full),
            accumulators.i_push.eq(sequencer.o_issue & sequencer.o_first & sequencer.o_landing.drain),
            accumulators.i_address.eq(sequencer.o_landing.address),
            accumulators.i_rows.eq(sequencer.o_rows),
            accumulators.i_issue.eq(sequencer.o_issue),
            accumulators.i_following.eq(sequencer.o_following),
            accumulators.i_take.eq(sequencer.i_commands.ready),
            accumulators.i_next_address.eq(self.i_commands.payload.address),
            accumulators.i_own.eq(~sequencer.o_first & sequencer.o_landing.drain),
            self.o_error.eq(sequencer.o_error),
        ]
        self._left(m, loader, sequencer, mesh)
        self._top(m, fifo, mesh)
        self._bottom(m, mesh, accumulators)
        in_flight = self._landing(m, sequencer, accumulators)
        self._count(m, sequencer, in_flight | accumulators.o_busy)
        return m

    def _left(self, m: Module, loader: WeightLoader, sequencer: Sequencer, mesh: Mesh) -> None:
        """Activations and control, skewed, into the mesh."""
        config = self.config
        buses = data.View(
            data.ArrayLayout(config.tile_rows * config.data_bits, config.tile_grid[0]),
            self.i_activations.payload.as_value(),
        )
        swap, load = sequencer.o_swap, loader.o_load
        weights_signed, activations_signed = sequencer.o_weights_signed, sequencer.o_activations_signed
        for row in range(config.tile_grid[0]):
            edge = LeftEdge(config)
            m.submodules[f"left_edge_{row}"] = shared(edge)
            m.d.comb += [
                edge.i_activations.eq(delayed(m, f"activation_delay_{row}", buses[row], row * config.tile_rows)),
                edge.i_swap.eq(swap),
                edge.i_weights_signed.eq(weights_signed),
                edge.i_activations_signed.eq(activations_signed),
                edge.i_load.eq(load),
                mesh.i_activations[row].as_value().eq(edge.o_activations),
                mesh.i_controls[row].as_value().eq(edge.o_controls),
            ]
            swap, load = edge.o_swap, edge.o_load
            weights_signed, activations_signed = edge.o_weights_signed, edge.o_activations_signed

    def _top(self, m: Module, fifo: WeightFIFO, mesh: Mesh) -> None:
        """Weights, skewed, into the mesh."""
        config = self.config
        width = config.tile_columns * config.data_bits
        for column in range(config.tile_grid[1]):
            bus = delayed(
                m, f"weight_delay_{column}", fifo.o_row.word_select(column, width), column * config.tile_columns
            )
            skew = Triangle(config.tile_columns, config.data_bits)
            m.submodules[f"weight_skew_{column}"] = shared(skew)
            m.d.comb += [skew.i.eq(bus), mesh.i_weights[column].as_value().eq(skew.o)]

    def _bottom(self, m: Module, mesh: Mesh, accumulators: Accumulators) -> None:
        """Psums, de-skewed, out of the mesh."""
        config = self.config
        across = config.tile_grid[1]
        for column in range(across):
            deskew = Triangle(config.tile_columns, config.psum_bits, reverse=True)
            m.submodules[f"psum_deskew_{column}"] = shared(deskew)
            cycles = (across - 1 - column) * config.tile_columns
            m.d.comb += [
                deskew.i.eq(mesh.o_psums[column].as_value()),
                accumulators.i_psums[column].eq(delayed(m, f"psum_delay_{column}", deskew.o, cycles)),
            ]

    def _landing(self, m: Module, sequencer: Sequencer, accumulators: Accumulators) -> Signal:
        """The way of a row's address and mode around the mesh; returns whether rows are in flight."""
        cycles = self.config.flight_cycles
        valid = Signal(cycles + 1)
        rows_in_flight = Signal(range(cycles + 3))
        landing = sequencer.o_landing.as_value()
        m.d.sync += valid.eq(Cat(sequencer.o_issue, valid))
        m.d.comb += [
            accumulators.i_landing_valid.eq(Cat(sequencer.o_issue, valid)[cycles]),
            accumulators.i_landing.as_value().eq(delayed(m, "landing_delay", landing, cycles)),
        ]
        m.d.sync += rows_in_flight.eq(rows_in_flight + sequencer.o_issue - valid[-1])
        in_flight = Signal()
        m.d.comb += in_flight.eq(rows_in_flight != 0)
        return in_flight

    def _count(self, m: Module, sequencer: Sequencer, later_work) -> None:
        """Performance counters."""
        events = {
            "cycles": self.i_commands.valid | sequencer.o_active | later_work,
            "issued": sequencer.o_issue,
            "wait_weights": sequencer.o_wait_weights,
            "wait_accumulators": sequencer.o_wait_accumulators,
            "wait_activations": sequencer.o_wait_activations,
        }
        for name, event in events.items():
            counter = Signal(COUNTER_BITS, name=f"count_{name}")
            with m.If(event):
                m.d.sync += counter.eq(counter + 1)
            m.d.comb += self.o_counters[name].eq(counter)
