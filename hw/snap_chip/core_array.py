"""The cores with all that feeds them."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from ..bus.axi import request_layout
from ..common.broadcast import Broadcast
from ..emit.shared import shared
from ..snap.core import SnapCore
from ..snap.layouts import activation_beat, error_layout, sum_layout
from .block_scan import block_token
from .block_sequencer import BlockSequencer
from .command import OPERATIONS
from .config import BLOCKS, End, SnapChipConfig
from .ia_buffer import IaBuffer
from .layer import layer_layout, pick_fields
from .tile_expander import TileExpander, narrow_core
from .tile_slots import stored_tile
from .weight_column import WeightColumn
from .weight_layouts import weight_block, weight_job

__all__ = ["CoreArray"]


class CoreArray(wiring.Component):
    """Works a layer's blocks off: weights and activations from memory in, sums out; or activations to be pooled.

    Core c has the kernels c of each round; all cores get the same activations. Row i of each core has a column of
    output pixels, whose sums come from port i: by region, round, pixel, kernel. In diagonal mode it has a column of the
    input, and all ports of the core send sums.

    Attributes
    ----------
    i_start, i_end
        A layer begins; it is over.
    i_layer
        The command.
    i_jobs, o_requests, i_valid, i_data
        By weight buffer (core * columns + column): what to load; requests to memory; which one the beat is for.
    i_beats
        Segments of the layer's input, in order.
    o_sums
        By core and port (core * ports + port): stream of `sum_layout`. Ports are those of the rows, and with a global
        accumulator those of the other diagonals behind them.
    o_tiles
        By row: stream of `stored_tile`, if the layer is a pooling one.
    o_errors
        By core: `error_layout`.
    o_stuck
        The layer doesn't fit the buffer of activations.
    o_idle
        Nothing is left of the layer but sums on their way.
    """

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_end": In(1),
                "i_layer": In(layer_layout(config)),
                "i_jobs": In(stream.Signature(weight_job(config))).array(config.rings),
                "o_requests": Out(stream.Signature(request_layout(config.bus))).array(config.rings),
                "i_valid": In(config.rings),
                "i_data": In(config.data_bits),
                "i_beats": In(stream.Signature(config.data_bits)),
                "o_sums": Out(stream.Signature(sum_layout(config.core))).array(config.cores * config.sum_ports),
                "o_tiles": Out(stream.Signature(stored_tile(config))).array(config.banks),
                "o_errors": Out(error_layout(config.core)).array(config.cores),
                "o_stuck": Out(1),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer = self.config, self.i_layer
        cores = [SnapCore(config.core) for _ in range(config.cores)]
        for number, core in enumerate(cores):
            m.submodules[f"core_{number}"] = shared(core, hier_block=True)
            m.d.comb += self.o_errors[number].eq(core.o_errors)
            for port in range(config.core.ports):
                if port < config.sum_ports:
                    connect(m, core.o_sums[port], flipped(self.o_sums[number * config.sum_ports + port]))
                else:
                    m.d.comb += core.o_sums[port].ready.eq(1)  # ports of diagonals alone send nothing
        buffer, idle = self._blocks(m, cores)
        connect(m, flipped(self.i_beats), buffer.i_beats)
        m.d.comb += [
            buffer.i_layer.eq(layer),
            buffer.i_start.eq(self.i_start),
            buffer.i_end.eq(self.i_end),
            self.o_stuck.eq(buffer.o_stuck),
        ]
        waiting = self._activations(m, buffer, cores)
        m.d.comb += self.o_idle.eq(buffer.o_idle & idle & ~waiting)
        return m

    def _blocks(self, m: Module, cores: list[SnapCore]):
        """Tell everyone about the blocks; the buffer of activations, and whether no block waits."""
        config, layer = self.config, self.i_layer
        sequencer, buffer = BlockSequencer(config), IaBuffer(config)
        whole = weight_block(config)
        ends = data.StructLayout({name: whole[name].shape for name in ("end", "again")})
        tokens = Broadcast(block_token(config).size, 1, BLOCKS)
        commands = Broadcast(bits_for(config.core.psum_slots), config.cores, BLOCKS)
        weights = Broadcast(ends.size, config.rings, BLOCKS)
        parts = {"sequencer": sequencer, "buffer": buffer, "tokens": tokens, "commands": commands, "weights": weights}
        for name, part in parts.items():
            m.submodules[name] = shared(part)
        m.d.comb += [
            sequencer.i_start.eq(self.i_start),
            sequencer.i_layer.eq(pick_fields(layer, sequencer.i_layer.shape())),
        ]
        blocks, convolves, goes = sequencer.o_blocks, Signal(), Signal()
        block = Signal(ends)
        last_region, region = Signal(), Signal(12)
        m.d.comb += [
            convolves.eq(layer.operation == OPERATIONS["convolve"]),
            goes.eq(tokens.i.ready & (~convolves | commands.i.ready & weights.i.ready)),
            blocks.ready.eq(goes),
            tokens.i.valid.eq(blocks.valid & goes),
            tokens.i.payload.eq(blocks.payload.token),
            commands.i.valid.eq(blocks.valid & goes & convolves),
            commands.i.payload.eq(blocks.payload.slots),
            weights.i.valid.eq(blocks.valid & goes & convolves),
            weights.i.payload.eq(block),
            block.end.eq(blocks.payload.end),
            last_region.eq(region + 1 == layer.regions),
            block.again.eq(layer.resident & ~last_region),
        ]
        with m.If(blocks.valid & goes & (blocks.payload.end == End.REGION)):
            m.d.sync += region.eq(region + 1)
        with m.If(self.i_start):
            m.d.sync += region.eq(0)
        m.d.comb += [
            buffer.i_blocks.valid.eq(tokens.o[0].valid),
            buffer.i_blocks.payload.eq(tokens.o[0].payload),
            tokens.o[0].ready.eq(buffer.i_blocks.ready),
        ]
        ports, row_mode = (1 << config.banks) - 1, 1
        if config.global_accumulator:
            ports, row_mode = Mux(layer.diagonal, (1 << config.sum_ports) - 1, ports), ~layer.diagonal
        for number, core in enumerate(cores):
            command = core.i_commands
            m.d.comb += [
                command.valid.eq(commands.o[number].valid),
                commands.o[number].ready.eq(command.ready),
                command.payload.slots.eq(commands.o[number].payload),
                command.payload.ports.eq(ports),
                command.payload.row_mode.eq(row_mode),
            ]
            for column in range(config.core.core_columns):
                ring = number * config.core.core_columns + column
                self._weights(m, ring, weights.o[ring], ends, core.i_weights[column])
        waiting = Cat(one.valid for source in (tokens, commands, weights) for one in source.o).any()
        return buffer, sequencer.o_idle & ~waiting

    def _weights(self, m: Module, ring: int, block, ends: data.StructLayout, beats) -> None:
        """A column's buffer and feeder."""
        end = data.View(ends, block.payload)
        part = WeightColumn(self.config)
        m.submodules[f"weights_{ring}"] = shared(part)
        connect(m, flipped(self.i_jobs[ring]), part.i_jobs)
        connect(m, part.o_requests, flipped(self.o_requests[ring]))
        connect(m, part.o_beats, beats)
        m.d.comb += [
            part.i_valid.eq(self.i_valid[ring]),
            part.i_data.eq(self.i_data),
            part.i_blocks.valid.eq(block.valid),
            part.i_blocks.payload.kernels.eq(self.i_layer.kernels),
            part.i_blocks.payload.weight_groups.eq(self.i_layer.weight_groups),
            part.i_blocks.payload.end.eq(end.end),
            part.i_blocks.payload.again.eq(end.again),
            block.ready.eq(part.i_blocks.ready),
        ]

    def _activations(self, m: Module, buffer: IaBuffer, cores: list[SnapCore]):
        """From each row's tiles to the cores' beats, or out to be pooled; whether any beat waits."""
        config, layer = self.config, self.i_layer
        pools = Signal()
        m.d.comb += pools.eq(layer.operation == OPERATIONS["pool"])
        narrow = activation_beat(narrow_core(config))
        waiting = []
        for row in range(config.banks):
            expander, copies = TileExpander(config), Broadcast(narrow.size, config.cores)
            m.submodules[f"expander_{row}"], m.submodules[f"copies_{row}"] = shared(expander), shared(copies)
            tiles = buffer.o_tiles[row]
            m.d.comb += [
                expander.i_layer.eq(pick_fields(layer, expander.i_layer.shape())),
                expander.i_tiles.valid.eq(tiles.valid & ~pools),
                expander.i_tiles.payload.eq(tiles.payload),
                self.o_tiles[row].valid.eq(tiles.valid & pools),
                self.o_tiles[row].payload.eq(tiles.payload),
                tiles.ready.eq((expander.i_tiles.ready & ~pools) | (self.o_tiles[row].ready & pools)),
                copies.i.valid.eq(expander.o_beats.valid),
                copies.i.payload.eq(expander.o_beats.payload),
                expander.o_beats.ready.eq(copies.i.ready),
            ]
            waiting.append(expander.o_beats.valid)
            for number, core in enumerate(cores):
                beat, source = core.i_activations[row], copies.o[number]
                view = data.View(narrow, source.payload)
                m.d.comb += [beat.valid.eq(source.valid), source.ready.eq(beat.ready)]
                for name in narrow.members:
                    if name != "entries":
                        m.d.comb += beat.payload[name].eq(view[name])
                for lane, entry in enumerate(view.entries):
                    m.d.comb += [
                        beat.payload.entries[lane].index.eq(entry.index),
                        beat.payload.entries[lane].value.eq(entry.value),
                    ]
                waiting.append(source.valid)
        return Cat(waiting).any()
