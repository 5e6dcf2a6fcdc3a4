"""Reads the output buffer pixel by pixel, in the order of segments."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import OA_SLOTS, SnapChipConfig
from .layer import diagonal_fields, layer_fields
from .tile_packer import output_pixel

__all__ = ["TILE_COUNT_BITS", "OutputScan", "slot_start"]

TILE_COUNT_BITS = OA_SLOTS.bit_length()
"""Stored tiles are counted modulo a number that is greater than that of the buffer's slots."""


def slot_start(config: SnapChipConfig, slot):
    """Row of the buffer's memories at which a slot begins."""
    start = Mux(slot == 0, 0, config.region_pixels)
    for number in range(2, OA_SLOTS):
        start = Mux(slot == number, number * config.region_pixels, start)
    return start


class OutputScan(wiring.Component):
    """Goes through the pixels of each finished stored tile: lines, columns. A pixel a cycle; latency 1 cycle.

    Column y of line x is at port (y - x) mod ports if columns are rotated, else y mod ports, at the entry that the
    port computed as number (y // ports) * lines + x. In diagonal mode y + ``first_port`` takes the place of y.

    Attributes
    ----------
    i_start
        A layer begins.
    i_layer
        Of the command.
    i_finished
        Stored tile number ``o_tiles`` is complete.
    o_tiles
        Stored tiles of the layer that were read, modulo 2**`TILE_COUNT_BITS`: tile n is in slot n mod `OA_SLOTS`.
    o_read, o_port, o_address
        Read this row of a port's memories.
    i_data
        What was read in the cycle before: bytes by channel of the stored tile.
    o_pixels
        Stream of `output_pixel`.
    o_idle
        No pixel is left of the layer.
    """

    fields = ("rotate", "out_lines", "out_columns", "region_lines", "out_tiles")

    def __init__(self, config: SnapChipConfig):
        self.config = config
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(layer_fields(*self.fields, *diagonal_fields(config, "first_port"))),
                "i_finished": In(1),
                "o_tiles": Out(TILE_COUNT_BITS),
                "o_read": Out(1),
                "o_port": Out(range(config.banks)),
                "o_address": Out(range(OA_SLOTS * config.region_pixels)),
                "i_data": In(data.ArrayLayout(8, config.tile_channels)),
                "o_pixels": Out(stream.Signature(output_pixel(config))),
                "o_idle": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config, layer, pixels = self.config, self.i_layer, self.o_pixels
        ports = config.banks
        left, lines, tile = Signal(12), Signal(8), Signal(12)  # lines from the region on; of the region
        slot = Signal(range(OA_SLOTS))
        line, column, place = Signal(8), Signal(12), Signal(range(ports))  # place: column modulo ports
        port, first_port, entry = Signal(range(ports)), Signal(range(ports)), Signal(range(config.region_pixels))
        last_column, last_line, last_tile, tile_ends, last_place = (Signal() for _ in range(5))
        rotated = Signal.like(first_port)
        begin = layer.first_port if config.global_accumulator else 0
        m.d.comb += [
            lines.eq(Mux(left < layer.region_lines, left, layer.region_lines)),
            last_place.eq(place == ports - 1),
            last_column.eq(column + 1 == layer.out_columns),
            last_line.eq(line + 1 == lines),
            last_tile.eq(tile + 1 == layer.out_tiles),
            self.o_read.eq((left != 0) & self.i_finished & (~pixels.valid | pixels.ready)),
            self.o_port.eq(port),
            self.o_address.eq(slot_start(config, slot) + entry),
            tile_ends.eq(self.o_read & last_column & last_line),
            rotated.eq(Mux(layer.rotate, Mux(first_port == 0, ports - 1, first_port - 1), first_port)),
        ]
        with m.If(self.o_read):
            m.d.sync += [
                column.eq(column + 1),
                place.eq(Mux(last_place, 0, place + 1)),
                port.eq(Mux(port == ports - 1, 0, port + 1)),
            ]
            with m.If(last_place):
                m.d.sync += entry.eq(entry + lines)
            with m.If(last_column):
                m.d.sync += [
                    line.eq(line + 1),
                    column.eq(0),
                    place.eq(begin),
                    port.eq(rotated),
                    first_port.eq(rotated),
                    entry.eq(line + 1),
                ]
        with m.If(tile_ends):
            m.d.sync += [
                line.eq(0),
                port.eq(begin),
                first_port.eq(begin),
                entry.eq(0),
                slot.eq(Mux(slot == OA_SLOTS - 1, 0, slot + 1)),
                self.o_tiles.eq(self.o_tiles + 1),
                tile.eq(Mux(last_tile, 0, tile + 1)),
            ]
            with m.If(last_tile):
                m.d.sync += left.eq(left - lines)
        with m.If(self.i_start):
            m.d.sync += [left.eq(layer.out_lines), slot.eq(0), self.o_tiles.eq(0)]
            if config.global_accumulator:
                m.d.sync += [register.eq(begin) for register in (place, port, first_port)]

        # As in a Fifo: the memories need not hold what they showed.
        fresh, held, last = Signal(), Signal(), Signal()
        kept = Signal.like(self.i_data, reset_less=True)
        m.d.comb += [
            pixels.valid.eq(fresh | held),
            pixels.payload.values.eq(Mux(held, kept, self.i_data)),
            pixels.payload.last.eq(last),
            self.o_idle.eq((left == 0) & ~pixels.valid),
        ]
        m.d.sync += [
            fresh.eq(self.o_read),
            held.eq(pixels.valid & ~pixels.ready),
            kept.eq(pixels.payload.values),
        ]
        with m.If(self.o_read):
            m.d.sync += last.eq(last_column & last_line)
        return m
