"""Where each row's pixels are, tile by tile."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from .block_scan import pixels
from .config import SnapChipConfig
from .layer import layer_fields
from .tile_fetch import fetch_request

__all__ = ["Locator"]

STRIDES = range(1, 8)


class Locator(wiring.Component):
    """For pixels of all rows: in which banks they are and where their tiles are listed there, a tile a cycle.

    Column w of the image is in bank w mod rows. The rows' columns are a stride apart, so all are in different banks, if
    the stride has no factor in common with the number of rows.

    Attributes
    ----------
    i_layer
        Of the command.
    i_pixels
        Stream of `pixels`.
    o_requests
        Stream of `fetch_request`.
    """

    fields = (
        "rotate", "width_quotient", "width_rest", "tiles", "directory_line", "columns_quotient", "columns_rest",
        "stride_columns",
    )  # fmt: skip

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_layer": In(layer_fields(*self.fields)),
                "i_pixels": In(stream.Signature(pixels(config))),
                "o_requests": Out(stream.Signature(fetch_request(config))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, source, request = self.config, self.i_pixels, self.o_requests
        rows, index = config.banks, range(config.directory_entries)
        place = data.StructLayout({"bank": range(rows), "group": signed(14), "inside": 1})
        found = Signal(data.ArrayLayout(place, rows), reset_less=True)
        located = Signal(
            data.ArrayLayout(data.StructLayout({"bank": range(rows), "index": index}), rows), reset_less=True
        )
        first, second = Signal(pixels(config), reset_less=True), Signal(pixels(config), reset_less=True)
        first_valid, inside, number = Signal(), Signal(rows), Signal(range(config.core.core_columns))
        free, second_free, last = Signal(), Signal(), Signal()

        m.d.comb += [
            free.eq(~first_valid | second_free),
            source.ready.eq(free),
            last.eq(second.blank | (number + 1 == second.tiles)),
            second_free.eq(~request.valid | request.ready & last),
        ]
        for row in range(rows):
            one = Signal(place, name=f"place_{row}")
            self._locate(m, row, one)  # pyrefly: ignore[bad-argument-type]  # a signal of a layout is a view
            with m.If(free):
                m.d.sync += found[row].eq(one)
        with m.If(free):
            m.d.sync += [first_valid.eq(source.valid), first.eq(source.payload)]

        base, bits = Signal(index), len(Signal(index))  # numbers are modulo the directory's entries
        m.d.comb += base.eq(first.line[:bits] * self.i_layer.directory_line[:bits] + first.tile)
        with m.If(second_free):
            m.d.sync += [request.valid.eq(first_valid), second.eq(first)]
            m.d.sync += inside.eq(Cat(found[row].inside & ~first.blank for row in range(rows)))
            for row in range(rows):
                m.d.sync += [
                    located[row].bank.eq(found[row].bank),
                    located[row].index.eq(base + found[row].group[:bits] * self.i_layer.tiles[:bits]),
                ]
        with m.If(request.valid & request.ready):
            m.d.sync += number.eq(Mux(last, 0, number + 1))

        tag: data.View = request.payload.tag
        m.d.comb += [
            tag.number.eq(number),
            tag.rest.eq(second.rest),
            tag.last.eq(last),
            tag.slot.eq(second.slot),
            tag.group_last.eq(second.group_last),
            tag.block_last.eq(second.block_last),
            tag.inside.eq(inside),
        ]
        for row in range(rows):
            m.d.comb += [
                request.payload.banks[row].eq(located[row].bank),
                request.payload.indices[row].eq(located[row].index + number),
            ]
        return m

    def _locate(self, m: Module, row: int, place: data.View) -> None:
        """Bank and group of a row's column, and whether there is such a column of input and output."""
        config, layer, pixel = self.config, self.i_layer, self.i_pixels.payload
        rows = config.banks
        sum_, column = Signal(range(2 * rows), name=f"sum_{row}"), Signal(range(rows), name=f"column_{row}")
        quotient, rest = Signal(range(8), name=f"quotient_{row}"), Signal(range(rows), name=f"rest_{row}")
        total, wraps = Signal(range(2 * rows), name=f"total_{row}"), Signal(name=f"wraps_{row}")
        m.d.comb += [
            sum_.eq(row + Mux(layer.rotate, pixel.x_rows, 0)),
            column.eq(Mux(sum_ >= rows, sum_ - rows, sum_)),
        ]
        with m.Switch(Cat(column, layer.stride_columns)):
            for stride in STRIDES:
                for value in range(rows):
                    with m.Case(value | stride << bits_for(rows - 1)):
                        m.d.comb += [quotient.eq(stride * value // rows), rest.eq(stride * value % rows)]
        m.d.comb += [
            total.eq(rest + pixel.tap_rest),
            wraps.eq(total >= rows),
            place.bank.eq(Mux(wraps, total - rows, total)),
            place.group.eq(pixel.group_columns + quotient + pixel.tap_quotient + wraps),
            place.inside.eq(
                (place.group >= 0)
                & _below(place.group, place.bank, layer.width_quotient, layer.width_rest)
                & _below(pixel.group, column, layer.columns_quotient, layer.columns_rest)
            ),
        ]


def _below(quotient, rest, most_quotient, most_rest):
    """Whether a number of groups and the rest is less than another."""
    return (quotient < most_quotient) | (quotient == most_quotient) & (rest < most_rest)
