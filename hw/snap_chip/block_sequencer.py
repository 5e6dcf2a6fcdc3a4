"""Goes through the blocks of a layer."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .block_scan import block_token
from .config import End, SnapChipConfig
from .layer import layer_fields

__all__ = ["BlockSequencer", "sequenced_block"]


def sequenced_block(config: SnapChipConfig) -> data.StructLayout:
    """A block, for the buffer of activations (``token``), the cores (``slots``: psums), and the weights (``end``)."""
    return data.StructLayout({"token": block_token(config), "slots": bits_for(config.core.psum_slots), "end": End})


class BlockSequencer(wiring.Component):
    """All blocks of a layer: for each region, for each round of kernels, runs of `block_lines` pixels.

    A block of n pixels takes n + 1 cycles.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    o_blocks
        Stream of `sequenced_block`.
    o_idle
        All blocks of the layer were taken.
    """

    fields = (
        "height", "out_lines", "region_lines", "regions", "column_groups", "block_lines", "kernels", "rounds",
        "group_rounds", "group_tiles", "kernel_lines", "stride_lines", "stride_columns", "dilation_lines",
        "padding_lines",
    )  # fmt: skip

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields)),
                "o_blocks": Out(stream.Signature(sequenced_block(config))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, block = self.config, self.i_layer, self.o_blocks.payload
        token = block.token
        place = data.StructLayout(
            {"x": 8, "x_rows": range(config.banks), "x_lines": 11, "group": 10, "group_columns": 13}
        )
        at, first = Signal(place), Signal(place)
        counts, pixels, bottom, over, full = Signal(), Signal(7), Signal(), Signal(), Signal()
        last_round, last_region, taken = Signal(), Signal(), Signal()
        region, round_, group_round, tile = Signal(12), Signal(14), Signal(14), Signal(12)
        first_line, lines_left, lines = Signal(signed(14)), Signal(12), Signal(8)
        left = Signal(12)  # after this region

        m.d.comb += [
            left.eq(lines_left - layer.region_lines),
            bottom.eq(at.x + 1 == lines),
            over.eq(at.group == layer.column_groups),
            full.eq(pixels == layer.block_lines),
            last_round.eq(round_ + 1 == layer.rounds),
            last_region.eq(region + 1 == layer.regions),
            self.o_blocks.valid.eq(counts & (over | full)),
            taken.eq(self.o_blocks.valid & self.o_blocks.ready),
            block.slots.eq(pixels[: len(block.slots)] * layer.kernels[: len(block.slots)]),
            block.end.eq(Mux(~over, End.BLOCK, Mux(~last_round, End.ROUND, Mux(last_region, End.LAYER, End.REGION)))),
            *(token[name].eq(first[name]) for name in place.members),
            token.line.eq(first_line),
            token.lines.eq(lines),
            token.pixels.eq(pixels),
            token.tile.eq(tile),
            self.o_idle.eq(~counts),
        ]
        reach = (lines - 1) * layer.stride_lines + (layer.kernel_lines - 1) * layer.dilation_lines
        m.d.comb += [
            token.free.eq(_clipped(first_line, layer.height)),
            token.need.eq(_clipped(first_line + reach + 1, layer.height)),
        ]

        with m.If(counts & ~over & ~full):
            m.d.sync += [
                pixels.eq(pixels + 1),
                at.x.eq(at.x + 1),
                at.x_rows.eq(Mux(at.x_rows == config.banks - 1, 0, at.x_rows + 1)),
                at.x_lines.eq(at.x_lines + layer.stride_lines),
            ]
            with m.If(bottom):
                m.d.sync += [at.x.eq(0), at.x_rows.eq(0), at.x_lines.eq(0)]
                m.d.sync += [at.group.eq(at.group + 1), at.group_columns.eq(at.group_columns + layer.stride_columns)]
        with m.If(taken):
            m.d.sync += [pixels.eq(0), first.eq(at)]
            with m.If(over):
                m.d.sync += [at.eq(0), first.eq(0), round_.eq(round_ + 1), group_round.eq(group_round + 1)]
                with m.If(group_round + 1 == layer.group_rounds):
                    m.d.sync += [group_round.eq(0), tile.eq(tile + layer.group_tiles)]
                with m.If(last_round):
                    m.d.sync += [
                        *(counter.eq(0) for counter in (round_, group_round, tile)),
                        region.eq(region + 1),
                        lines_left.eq(left),
                        lines.eq(Mux(left < layer.region_lines, left, layer.region_lines)),
                        first_line.eq(first_line + layer.region_lines * layer.stride_lines),
                        counts.eq(~last_region),
                    ]
        with m.If(self.i_start):
            m.d.sync += [
                counts.eq(1),
                *(counter.eq(0) for counter in (at, first, pixels, round_, group_round, tile, region)),
                lines_left.eq(layer.out_lines),
                lines.eq(Mux(layer.out_lines < layer.region_lines, layer.out_lines, layer.region_lines)),
                first_line.eq(-layer.padding_lines),
            ]
        return m


def _clipped(line, height):
    """A line's number, from 0 to the height."""
    return Mux(line < 0, 0, Mux(line > height, height, line))
