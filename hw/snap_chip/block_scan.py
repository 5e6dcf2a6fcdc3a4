"""Goes through the pixels of a block, tap by tap."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import NO_LINE, SnapChipConfig
from .layer import diagonal_fields, layer_fields

__all__ = ["BlockScan", "block_token", "pixels"]


def block_token(config: SnapChipConfig) -> data.StructLayout:
    """A block of a layer: pixels (column group, line) of a region that follow each other, lines first.

    ``line``: input line of the region's first output line and the first tap. ``lines``: of the region. Of the first
    pixel: ``x``, its line in the region; ``x_rows``, ``x_lines``: that modulo the rows, times the stride; ``group``,
    ``group_columns``: its column group, that times the stride. ``pixels``: how many. ``tile``: first one of the input
    that the round reads. ``need``: lines that the region needs. ``free``: lines below that aren't needed any more.
    """
    return data.StructLayout(
        {
            "line": signed(14),
            "lines": 8,
            "x": 8,
            "x_rows": range(config.banks),
            "x_lines": 11,
            "group": 10,
            "group_columns": 13,
            "pixels": 7,
            "tile": 12,
            "need": 13,
            "free": 12,
        }
    )


def pixels(config: SnapChipConfig) -> data.StructLayout:
    """What the rows get in a step over channels and for a tap: a pixel each, a column apart.

    ``line``: of the input. ``x_rows``: by how many rows the columns are rotated. ``group``, ``group_columns``: as in
    `block_token`. ``tap_quotient``, ``tap_rest``: the tap's column as a number of banks and the rest. ``tile``,
    ``tiles``, ``rest``: the step's channels. ``blank``: there is no such line. ``slot``, ``group_last`` and
    ``block_last``: as in `tile_tag`.
    """
    return data.StructLayout(
        {
            "line": 12,
            "x_rows": range(config.banks),
            "group": 10,
            "group_columns": 13,
            "tap_quotient": signed(10),
            "tap_rest": range(config.banks),
            "tile": 12,
            "tiles": range(config.core.core_columns + 1),
            "rest": 1,
            "blank": 1,
            "slot": config.core.slot_bits,
            "group_last": 1,
            "block_last": 1,
        }
    )


class BlockScan(wiring.Component):
    """The pixels of a block for each step over channels, each tap: those whose line is inside the image.

    A group of which no pixel has a line gets its first one as a blank. Each step waits until its channels of all lines
    that the region needs have been loaded. A group of n pixels takes n + 1 cycles.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_blocks
        Stream of `block_token`.
    i_lines, i_tiles
        Of the loader: complete lines, and tiles that the band after them has.
    o_pixels
        Stream of `pixels`.
    o_free_line
        Input lines below this one are not needed any more; all ones between layers.
    o_waits
        The channels of the next step have not been loaded.
    i_end
        The layer is over.
    """

    fields = (
        "height", "band_lines", "kernels", "kernel_lines", "kernel_columns", "stride_lines", "stride_columns",
        "dilation_lines", "dilation_quotient", "dilation_rest", "padding_quotient", "padding_rest", "full_steps",
        "rest_steps", "rest_tiles",
    )  # fmt: skip

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_end": In(1),
                "i_layer": In(layer_fields(*self.fields, *diagonal_fields(config, "diagonal"))),
                "i_blocks": In(stream.Signature(block_token(config))),
                "i_lines": In(13),
                "i_tiles": In(12),
                "o_pixels": Out(stream.Signature(pixels(config))),
                "o_free_line": Out(12, init=NO_LINE),  # pyrefly: ignore[unexpected-keyword]  # not in the stubs
                "o_waits": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, block, out = self.config, self.i_layer, self.i_blocks.payload, self.o_pixels
        begins, group_over, last_group = Signal(), Signal(), Signal()
        scans, flushes, pending = Signal(), Signal(), Signal()
        free, loaded, inside, last, moves = Signal(), Signal(), Signal(), Signal(), Signal()
        item, kept = Signal(pixels(config)), Signal(pixels(config), reset_less=True)
        number, line, tap_line = Signal(7), Signal(signed(15)), Signal(signed(14))
        self._taps(m, item, tap_line, loaded, last_group, group_over, begins)
        lines_in = self._entries(m, item, number, moves, group_over | begins)
        m.d.comb += [
            begins.eq(self.i_blocks.valid & ~scans & ~flushes),
            line.eq(tap_line + lines_in),
            item.line.eq(line),
            inside.eq((line >= 0) & (line < layer.height)),
            last.eq(number + 1 == block.pixels),
            free.eq(~out.valid | out.ready),
            # The pixel found last waits until it is known whether it is the last of its group.
            moves.eq(scans & loaded & (~inside | ~pending | free)),
            self.o_waits.eq(scans & ~loaded),
            group_over.eq(flushes & free),
            self.i_blocks.ready.eq(group_over & last_group),
        ]
        with m.If(free):
            m.d.sync += [
                out.valid.eq(group_over | moves & inside & pending),
                out.payload.eq(Mux(pending, kept, item)),
                out.payload.blank.eq(~pending),
                out.payload.group_last.eq(flushes),
                out.payload.block_last.eq(flushes & last_group),
            ]
            with m.If(~pending):
                m.d.sync += out.payload.slot.eq(0)
        with m.If(moves):
            m.d.sync += [scans.eq(~last), flushes.eq(last)]
            with m.If(inside):
                m.d.sync += [pending.eq(1), kept.eq(item)]
        with m.If(group_over):
            m.d.sync += [pending.eq(0), flushes.eq(0), scans.eq(~last_group)]
        with m.If(begins):
            m.d.sync += [scans.eq(1), self.o_free_line.eq(block.free)]
        with m.If(self.i_end):
            m.d.sync += self.o_free_line.eq(NO_LINE)
        with m.If(self.i_start):
            m.d.sync += self.o_free_line.eq(0)
        return m

    def _entries(self, m: Module, item, number, moves, again):
        """Go through the block's pixels, from the first one `again`; lines of the input that the pixel is down."""
        config, layer, block = self.config, self.i_layer, self.i_blocks.payload
        x, x_lines, slot = Signal(8), Signal(11), Signal(config.core.slot_bits)
        bottom = Signal()
        m.d.comb += [bottom.eq(x + 1 == block.lines), item.slot.eq(slot)]
        # What the item has of these is a register of its own, as both are structures of the same fields.
        place = Signal(
            data.StructLayout({name: pixels(config)[name].shape for name in ("x_rows", "group", "group_columns")})
        )
        for name in place.shape().members:
            m.d.comb += item[name].eq(place[name])
        with m.If(moves):
            m.d.sync += [
                number.eq(number + 1),
                slot.eq(slot + layer.kernels),
                x.eq(x + 1),
                x_lines.eq(x_lines + layer.stride_lines),
                place.x_rows.eq(Mux(place.x_rows == config.banks - 1, 0, place.x_rows + 1)),
            ]
            with m.If(bottom):
                m.d.sync += [
                    x.eq(0),
                    x_lines.eq(0),
                    place.x_rows.eq(0),
                    place.group.eq(place.group + 1),
                    place.group_columns.eq(place.group_columns + layer.stride_columns),
                ]
        with m.If(again):
            m.d.sync += [number.eq(0), slot.eq(0), x.eq(block.x), x_lines.eq(block.x_lines)]
            m.d.sync += [place[name].eq(block[name]) for name in place.shape().members]
        return x_lines

    def _taps(self, m: Module, item, tap_line, loaded, last_group, group_over, begins) -> None:
        """Go through the steps over channels, the kernel's lines, its columns."""
        config, layer, block = self.config, self.i_layer, self.i_blocks.payload
        line, column = Signal(5), Signal(5)
        quotient = Signal(pixels(config)["tap_quotient"].shape)  # the last of 31 taps may be 31 * 16 banks away
        rest = Signal(range(config.banks))
        full, rests, tile = Signal(10), Signal(2), Signal(12)
        last_line, last_column, whole, behind = Signal(), Signal(), Signal(), Signal(13)
        full_tiles = config.core.core_columns
        if config.global_accumulator:
            full_tiles = Mux(layer.diagonal, 1, full_tiles)
        m.d.comb += [
            last_line.eq(line + 1 == layer.kernel_lines),
            last_column.eq(column + 1 == layer.kernel_columns),
            whole.eq(full != 0),
            last_group.eq(last_line & last_column & (full + rests == 1)),
            item.tile.eq(tile),
            item.tiles.eq(Mux(whole, full_tiles, layer.rest_tiles)),
            item.rest.eq(~whole),
            item.tap_quotient.eq(quotient),
            item.tap_rest.eq(rest),
            behind.eq(tile + item.tiles),
            loaded.eq(
                (block.need <= self.i_lines)
                | (block.need <= self.i_lines + layer.band_lines) & (behind <= self.i_tiles)
            ),
        ]
        first_column = [column.eq(0), quotient.eq(layer.padding_quotient), rest.eq(layer.padding_rest)]
        with m.If(group_over):
            total = rest + layer.dilation_rest
            wraps = total >= config.banks
            m.d.sync += [
                column.eq(column + 1),
                rest.eq(Mux(wraps, total - config.banks, total)),
                quotient.eq(quotient + layer.dilation_quotient + wraps),
            ]
            with m.If(last_column):
                m.d.sync += [*first_column, line.eq(line + 1), tap_line.eq(tap_line + layer.dilation_lines)]
                with m.If(last_line):
                    m.d.sync += [line.eq(0), tap_line.eq(block.line), tile.eq(behind)]
                    with m.If(whole):
                        m.d.sync += full.eq(full - 1)
                    with m.Else():
                        m.d.sync += rests.eq(rests - 1)
        with m.If(begins):
            m.d.sync += [
                *first_column,
                line.eq(0),
                tap_line.eq(block.line),
                tile.eq(block.tile),
                full.eq(layer.full_steps),
                rests.eq(layer.rest_steps),
            ]
